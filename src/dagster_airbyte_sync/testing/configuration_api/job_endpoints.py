"""The part of the Configuration API that is about jobs."""

from collections.abc import Callable, Iterable, Sequence
from typing import get_args

from werkzeug.wrappers import Response

from dagster_airbyte_sync.testing.configuration_api.job_records import (
    CONFIG_TYPES,
    job_info,
    job_read,
    job_with_attempts,
)
from dagster_airbyte_sync.testing.configuration_api.lookup import Lookup
from dagster_airbyte_sync.testing.wire import problems
from dagster_airbyte_sync.testing.wire.parameters import Body
from dagster_airbyte_sync.testing.wire.problems import answer
from dagster_airbyte_sync.testing.world.connections import SimulatedConnection
from dagster_airbyte_sync.testing.world.job_query import JobQuery
from dagster_airbyte_sync.testing.world.jobs import SimulatedJob
from dagster_airbyte_sync.testing.world.plans import RefreshMode
from dagster_airbyte_sync.testing.world.streams import SimulatedStream, pick_or_make
from dagster_airbyte_sync.testing.world.world import World

PAGE_SIZE = 200
MODES: tuple[RefreshMode, ...] = get_args(RefreshMode)
_STORED_TYPES = {**{name: kind for kind, name in CONFIG_TYPES.items()}, "clear": "reset"}


class ConfigurationJobs:
    """Lists, reads, starts and cancels jobs."""

    def __init__(self, world: World, find: Lookup, *, stable: bool) -> None:
        self._world = world
        self._find = find
        self._stable = stable

    def endpoints(self) -> dict[str, Callable[[Body], Response]]:
        return {
            "/jobs/list": self.list_jobs,
            "/jobs/list_for_workspaces": self.list_for_workspaces,
            "/jobs/get": self.get,
            "/jobs/get_without_logs": self.get_without_logs,
            "/jobs/get_light": self.get_light,
            "/jobs/get_last_replication_job": self.get_last,
            "/jobs/cancel": self.cancel,
            "/connections/sync": self.sync,
            "/connections/reset": self.reset,
            "/connections/clear": self.reset,
            "/connections/reset/stream": self.reset,
            "/connections/clear/stream": self.reset,
            "/connections/refresh": self.refresh,
        }

    def list_jobs(self, body: Body) -> Response:
        """The offset is rounded down to a whole number of pages (`JobServiceDataImpl`)."""
        size, offset = self._page(body)
        if size == 0:
            raise problems.configuration_error(500, "/ by zero", self._world.version)
        found = self._select(body, self._world.jobs.values())
        first = offset // size * size
        return self._job_list(found[first : first + size], total=len(found))

    def list_for_workspaces(self, body: Body) -> Response:
        """`totalJobCount` is the number of rows on the page (`JobHistoryHandler`)."""
        size, offset = self._page(body)
        asked = body.texts("workspaceIds")
        jobs = self._find.permissions.jobs(self._find.permissions.among(asked or ()))
        page = [] if asked == [] else self._select(body, jobs)[offset : offset + size]
        return self._job_list(page, total=len(page))

    def get(self, body: Body) -> Response:
        return answer(job_info(self._job(body), self._world.version, logs=True))

    def get_without_logs(self, body: Body) -> Response:
        return answer(job_info(self._job(body), self._world.version))

    def get_light(self, body: Body) -> Response:
        return answer({"job": job_read(self._job(body), self._world.version, with_stats=False)})

    def get_last(self, body: Body) -> Response:
        """The newest job that was not cancelled, or an empty object."""
        query = JobQuery(connection_id=self._find.connection(body).connection_id)
        found = query.select(self._world.jobs.values(), self._world.clock.now())
        kept = [job for job in found if job.status != "cancelled"]
        last = max(kept, key=lambda job: job.job_id, default=None)
        return answer(
            {"job": job_read(last, self._world.version, with_stats=False)} if last else {}
        )

    def cancel(self, body: Body) -> Response:
        job = self._find.job(body)
        self._world.cancel_on_behalf_of(job, self._world.clock.now())
        return self._info(job)

    def sync(self, body: Body) -> Response:
        connection = self._find.connection(body)
        if connection.status != "active":
            raise self._conflict("Can only sync an active connection")
        if self._world.running(connection.connection_id):
            raise self._conflict(problems.already_running(connection.connection_id))
        return self._info(self._world.start_for_client(connection))

    def reset(self, body: Body) -> Response:
        """Also a clear, of the whole connection or of some of its streams: for editors."""
        connection = self._find.connection(body)
        self._find.must_edit()
        streams = self._streams(connection, body)
        return self._info(self._world.clear_for_client(connection, streams))

    def refresh(self, body: Body) -> Response:
        """Answers an empty object if it starts nothing.

        Then the destination's connector is too old, and nothing is stored; or a job is running, and
        the connection's next job will be a refresh. One that is not active is not looked at: the
        request waits without end for a job, until whatever is in front of Airbyte gives up.
        """
        connection = self._find.connection(body)
        mode = body.one_of("refreshMode", MODES)
        if not self._world.destinations[connection.destination_id].supports_refreshes:
            return answer({})
        connection.stored.store_refresh(self._streams(connection, body), mode)
        if self._world.running(connection.connection_id):
            return answer({})
        if connection.status != "active":
            raise problems.gave_up()
        job = self._world.start_for_client(connection)
        if job.type != "refresh":
            # A clear was stored: it is started, and there is no refresh to write of.
            raise problems.configuration_error(500, "Internal error", self._world.version)
        return answer({"job": job_read(job, self._world.version, with_stats=False)})

    def _streams(self, connection: SimulatedConnection, body: Body) -> Sequence[SimulatedStream]:
        names = [
            (each.text("streamName"), each.optional("streamNamespace"))
            for each in body.parts("streams")
        ]
        # None named means all.
        return pick_or_make(names, connection.streams) if names else connection.selected_streams

    def _select(self, body: Body, jobs: Iterable[SimulatedJob]) -> list[SimulatedJob]:
        query = self._query(body)
        found = query.select(jobs, self._world.clock.now())
        return found if self._stable else query.disturb_ties(found, self._world.chance)

    def _query(self, body: Body) -> JobQuery:
        """Newest first unless asked otherwise."""
        types = body.texts("configTypes")
        if types is None:
            raise problems.unbound("configTypes", "null")
        statuses = body.texts("statuses") or None
        if "queued" in (statuses or ()) and not self._world.version.since(2, 1):
            raise problems.unbound("statuses", "queued")
        by_update = body.optional("orderByField") == "updatedAt"
        return JobQuery(
            connection_id=body.optional("configId"),
            types={_STORED_TYPES.get(name, name) for name in types},
            statuses=statuses,
            created_from=body.time("createdAtStart"),
            created_to=body.time("createdAtEnd"),
            updated_from=body.time("updatedAtStart"),
            updated_to=body.time("updatedAtEnd"),
            order="updatedAt" if by_update else "createdAt",
            descending=body.optional("orderByMethod") != "ASC",
        )

    def _page(self, body: Body) -> tuple[int, int]:
        page = body.part("pagination")
        return page.number("pageSize", PAGE_SIZE), page.number("rowOffset", 0)

    def _job(self, body: Body) -> SimulatedJob:
        return self._find.job(body).as_committed(self._world.clock.now())

    def _info(self, job: SimulatedJob) -> Response:
        return answer(job_info(job, self._world.version))

    def _job_list(self, jobs: list[SimulatedJob], *, total: int) -> Response:
        rows = [job_with_attempts(job, self._world.version) for job in jobs]
        return answer({"jobs": rows, "totalJobCount": total})

    def _conflict(self, message: str) -> problems.Refusal:
        return problems.known_exception(409, message, self._world.version)
