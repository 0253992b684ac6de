"""Connections and destinations as the simulator keeps them."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from dagster_airbyte_sync.testing.wire.payload import JsonObject
from dagster_airbyte_sync.testing.world.plans import Plan, Stored
from dagster_airbyte_sync.testing.world.schedule import Schedule
from dagster_airbyte_sync.testing.world.streams import SimulatedStream

ConnectionStatus = Literal["active", "inactive", "deprecated", "locked"]
NamespaceDefinition = Literal["source", "destination", "custom_format"]


@dataclass(eq=False)
class SimulatedWorkspace:
    """A workspace. Change it through the simulator, which keeps the lock."""

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
class SimulatedDestination:
    """Where connections write to. `type` is the public API's word, such as `postgres`."""

    destination_id: str
    name: str
    type: str
    configuration: JsonObject
    definition_id: str
    created_at: datetime
    workspace_id: str
    supports_refreshes: bool = True


@dataclass(eq=False)
class SimulatedConnection:
    """A connection. Change it through the simulator, which keeps the lock."""

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
    source_name: str = ""
    source_type: str = "faker"
    scheduled_since: datetime = field(init=False)
    plans: deque[Plan] = field(default_factory=deque, repr=False)
    stored: Stored = field(default_factory=Stored, repr=False)

    def __post_init__(self) -> None:
        self.scheduled_since = self.created_at
        self.source_name = self.source_name or f"{self.name} source"

    @property
    def selected_streams(self) -> tuple[SimulatedStream, ...]:
        return tuple(stream for stream in self.streams if stream.selected)

    def next_plan(self) -> Plan:
        """What the next job that runs by itself will meet."""
        return self.plans.popleft() if self.plans else Plan()
