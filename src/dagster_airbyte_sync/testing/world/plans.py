"""What becomes of a job that runs by itself."""

from dataclasses import dataclass
from typing import Literal

from dagster_airbyte_sync.testing.world.streams import Counts, StreamName

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
