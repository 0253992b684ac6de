"""What becomes of a job that runs by itself, and what a connection's next job will be."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from dagster_airbyte_sync.testing.world.streams import (
    Counts,
    SimulatedStream,
    StreamKey,
    StreamName,
)

FailureOrigin = Literal[
    "source",
    "destination",
    "replication",
    "persistence",
    "airbyte_platform",
    "normalization",
    "dbt",
    "unknown",
]
FailureType = Literal[
    "config_error",
    "system_error",
    "manual_cancellation",
    "refresh_schema",
    "heartbeat_timeout",
    "destination_timeout",
    "transient_error",
]
Outcome = Literal["succeeded", "failed", "cancelled", "never"]
RefreshMode = Literal["Merge", "Truncate"]


@dataclass(frozen=True)
class Failure:
    """Why an attempt failed, as it appears in the attempt's failure summary."""

    reason: str = "Something went wrong in the connector"
    origin: FailureOrigin = "source"
    type: FailureType = "system_error"


@dataclass(frozen=True)
class Plan:
    """How many attempts fail first, and how the job ends after that."""

    failing_attempts: int = 0
    outcome: Outcome = "succeeded"
    failure: Failure = Failure()
    rows: Counts | None = None
    bytes: Counts | None = None
    rejected: Counts | None = None
    completed: tuple[StreamName, ...] = ()


@dataclass(eq=False)
class Stored:
    """What Airbyte has stored of requests: it decides what a connection's next job is.

    Streams to clear come first, then those to refresh, each with the mode that it was first asked
    for. A refresh is taken out as its job is created, a clear when its job succeeds or is
    cancelled: of one that fails it stays, and the next job is a clear again.
    """

    clears: dict[StreamKey, SimulatedStream] = field(default_factory=dict)
    refreshes: dict[StreamKey, SimulatedStream] = field(default_factory=dict)
    modes: dict[StreamKey, RefreshMode] = field(default_factory=dict)

    def store_clear(self, streams: Iterable[SimulatedStream]) -> None:
        self.clears.update({stream.key: stream for stream in streams})

    def store_refresh(self, streams: Iterable[SimulatedStream], mode: RefreshMode) -> None:
        for stream in streams:
            self.refreshes.setdefault(stream.key, stream)
            self.modes.setdefault(stream.key, mode)

    def take_refreshes(self) -> tuple[list[SimulatedStream], dict[StreamKey, RefreshMode]]:
        streams, modes = list(self.refreshes.values()), dict(self.modes)
        self.refreshes.clear()
        self.modes.clear()
        return streams, modes

    def forget_clears(self, keys: Iterable[StreamKey]) -> None:
        for key in keys:
            self.clears.pop(key, None)
