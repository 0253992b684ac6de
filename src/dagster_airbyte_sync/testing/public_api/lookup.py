"""Finding what a path or a body of the public API names."""

from dagster_airbyte_sync.testing.permissions import LookupBase
from dagster_airbyte_sync.testing.public_api.records import connection_record
from dagster_airbyte_sync.testing.wire import problems
from dagster_airbyte_sync.testing.wire.parameters import is_uuid
from dagster_airbyte_sync.testing.wire.payload import JsonObject
from dagster_airbyte_sync.testing.wire.problems import Refusal
from dagster_airbyte_sync.testing.world.connections import (
    SimulatedConnection,
    SimulatedDestination,
    SimulatedSource,
    SimulatedTag,
    SimulatedWorkspace,
)
from dagster_airbyte_sync.testing.world.jobs import SimulatedJob


class Lookup(LookupBase):
    """Finds records by their ids; who is no administrator may not know what is missing."""

    def workspace(self, workspace_id: str) -> SimulatedWorkspace:
        self._must_be_uuid(workspace_id)
        workspace = self._world.workspaces.get(workspace_id)
        if workspace is None or workspace.is_deleted:
            raise self._unknown("workspace", workspace_id)
        if workspace.is_hidden:
            raise problems.forbidden()
        return workspace

    def source(self, source_id: str) -> SimulatedSource:
        self._must_be_uuid(source_id)
        source = self._world.sources.get(source_id)
        if source is None:
            raise self._unknown("source", source_id)
        self.must_read(source.workspace_id)
        return source

    def destination(self, destination_id: str) -> SimulatedDestination:
        self._must_be_uuid(destination_id)
        destination = self._world.destinations.get(destination_id)
        if destination is None:
            raise self._unknown("destination", destination_id)
        self.must_read(destination.workspace_id)
        return destination

    def connection(self, connection_id: str) -> SimulatedConnection:
        self._must_be_uuid(connection_id)
        connection = self._world.connections.get(connection_id)
        if connection is None:
            raise self._unknown("connection", connection_id)
        self.permissions.check(connection_id)
        return connection

    def tag(self, tag_id: str) -> SimulatedTag:
        self._must_be_uuid(tag_id)
        tag = self._world.tags.find(tag_id)
        if tag is None:
            raise self._unknown("tag", tag_id)
        self.must_read(tag.workspace_id)
        return tag

    def job(self, job_id: str) -> SimulatedJob:
        if not job_id.isdigit():
            raise problems.unbound("jobId", job_id)
        job = self._world.jobs.get(int(job_id))
        if job is None:
            raise self._unknown_job()
        self.permissions.check(job.connection_id)
        return job

    def record_of(self, connection: SimulatedConnection) -> JsonObject:
        return connection_record(connection, self._world.tags_of(connection), self._world.version)

    def _unknown(self, kind: str, resource_id: str) -> Refusal:
        """Who is no administrator has no role on what does not exist."""
        if not self._admin:
            return problems.forbidden()
        return problems.resource_not_found(kind, resource_id)

    def _unknown_job(self) -> Refusal:
        """The words are Airbyte's, and so is the status."""
        if not self._admin:
            return problems.forbidden()
        return problems.state_conflict("Job is not currently running")

    def _must_be_uuid(self, text: str) -> None:
        if not is_uuid(text):
            raise problems.unexpected(self._world.version)
