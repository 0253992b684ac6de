"""Connections and destinations under a test's control."""

import uuid
from collections.abc import Iterable

from dagster_airbyte_sync.testing.errors import SimulatorError
from dagster_airbyte_sync.testing.wire.payload import JsonObject
from dagster_airbyte_sync.testing.world.connections import (
    ConnectionStatus,
    NamespaceDefinition,
    SimulatedConnection,
    SimulatedDestination,
    SimulatedWorkspace,
)
from dagster_airbyte_sync.testing.world.schedule import ScheduleSetting, as_schedule
from dagster_airbyte_sync.testing.world.streams import SimulatedStream, as_streams
from dagster_airbyte_sync.testing.world.world import World


class CatalogControls:
    """What a test can do to connections and destinations."""

    _world: World

    @property
    def connections(self) -> list[SimulatedConnection]:
        """All connections, deleted ones too."""
        with self._world.lock:
            return list(self._world.connections.values())

    @property
    def destinations(self) -> list[SimulatedDestination]:
        with self._world.lock:
            return list(self._world.destinations.values())

    def add_destination(
        self,
        name: str = "warehouse",
        *,
        type: str = "postgres",
        configuration: JsonObject | None = None,
        destination_id: str | None = None,
        supports_refreshes: bool = True,
        workspace: SimulatedWorkspace | None = None,
    ) -> SimulatedDestination:
        """Add a destination; `type` may be empty, as it is for a custom connector.

        Unless it `supports_refreshes` its connector is too old for them.
        """
        usual: JsonObject = {"database": "warehouse", "schema": "public"}
        with self._world.lock:
            destination = SimulatedDestination(
                destination_id=destination_id or str(uuid.uuid4()),
                name=name,
                type=type,
                configuration=usual if configuration is None else configuration,
                definition_id=str(uuid.uuid5(uuid.NAMESPACE_DNS, type)),
                created_at=self._world.clock.now(),
                supports_refreshes=supports_refreshes,
                workspace_id=self._id_of(workspace),
            )
            self._world.destinations[destination.destination_id] = destination
            return destination

    def add_connection(
        self,
        name: str,
        streams: Iterable[str | SimulatedStream] = ("orders",),
        *,
        destination: SimulatedDestination | None = None,
        source_of: SimulatedConnection | None = None,
        source_name: str | None = None,
        source_type: str | None = None,
        prefix: str = "",
        namespace_definition: NamespaceDefinition = "source",
        namespace_format: str | None = None,
        schedule: ScheduleSetting = None,
        sync_seconds: float = 10.0,
        status: ConnectionStatus = "active",
        tags: Iterable[str] = (),
        connection_id: str | None = None,
        workspace: SimulatedWorkspace | None = None,
    ) -> SimulatedConnection:
        """Add a connection, to the first workspace if no other is given.

        With an interval for a schedule its first sync starts at once. It has a source of its own,
        or reads that of another connection, too. `source_type` is the public API's word, such as
        `postgres`.
        """
        with self._world.lock:
            self._world.progress()
            connection = SimulatedConnection(
                connection_id=connection_id or str(uuid.uuid4()),
                name=name,
                streams=as_streams(streams),
                destination_id=(destination or self._usual_destination(workspace)).destination_id,
                source_id=source_of.source_id if source_of else str(uuid.uuid4()),
                source_name=source_name or (source_of.source_name if source_of else ""),
                source_type=source_type or (source_of.source_type if source_of else "faker"),
                created_at=self._world.clock.now(),
                schedule=as_schedule(schedule),
                prefix=prefix,
                namespace_definition=namespace_definition,
                namespace_format=namespace_format,
                status=status,
                sync_seconds=sync_seconds,
                tags=tuple(tags),
                workspace_id=self._id_of(workspace),
            )
            self._world.connections[connection.connection_id] = connection
            return connection

    def update_connection(
        self,
        connection: SimulatedConnection,
        *,
        name: str | None = None,
        streams: Iterable[str | SimulatedStream] | None = None,
        destination: SimulatedDestination | None = None,
        prefix: str | None = None,
        namespace_definition: NamespaceDefinition | None = None,
        namespace_format: str | None = None,
        schedule: ScheduleSetting = None,
        sync_seconds: float | None = None,
        status: ConnectionStatus | None = None,
        status_reason: str | None = None,
        breaking_change: bool | None = None,
        tags: Iterable[str] | None = None,
    ) -> None:
        """Change what is given. To take a schedule away, pass `schedule="manual"`.

        `status_reason` is why it has its status, in Airbyte's words, until that changes. With
        `breaking_change` Airbyte holds a change of the source's schema until somebody approves.
        """
        given = {
            "name": name,
            "streams": None if streams is None else as_streams(streams),
            "destination_id": destination and destination.destination_id,
            "prefix": prefix,
            "namespace_definition": namespace_definition,
            "namespace_format": namespace_format,
            "schedule": None if schedule is None else as_schedule(schedule),
            "sync_seconds": sync_seconds,
            "status": status,
            "status_reason": status_reason or (status and ""),
            "breaking_change": breaking_change,
            "tags": None if tags is None else tuple(tags),
        }
        with self._world.lock:
            now = self._world.progress()
            for field, value in given.items():
                if value is not None:
                    setattr(connection, field, value)
            if schedule is not None or status is not None:
                connection.scheduled_since = now

    def delete_connection(self, connection: SimulatedConnection) -> None:
        """As Airbyte does: cancel what runs, and keep the connection as `deprecated`."""
        with self._world.lock:
            now = self._world.progress()
            self._world.cancel_running(connection.connection_id, now)
            connection.status = "deprecated"

    def forget_connection(self, connection: SimulatedConnection) -> None:
        """Leave no trace of it or of its jobs, as a backup from before it was made does."""
        with self._world.lock:
            gone = connection.connection_id
            del self._world.connections[gone]
            for job in [job for job in self._world.jobs.values() if job.connection_id == gone]:
                del self._world.jobs[job.job_id]

    def connection(self, name: str) -> SimulatedConnection:
        """The one connection of that name that is not deleted."""
        found = [c for c in self.connections if c.name == name and c.status != "deprecated"]
        if len(found) != 1:
            raise SimulatorError(f"{len(found)} connections are named {name!r}.")
        return found[0]

    def _usual_destination(self, workspace: SimulatedWorkspace | None) -> SimulatedDestination:
        every, here = self._world.destinations.values(), self._id_of(workspace)
        known = next((each for each in every if each.workspace_id == here), None)
        return known or self.add_destination(workspace=workspace)

    def _id_of(self, workspace: SimulatedWorkspace | None) -> str:
        return workspace.workspace_id if workspace else self._world.workspace_id
