"""Finding what a body of the Configuration API names."""

from dagster_airbyte_sync.testing.configuration_api.records import connection_read
from dagster_airbyte_sync.testing.permissions import LookupBase
from dagster_airbyte_sync.testing.wire import problems
from dagster_airbyte_sync.testing.wire.parameters import Body
from dagster_airbyte_sync.testing.wire.payload import JsonObject
from dagster_airbyte_sync.testing.wire.problems import Refusal
from dagster_airbyte_sync.testing.world.connections import (
    SimulatedConnection,
    SimulatedDestination,
    SimulatedSource,
    SimulatedWorkspace,
)
from dagster_airbyte_sync.testing.world.jobs import SimulatedJob


class Lookup(LookupBase):
    """Finds records by the ids in a body; who is no administrator may not know what is missing."""

    def workspace(self, body: Body) -> SimulatedWorkspace:
        workspace = self._world.workspaces.get(body.text("workspaceId"))
        if workspace is None:
            raise self.refusal("workspace")
        if workspace.is_hidden:
            raise problems.forbidden()
        return workspace

    def connection(self, body: Body) -> SimulatedConnection:
        connection = self._world.connections.get(body.text("connectionId"))
        if connection is None:
            raise self.refusal("connection")
        self.permissions.check(connection.connection_id)
        return connection

    def destination(self, body: Body) -> SimulatedDestination:
        destination = self._world.destinations.get(body.text("destinationId"))
        if destination is None:
            raise self.refusal("destination")
        self.must_read(destination.workspace_id)
        return destination

    def source(self, body: Body) -> SimulatedSource:
        source = self._world.sources.get(body.text("sourceId"))
        if source is None:
            raise self.refusal("source")
        self.must_read(source.workspace_id)
        return source

    def record_of(self, connection: SimulatedConnection) -> JsonObject:
        return connection_read(connection, self._world.tags_of(connection), self._world.version)

    def job(self, body: Body, key: str = "id") -> SimulatedJob:
        job = self._world.jobs.get(body.number(key))
        if job is None:
            raise self.refusal("job")
        self.permissions.check(job.connection_id)
        return job

    def refusal(self, kind: str) -> Refusal:
        if not self._admin:
            return problems.forbidden()
        message = f"Could not find configuration for {kind}"
        return problems.configuration_error(404, message, self._world.version)
