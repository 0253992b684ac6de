"""Workspaces, sources, destinations, connections and tags as the simulator keeps them."""

from collections import deque
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Literal

from dagster_airbyte_sync.testing.wire.payload import JsonObject
from dagster_airbyte_sync.testing.world.plans import Plan, Stored
from dagster_airbyte_sync.testing.world.schedule import Schedule
from dagster_airbyte_sync.testing.world.streams import SimulatedStream, StreamKey

ConnectionStatus = Literal["active", "inactive", "deprecated", "locked"]
NamespaceDefinition = Literal["source", "destination", "custom_format"]

USUAL_COLOR = "75DCFF"
"""Of tags."""


@dataclass(eq=False)
class SimulatedWorkspace:
    """A workspace. Change it through the simulator, which holds the lock."""

    workspace_id: str
    name: str
    is_deleted: bool = False
    is_hidden: bool = False
    """Whether the user has no role in it that lets them read it."""
    is_still_listed: bool = False
    """Whether they are shown that it is there nevertheless."""

    @property
    def is_listed(self) -> bool:
        return not self.is_deleted and (not self.is_hidden or self.is_still_listed)


@dataclass(frozen=True)
class SimulatedTag:
    """A tag of a workspace; `color` is hexadecimal."""

    tag_id: str
    workspace_id: str
    name: str
    color: str = USUAL_COLOR


@dataclass(frozen=True)
class SimulatedDestination:
    """A destination. `type` is the public API's name of its connector, such as `postgres`."""

    destination_id: str
    name: str
    type: str
    configuration: JsonObject
    definition_id: str
    created_at: datetime
    workspace_id: str
    supports_refreshes: bool = True


@dataclass(frozen=True)
class SimulatedSource:
    """A source. `type` is the public API's name of its connector, such as `postgres`."""

    source_id: str
    name: str
    type: str
    configuration: JsonObject
    definition_id: str
    created_at: datetime
    workspace_id: str
    streams: tuple[SimulatedStream, ...]
    """What it has been found to have."""
    is_of_connections: bool = False
    """Made for a connection, and gone with the last one that reads it."""


@dataclass(eq=False)
class SimulatedConnection:
    """A connection. Change it through the simulator, which holds the lock."""

    connection_id: str
    name: str
    streams: tuple[SimulatedStream, ...]
    destination_id: str
    source_id: str
    created_at: datetime
    schedule: Schedule
    prefix: str = ""
    namespace_definition: NamespaceDefinition = "source"
    namespace_format: str | None = None
    status: ConnectionStatus = "active"
    sync_seconds: float = 10.0
    tags: tuple[str, ...] = ()
    status_reason: str | None = None
    breaking_change: bool = False
    workspace_id: str = ""
    scheduled_since: datetime = field(init=False)
    states: dict[StreamKey, JsonObject] = field(default_factory=dict, repr=False)
    """How far its incremental streams have been read, as Airbyte gives it to their source."""
    plans: deque[Plan] = field(default_factory=deque, repr=False)
    stored: Stored = field(default_factory=Stored, repr=False)

    def __post_init__(self) -> None:
        self.scheduled_since = self.created_at

    @property
    def selected_streams(self) -> tuple[SimulatedStream, ...]:
        return tuple(stream for stream in self.streams if stream.selected)

    def next_plan(self) -> Plan:
        """What the next job that runs by itself will meet."""
        return self.plans.popleft() if self.plans else Plan()


@dataclass(frozen=True)
class ConnectionChanges:
    """What a connection is to be; of what is None it stays as it is."""

    name: str | None = None
    streams: tuple[SimulatedStream, ...] | None = None
    destination_id: str | None = None
    prefix: str | None = None
    namespace_definition: NamespaceDefinition | None = None
    namespace_format: str | None = None
    schedule: Schedule | None = None
    sync_seconds: float | None = None
    status: ConnectionStatus | None = None
    status_reason: str | None = None
    breaking_change: bool | None = None
    tags: tuple[str, ...] | None = None

    def given(self) -> dict[str, object]:
        named = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in named.items() if value is not None}
