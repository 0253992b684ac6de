"""The part of the Configuration API that makes, changes and deletes workspaces and connections."""

from collections.abc import Callable
from dataclasses import replace

from werkzeug.wrappers import Response

from dagster_airbyte_sync.testing.configuration_api.lookup import Lookup
from dagster_airbyte_sync.testing.configuration_api.records import workspace_read
from dagster_airbyte_sync.testing.given.connections import (
    changes_in_configuration_api,
    refuse_locked,
)
from dagster_airbyte_sync.testing.given.streams import Streams
from dagster_airbyte_sync.testing.wire.parameters import Body
from dagster_airbyte_sync.testing.wire.problems import answer, no_content
from dagster_airbyte_sync.testing.world.connections import ConnectionChanges, SimulatedConnection
from dagster_airbyte_sync.testing.world.world import World


class ConfigurationWrites:
    """All of this is for editors."""

    def __init__(self, world: World, find: Lookup) -> None:
        self._world = world
        self._find = find

    def endpoints(self) -> dict[str, Callable[[Body], Response]]:
        return {
            "/workspaces/create": self.create_workspace,
            "/workspaces/update": self.update_workspace,
            "/workspaces/update_name": self.update_workspace,
            "/workspaces/delete": self.delete_workspace,
            "/connections/create": self.create_connection,
            "/connections/update": self.update_connection,
            "/connections/delete": self.delete_connection,
        }

    def create_workspace(self, body: Body) -> Response:
        self._find.must_edit()
        return answer(workspace_read(self._world.add_workspace(body.text("name"))))

    def update_workspace(self, body: Body) -> Response:
        """A patch; of all it could change, the name is simulated."""
        workspace = self._find.workspace(body)
        self._find.must_edit()
        workspace.name = body.optional("name") or workspace.name
        return answer(workspace_read(workspace))

    def delete_workspace(self, body: Body) -> Response:
        workspace = self._find.workspace(body)
        self._find.must_edit()
        self._world.delete_workspace(workspace)
        return no_content()

    def create_connection(self, body: Body) -> Response:
        """In the destination's workspace; without a catalog it has no stream."""
        source, destination = self._find.source(body), self._find.destination(body)
        self._find.must_edit()
        body.text("status")
        known = self._world.streams_of(source.source_id)
        none = tuple(replace(stream, selected=False) for stream in known)
        given = self._changes(body, known)
        changes = replace(given, streams=none if given.streams is None else given.streams)
        return answer(self._find.record_of(self._world.connect(source, destination, changes)))

    def update_connection(self, body: Body) -> Response:
        return answer(self._find.record_of(self.updated(body)))

    def delete_connection(self, body: Body) -> Response:
        connection = self._find.connection(body)
        self._find.must_edit()
        self._world.delete_connection(connection)
        return no_content()

    def updated(self, body: Body) -> SimulatedConnection:
        """A patch: what is not given stays, but of a catalog what it leaves out is deselected."""
        connection = self._find.connection(body)
        self._find.must_edit()
        refuse_locked(connection, self._world.version)
        self._world.change(connection, self._changes(body, connection.streams))
        return connection

    def _changes(self, body: Body, known: Streams) -> ConnectionChanges:
        return changes_in_configuration_api(body, known, self._world.tags, self._world.version)
