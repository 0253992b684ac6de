"""The Configuration API, under `/api/v1`: what Airbyte's own UI talks to."""

from collections.abc import Callable
from itertools import chain

from flask import Blueprint, request
from werkzeug.wrappers import Response

from dagster_airbyte_sync.testing.configuration_api.detail_endpoints import ConfigurationDetails
from dagster_airbyte_sync.testing.configuration_api.job_endpoints import ConfigurationJobs
from dagster_airbyte_sync.testing.configuration_api.lookup import Lookup
from dagster_airbyte_sync.testing.configuration_api.records import (
    destination_read,
    instance_configuration,
    source_read,
    version_read,
    workspace_read,
)
from dagster_airbyte_sync.testing.configuration_api.state_endpoints import ConfigurationStates
from dagster_airbyte_sync.testing.configuration_api.web_endpoints import WebBackend
from dagster_airbyte_sync.testing.configuration_api.write_endpoints import ConfigurationWrites
from dagster_airbyte_sync.testing.server.tokens import Doorkeeper
from dagster_airbyte_sync.testing.wire import problems
from dagster_airbyte_sync.testing.wire.parameters import Body
from dagster_airbyte_sync.testing.wire.payload import Json, JsonObject
from dagster_airbyte_sync.testing.wire.problems import answer
from dagster_airbyte_sync.testing.world.connections import SimulatedWorkspace
from dagster_airbyte_sync.testing.world.world import World

Endpoint = Callable[[Body], Response]


class ConfigurationApi:
    """Answers of the Configuration API. The gateway holds the lock while one is made."""

    def __init__(
        self, world: World, doorkeeper: Doorkeeper, *, admin: bool, editor: bool, stable: bool
    ) -> None:
        self._world = world
        self._doorkeeper = doorkeeper
        self._find = Lookup(world, admin=admin, editor=editor)
        writes = ConfigurationWrites(world, self._find)
        self._parts = (
            ConfigurationJobs(world, self._find, stable=stable),
            ConfigurationDetails(world, self._find, stable=stable),
            ConfigurationStates(world, self._find),
            writes,
            WebBackend(world, self._find, writes),
        )
        self.airbyte_url = ""

    def blueprint(self) -> Blueprint:
        routes = Blueprint("configuration", __name__, url_prefix="/api/v1")
        routes.get("/health")(self.health)
        routes.get("/instance_configuration")(self.instance)
        parts = (self._endpoints(), *(part.endpoints() for part in self._parts))
        for path, endpoint in chain.from_iterable(part.items() for part in parts):
            routes.post(path, endpoint=path.replace("/", "_"))(_reading_body(endpoint))
        return routes

    def _endpoints(self) -> dict[str, Endpoint]:
        return {
            "/applications/token": self.token,
            "/workspaces/get": self.get_workspace,
            "/workspaces/list": self.list_workspaces,
            "/connections/list": self.list_connections,
            "/connections/list_all": self.list_all_connections,
            "/connections/get": self.get_connection,
            "/destinations/list": self.list_destinations,
            "/destinations/get": self.get_destination,
            "/actor_definition_versions/get_for_destination": self.get_version_of_destination,
            "/sources/list": self.list_sources,
            "/sources/get": self.get_source,
            "/operations/list": self.list_operations,
        }

    def health(self) -> Response:
        return answer({"available": True})

    def instance(self) -> Response:
        mode = "simple" if self._doorkeeper.mode == "oauth" else "none"
        world = self._world
        return answer(
            instance_configuration(world.workspace_id, world.version, mode, self.airbyte_url)
        )

    def token(self, body: Body) -> Response:
        """Unlike its public twin it says nothing about the token's lifetime."""
        if self._doorkeeper.mode != "oauth":
            return problems.no_such_page()
        token = self._doorkeeper.mint(body.text("client_id"), body.text("client_secret"))
        if token is None:
            raise problems.known_exception(400, "Invalid client credentials", self._world.version)
        return answer({"access_token": token})

    def get_workspace(self, body: Body) -> Response:
        return answer(workspace_read(self._find.workspace(body)))

    def list_workspaces(self, body: Body) -> Response:
        """Removed in 1.7."""
        if self._world.version.since(1, 7):
            return problems.no_such_page()
        listed = self._find.permissions.listed()
        return answer({"workspaces": [workspace_read(each) for each in listed]})

    def list_connections(self, body: Body) -> Response:
        """All of them at once, with their schemas, except deleted ones."""
        workspace = self._find.workspace(body)
        return answer({"connections": self._connections(workspace, deleted=False)})

    def list_all_connections(self, body: Body) -> Response:
        workspace = self._find.workspace(body)
        return answer({"connections": self._connections(workspace, deleted=True)})

    def get_connection(self, body: Body) -> Response:
        return answer(self._find.record_of(self._find.connection(body)))

    def list_destinations(self, body: Body) -> Response:
        here, every = self._find.workspace(body).workspace_id, self._world.destinations.values()
        found = [destination_read(each, here) for each in every if each.workspace_id == here]
        return self._actors("destinations", "destinationId", found, body)

    def get_destination(self, body: Body) -> Response:
        destination = self._find.destination(body)
        return answer(destination_read(destination, destination.workspace_id))

    def get_version_of_destination(self, body: Body) -> Response:
        return answer(version_read(self._find.destination(body)))

    def list_sources(self, body: Body) -> Response:
        here = self._find.workspace(body).workspace_id
        found = [source_read(each) for each in self._world.listed_sources([here])]
        return self._actors("sources", "sourceId", found, body)

    def get_source(self, body: Body) -> Response:
        return answer(source_read(self._find.source(body)))

    def list_operations(self, body: Body) -> Response:
        """None: dbt transformations and normalization are gone."""
        self._find.connection(body)
        return answer({"operations": []})

    def _connections(self, workspace: SimulatedWorkspace, *, deleted: bool) -> list[JsonObject]:
        return [
            self._find.record_of(each)
            for each in self._find.permissions.connections([workspace.workspace_id])
            if deleted or each.status != "deprecated"
        ]

    def _actors(self, kind: str, id_key: str, rows: list[JsonObject], body: Body) -> Response:
        """Since 1.8 in pages of twenty, each after the `cursor`, which is the last id seen."""
        if not self._world.version.since(1, 8):
            return answer({kind: rows})
        ordered = sorted(rows, key=lambda row: (str(row["name"]).lower(), str(row[id_key])))
        size = body.number("pageSize", 20)
        page = _after(body.optional("cursor"), id_key, ordered)[:size]
        content: dict[str, Json] = {kind: page, "page_size": size, "num_connections": len(rows)}
        return answer(content)


def _after(cursor: str | None, id_key: str, rows: list[JsonObject]) -> list[JsonObject]:
    ids = [row[id_key] for row in rows]
    return rows[ids.index(cursor) + 1 :] if cursor in ids else rows


def _reading_body(endpoint: Endpoint) -> Callable[[], Response]:
    return lambda: endpoint(Body(request.get_json(silent=True)))
