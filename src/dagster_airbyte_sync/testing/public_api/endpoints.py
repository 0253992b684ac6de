"""The public API, under `/api/public/v1`."""

import re
from collections.abc import Collection, Sequence

from flask import Blueprint, request
from werkzeug.wrappers import Response

from dagster_airbyte_sync.testing.public_api.lookup import Lookup
from dagster_airbyte_sync.testing.public_api.paging import UnorderedListing, envelope
from dagster_airbyte_sync.testing.public_api.records import (
    destination_record,
    job_record,
    source_record,
    stream_properties,
    workspace_record,
)
from dagster_airbyte_sync.testing.public_api.tags import PublicTags
from dagster_airbyte_sync.testing.public_api.writes import PublicWrites
from dagster_airbyte_sync.testing.server.tokens import Doorkeeper
from dagster_airbyte_sync.testing.wire import problems
from dagster_airbyte_sync.testing.wire.parameters import Body, Query
from dagster_airbyte_sync.testing.wire.payload import JsonObject
from dagster_airbyte_sync.testing.wire.problems import answer
from dagster_airbyte_sync.testing.world.connections import SimulatedConnection, SimulatedWorkspace
from dagster_airbyte_sync.testing.world.job_query import JobQuery, OrderField
from dagster_airbyte_sync.testing.world.jobs import SimulatedJob
from dagster_airbyte_sync.testing.world.world import World

JOB_TYPES = ("sync", "reset", "refresh", "clear")
JOB_STATUSES = ("pending", "queued", "running", "incomplete", "failed", "succeeded", "cancelled")
_ORDER = re.compile(r"([a-zA-Z0-9]+)\|(ASC|DESC)")
_ORDER_FIELDS: dict[str, OrderField] = {"createdat": "createdAt", "updatedat": "updatedAt"}


class PublicApi:
    """Answers of the public API. The gateway holds the lock while one is made."""

    def __init__(
        self,
        world: World,
        doorkeeper: Doorkeeper,
        *,
        admin: bool,
        editor: bool,
        stable: bool,
        seed: int,
    ) -> None:
        self._world = world
        self._doorkeeper = doorkeeper
        self._find = Lookup(world, admin=admin, editor=editor)
        self._permissions = self._find.permissions
        self._writes = PublicWrites(world, self._find)
        self._tags = PublicTags(world, self._find)
        self._stable = stable
        self._unordered = UnorderedListing(seed)

    def blueprint(self) -> Blueprint:
        routes = Blueprint("public", __name__, url_prefix="/api/public/v1")
        routes.get("/health")(self.health)
        routes.post("/applications/token")(self.token)
        routes.get("/workspaces")(self.list_workspaces)
        routes.get("/workspaces/<workspace_id>")(self.get_workspace)
        routes.get("/destinations")(self.list_destinations)
        routes.get("/destinations/<destination_id>")(self.get_destination)
        routes.get("/sources")(self.list_sources)
        routes.get("/sources/<source_id>")(self.get_source)
        routes.get("/connections")(self.list_connections)
        routes.get("/connections/<connection_id>")(self.get_connection)
        routes.get("/streams")(self.list_streams)
        routes.get("/jobs")(self.list_jobs)
        routes.post("/jobs")(self.start_job)
        routes.get("/jobs/<job_id>")(self.get_job)
        routes.delete("/jobs/<job_id>")(self.cancel_job)
        self._writes.add_to(routes)
        self._tags.add_to(routes)
        return routes

    def health(self) -> Response:
        return Response("Successful operation", mimetype="text/plain")

    def token(self) -> Response:
        if self._doorkeeper.mode != "oauth":
            return problems.no_such_page()
        given = request.form if request.form else request.get_json(silent=True) or {}
        token = self._doorkeeper.mint(given.get("client_id"), given.get("client_secret"))
        if token is None:
            raise problems.bad_request("Invalid client id or token")
        lifetime = int(self._doorkeeper.lifetime.total_seconds())
        return answer({"access_token": token, "token_type": "Bearer", "expires_in": lifetime})

    # Workspaces, destinations, connections, streams

    def list_workspaces(self) -> Response:
        asked, listed = self._query.ids("workspaceIds"), self._permissions.listed()
        wanted = self._asked() if asked else {each.workspace_id for each in listed}
        rows = [self._workspace(each) for each in listed if each.workspace_id in wanted]
        return self._page("/workspaces", rows)

    def get_workspace(self, workspace_id: str) -> Response:
        return answer(self._workspace(self._find.workspace(workspace_id)))

    def list_destinations(self) -> Response:
        asked, world = self._asked(), self._world
        found = [
            each
            for each in world.destinations.values()
            if each.workspace_id in asked and not world.workspaces[each.workspace_id].is_deleted
        ]
        rows = [destination_record(each, each.workspace_id, world.version) for each in found]
        return self._page("/destinations", rows)

    def list_sources(self) -> Response:
        found = self._world.listed_sources(self._asked())
        return self._page("/sources", [source_record(each, self._world.version) for each in found])

    def get_source(self, source_id: str) -> Response:
        return answer(source_record(self._find.source(source_id), self._world.version))

    def get_destination(self, destination_id: str) -> Response:
        destination = self._find.destination(destination_id)
        version = self._world.version
        return answer(destination_record(destination, destination.workspace_id, version))

    def list_connections(self) -> Response:
        found = self._permissions.connections(self._asked())
        rows = [self._find.record_of(each) for each in found if self._is_wanted(each)]
        return self._page("/connections", rows)

    def get_connection(self, connection_id: str) -> Response:
        """Finds deleted connections too."""
        return answer(self._find.record_of(self._find.connection(connection_id)))

    def list_streams(self) -> Response:
        source_id = self._query.text("sourceId")
        if not source_id:
            raise problems.unbound("sourceId", "")
        found = self._world.streams_of(self._find.source(source_id).source_id)
        return answer([stream_properties(stream) for stream in found])

    # Jobs

    def list_jobs(self) -> Response:
        offset, limit = self._query.number("offset", 0), self._query.number("limit", 20)
        query = self._job_query()
        jobs = query.select(self._listed_jobs(), self._world.clock.now())
        if not self._stable:
            jobs = query.disturb_ties(jobs, self._world.chance)
        page = [job_record(job, with_stats=True) for job in jobs[offset : offset + limit]]
        return answer(envelope(page, "/jobs", self._kept_filters("jobType"), limit, offset))

    def get_job(self, job_id: str) -> Response:
        job = self._find.job(job_id)
        return answer(job_record(job.as_committed(self._world.clock.now()), with_stats=True))

    def start_job(self) -> Response:
        """A reset or clear cancels what runs; a sync next to a running job is refused."""
        body = Body(request.get_json(silent=True))
        kind = body.text("jobType")
        connection = self._find.connection(body.text("connectionId"))
        if kind not in JOB_TYPES:
            raise problems.unbound("jobType", kind)
        if kind == "refresh":
            raise problems.unprocessable("Refreshes are not supported in the public API")
        if kind == "clear":
            self._find.must_edit()
        job = self._start_sync(connection) if kind == "sync" else self._start_reset(connection)
        return answer(job_record(job, with_stats=False))

    def cancel_job(self, job_id: str) -> Response:
        """Cancels whatever runs on the job's connection, as the job is only how it is found."""
        job = self._find.job(job_id)
        self._world.cancel_on_behalf_of(job, self._world.clock.now())
        return answer(job_record(job, with_stats=False))

    def _start_sync(self, connection: SimulatedConnection) -> SimulatedJob:
        if connection.status != "active":
            raise problems.state_conflict("Could not fulfill request")
        if self._world.running(connection.connection_id):
            raise problems.try_again_later(connection.connection_id)
        return self._world.start_for_client(connection)

    def _start_reset(self, connection: SimulatedConnection) -> SimulatedJob:
        return self._world.clear_for_client(connection, connection.selected_streams)

    def _job_query(self) -> JobQuery:
        query = self._query
        status = query.one_of("status", self._job_statuses())
        order, descending = _order(query.text("orderBy"))
        return JobQuery(
            connection_id=query.text("connectionId"),
            types=self._job_types(query.one_of("jobType", JOB_TYPES)),
            statuses=None if status is None else (status,),
            created_from=query.time("createdAtStart"),
            created_to=query.time("createdAtEnd"),
            updated_from=query.time("updatedAtStart"),
            updated_to=query.time("updatedAtEnd"),
            order=order,
            descending=descending,
        )

    def _job_statuses(self) -> tuple[str, ...]:
        """Before 2.1 nothing is queued."""
        is_new = self._world.version.since(2, 1)
        return tuple(each for each in JOB_STATUSES if is_new or each != "queued")

    def _job_types(self, asked: str | None) -> tuple[str, ...]:
        """Nothing is stored as a clear, and before 2.1 refreshes are listed on demand only."""
        if asked:
            return (asked,)
        return JOB_TYPES if self._world.version.since(2, 1) else ("sync", "reset")

    def _listed_jobs(self) -> Sequence[SimulatedJob]:
        connection_id = self._query.text("connectionId")
        if connection_id:
            # The workspaces are ignored then.
            self._find.connection(connection_id)
            return list(self._world.jobs.values())
        return list(self._permissions.jobs(self._asked()))

    # What the answers above have in common

    @property
    def _query(self) -> Query:
        return Query(request.args)

    def _page(self, path: str, rows: Sequence[JsonObject]) -> Response:
        offset, limit = self._query.number("offset", 0), self._query.number("limit", 20)
        page = (
            rows[offset : offset + limit]
            if self._stable
            else self._unordered.page(rows, limit, offset)
        )
        return answer(envelope(page, path, self._kept_filters("includeDeleted"), limit, offset))

    def _kept_filters(self, *names: str) -> dict[str, str]:
        """What a link to another page remembers of its question."""
        scope = "connectionId" if self._query.text("connectionId") else "workspaceIds"
        given = {name: self._query.text(name) for name in (*names, scope)}
        return {name: text for name, text in given.items() if text}

    def _asked(self) -> Collection[str]:
        """The workspaces of the question; none means all."""
        return self._permissions.among(self._query.ids("workspaceIds"))

    def _is_wanted(self, connection: SimulatedConnection) -> bool:
        if connection.status == "deprecated" and not self._query.flag("includeDeleted"):
            return False
        asked = self._query.ids("tagIds") if self._world.version.since(1, 6) else []
        tags = {tag.tag_id for tag in self._world.tags_of(connection)} if asked else set()
        return not asked or not tags.isdisjoint(asked)

    def _workspace(self, workspace: SimulatedWorkspace) -> JsonObject:
        return workspace_record(workspace.workspace_id, workspace.name, self._world.version)


def _order(text: str | None) -> tuple[OrderField, bool]:
    """Oldest first unless asked otherwise."""
    if text is None:
        return "createdAt", False
    match = _ORDER.search(text)
    field = _ORDER_FIELDS.get(match.group(1).lower()) if match else None
    if match is None or field is None:
        raise problems.bad_request("Invalid order by clause provided")
    return field, match.group(2) == "DESC"
