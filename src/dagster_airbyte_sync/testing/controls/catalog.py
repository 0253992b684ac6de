"""Connections, sources and destinations under a test's control."""

import uuid
from collections.abc import Iterable

from dagster_airbyte_sync.testing.errors import SimulatorError
from dagster_airbyte_sync.testing.wire.payload import JsonObject
from dagster_airbyte_sync.testing.world.connections import (
    ConnectionChanges,
    ConnectionStatus,
    NamespaceDefinition,
    SimulatedConnection,
    SimulatedDestination,
    SimulatedSource,
    SimulatedWorkspace,
)
from dagster_airbyte_sync.testing.world.schedule import ScheduleSetting, as_schedule
from dagster_airbyte_sync.testing.world.streams import SimulatedStream, as_streams
from dagster_airbyte_sync.testing.world.world import World


class CatalogControls:
    """What a test can do to connections, sources and destinations."""

    _world: World

    @property
    def connections(self) -> list[SimulatedConnection]:
        """All connections, including deleted ones."""
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
        """Add a destination.

        Args:
            name: Its name.
            type: The public API's name of its connector; "" as for a custom connector.
            configuration: Its settings. Default: those of Postgres. (Airbyte's SDK only reads a
                complete configuration that names its type.)
            destination_id: Default: a random one.
            supports_refreshes: With False, its connector is too old for refreshes.
            workspace: Default: the first one.
        """
        usual: JsonObject = {
            "destinationType": type,
            "host": "warehouse.example.com",
            "port": 5432,
            "username": "airbyte",
            "database": "warehouse",
            "schema": "public",
        }
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

    @property
    def sources(self) -> list[SimulatedSource]:
        with self._world.lock:
            return list(self._world.sources.values())

    def add_source(
        self,
        name: str,
        streams: Iterable[str | SimulatedStream] = ("orders",),
        *,
        type: str = "faker",
        configuration: JsonObject | None = None,
        source_id: str | None = None,
        workspace: SimulatedWorkspace | None = None,
    ) -> SimulatedSource:
        """Add a source. Clients that make connections from it find these `streams`."""
        with self._world.lock:
            return self._add_source(
                source_id, name, type, as_streams(streams), configuration or {}, workspace
            )

    def add_connection(
        self,
        name: str,
        streams: Iterable[str | SimulatedStream] | None = None,
        *,
        destination: SimulatedDestination | None = None,
        source: SimulatedSource | None = None,
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
        """Add a connection.

        If its schedule is an interval, its first sync starts at once. It has a source of its own,
        unless you name one.

        Args:
            name: Its name.
            streams: Its streams. Default: all of `source`, or one called `orders`.
            destination: Where it writes to.
            source: The source that it reads.
            source_of: The connection whose source it reads.
            source_name: The name of its own source.
            source_type: The public API's name of that source's connector, such as `postgres`.
            prefix: The prefix of its streams.
            namespace_definition: Where the schema of its tables comes from.
            namespace_format: The custom format of that.
            schedule: When Airbyte syncs it.
            sync_seconds: How long each attempt of a job takes that runs by itself.
            status: Whether it is active.
            tags: The names of its tags.
            connection_id: Default: a random one.
            workspace: Default: the first one.
        """
        with self._world.lock:
            self._world.progress()
            wanted = streams if streams is not None else source.streams if source else ("orders",)
            found = as_streams(wanted)
            known = source or (source_of and self._world.sources[source_of.source_id])
            read = known or self._add_source(
                None,
                source_name or f"{name} source",
                source_type or "faker",
                found,
                {},
                workspace,
                is_of_connections=True,
            )
            connection = SimulatedConnection(
                connection_id=connection_id or str(uuid.uuid4()),
                name=name,
                streams=found,
                destination_id=(destination or self._usual_destination(workspace)).destination_id,
                source_id=read.source_id,
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
            self._world.tags_of(connection)
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
        """Change what you pass. To remove a schedule, pass `schedule="manual"`.

        `status_reason` is why the connection has its status, in Airbyte's words, until the status
        changes. With `breaking_change`, a change of the source's schema waits for approval in
        Airbyte.
        """
        changes = ConnectionChanges(
            name=name,
            streams=None if streams is None else as_streams(streams),
            destination_id=destination.destination_id if destination else None,
            prefix=prefix,
            namespace_definition=namespace_definition,
            namespace_format=namespace_format,
            schedule=None if schedule is None else as_schedule(schedule),
            sync_seconds=sync_seconds,
            status=status,
            status_reason=status_reason or ("" if status else None),
            breaking_change=breaking_change,
            tags=None if tags is None else tuple(tags),
        )
        with self._world.lock:
            self._world.progress()
            self._world.change(connection, changes)

    def delete_connection(self, connection: SimulatedConnection) -> None:
        """Delete a connection as Airbyte does: cancel what runs, and keep it as `deprecated`."""
        with self._world.lock:
            self._world.progress()
            self._world.delete_connection(connection)

    def forget_connection(self, connection: SimulatedConnection) -> None:
        """Remove every trace of a connection and its jobs, as restoring an older backup does."""
        with self._world.lock:
            gone = connection.connection_id
            del self._world.connections[gone]
            for job in [job for job in self._world.jobs.values() if job.connection_id == gone]:
                del self._world.jobs[job.job_id]

    def connection(self, name: str) -> SimulatedConnection:
        """Return the one connection of this name that is not deleted."""
        found = [c for c in self.connections if c.name == name and c.status != "deprecated"]
        if len(found) != 1:
            raise SimulatorError(f"{len(found)} connections are named {name!r}.")
        return found[0]

    def _add_source(
        self,
        source_id: str | None,
        name: str,
        type: str,
        streams: tuple[SimulatedStream, ...],
        configuration: JsonObject,
        workspace: SimulatedWorkspace | None,
        *,
        is_of_connections: bool = False,
    ) -> SimulatedSource:
        source = SimulatedSource(
            source_id=source_id or str(uuid.uuid4()),
            name=name,
            type=type,
            configuration=configuration,
            definition_id=str(uuid.uuid5(uuid.NAMESPACE_DNS, f"source-{type}")),
            created_at=self._world.clock.now(),
            workspace_id=self._id_of(workspace),
            streams=streams,
            is_of_connections=is_of_connections,
        )
        self._world.sources[source.source_id] = source
        return source

    def _usual_destination(self, workspace: SimulatedWorkspace | None) -> SimulatedDestination:
        every, here = self._world.destinations.values(), self._id_of(workspace)
        known = next((each for each in every if each.workspace_id == here), None)
        return known or self.add_destination(workspace=workspace)

    def _id_of(self, workspace: SimulatedWorkspace | None) -> str:
        return workspace.workspace_id if workspace else self._world.workspace_id
