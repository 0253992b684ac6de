"""Workspaces and connections that clients of the public API make, change and delete."""

from dataclasses import replace

from flask import Blueprint, request
from werkzeug.wrappers import Response

from dagster_airbyte_sync.testing.given.connections import changes_for_public_api, refuse_locked
from dagster_airbyte_sync.testing.given.streams import Streams, overwritten
from dagster_airbyte_sync.testing.public_api.lookup import Lookup
from dagster_airbyte_sync.testing.public_api.records import workspace_record
from dagster_airbyte_sync.testing.wire.parameters import Body
from dagster_airbyte_sync.testing.wire.problems import answer, no_content
from dagster_airbyte_sync.testing.world.connections import ConnectionChanges, SimulatedWorkspace
from dagster_airbyte_sync.testing.world.world import World


class PublicWrites:
    """All of this is for editors."""

    def __init__(self, world: World, find: Lookup) -> None:
        self._world = world
        self._find = find

    def add_to(self, routes: Blueprint) -> None:
        routes.post("/workspaces")(self.create_workspace)
        routes.patch("/workspaces/<workspace_id>")(self.update_workspace)
        routes.delete("/workspaces/<workspace_id>")(self.delete_workspace)
        routes.post("/connections")(self.create_connection)
        routes.patch("/connections/<connection_id>")(self.patch_connection)
        routes.delete("/connections/<connection_id>")(self.delete_connection)

    def create_workspace(self) -> Response:
        self._find.must_edit()
        return self._workspace(self._world.add_workspace(_body().text("name")))

    def update_workspace(self, workspace_id: str) -> Response:
        """Of all it could change, the name is simulated."""
        workspace = self._find.workspace(workspace_id)
        self._find.must_edit()
        workspace.name = _body().optional("name") or workspace.name
        return self._workspace(workspace)

    def delete_workspace(self, workspace_id: str) -> Response:
        workspace = self._find.workspace(workspace_id)
        self._find.must_edit()
        self._world.delete_workspace(workspace)
        return no_content()

    def create_connection(self) -> Response:
        """In the destination's workspace. Unless streams are configured, all are overwritten."""
        body = _body()
        destination = self._find.destination(body.text("destinationId"))
        self._find.must_edit()
        source = self._find.source(body.text("sourceId"))
        known = self._world.streams_of(source.source_id)
        given = self._changes(body, known)
        changes = replace(
            given,
            streams=given.streams or overwritten(known),
            namespace_definition=given.namespace_definition or "destination",
        )
        return answer(self._find.record_of(self._world.connect(source, destination, changes)))

    def patch_connection(self, connection_id: str) -> Response:
        """What is not given stays, but of streams those that are not named are deselected."""
        connection = self._find.connection(connection_id)
        self._find.must_edit()
        refuse_locked(connection, self._world.version)
        changes = self._changes(_body(), connection.streams)
        self._world.change(connection, changes)
        return answer(self._find.record_of(connection))

    def delete_connection(self, connection_id: str) -> Response:
        connection = self._find.connection(connection_id)
        self._find.must_edit()
        self._world.delete_connection(connection)
        return no_content()

    def _changes(self, body: Body, known: Streams) -> ConnectionChanges:
        return changes_for_public_api(body, known, self._world.tags, self._world.version)

    def _workspace(self, workspace: SimulatedWorkspace) -> Response:
        version = self._world.version
        return answer(workspace_record(workspace.workspace_id, workspace.name, version))


def _body() -> Body:
    return Body(request.get_json(silent=True))
