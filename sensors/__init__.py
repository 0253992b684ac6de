"""What happened in Airbyte outside of Dagster: the polling sensor, and those beside it."""

from dagster_airbyte_sync.sensors.failures.failure_sensor import (
    OnFailure,
    build_airbyte_failure_sensor,
)
from dagster_airbyte_sync.sensors.failures.problem import ProblemKind, SyncProblem
from dagster_airbyte_sync.sensors.past.automation import automated_below
from dagster_airbyte_sync.sensors.past.backfill import Backfill, Outcome
from dagster_airbyte_sync.sensors.past.bookmark import (
    Bookmark,
    ReasonToWait,
    UnreadableCursor,
    WaitingConnection,
    bookmark_at,
    bookmark_of,
)
from dagster_airbyte_sync.sensors.past.one_at_a_time import (
    Claim,
    LostClaim,
    OneAtATime,
    OtherBackfill,
)
from dagster_airbyte_sync.sensors.polling_sensor import (
    NamedJob,
    build_airbyte_polling_sensor,
    polling_of,
)
from dagster_airbyte_sync.sensors.queue.queue_sensor import build_airbyte_queue_sensor
from dagster_airbyte_sync.sensors.run_requests.of_each_sync import RunRequestFn
from dagster_airbyte_sync.sensors.shard import WHOLE, Shard, refuse_bad_count
from dagster_airbyte_sync.sensors.tick import Polling
from dagster_airbyte_sync.sensors.when_all.when_all import WhenAll
from dagster_airbyte_sync.sensors.when_all.when_all_sensor import (
    build_airbyte_when_all_sensor,
    when_all_sensors,
)

__all__ = [
    "WHOLE",
    "Backfill",
    "Bookmark",
    "Claim",
    "LostClaim",
    "NamedJob",
    "OnFailure",
    "OneAtATime",
    "OtherBackfill",
    "Outcome",
    "Polling",
    "ProblemKind",
    "ReasonToWait",
    "RunRequestFn",
    "Shard",
    "SyncProblem",
    "UnreadableCursor",
    "WaitingConnection",
    "WhenAll",
    "automated_below",
    "bookmark_at",
    "bookmark_of",
    "build_airbyte_failure_sensor",
    "build_airbyte_polling_sensor",
    "build_airbyte_queue_sensor",
    "build_airbyte_when_all_sensor",
    "polling_of",
    "refuse_bad_count",
    "when_all_sensors",
]
