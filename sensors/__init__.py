"""What happened in Airbyte outside of Dagster: the polling sensor, and one for what went wrong."""

from dagster_airbyte_sync.sensors.failures.failure_sensor import (
    OnFailure,
    build_airbyte_failure_sensor,
)
from dagster_airbyte_sync.sensors.failures.problem import ProblemKind, SyncProblem
from dagster_airbyte_sync.sensors.polling_sensor import NamedJob, build_airbyte_polling_sensor
from dagster_airbyte_sync.sensors.run_requests.of_each_sync import RunRequestFn

__all__ = [
    "NamedJob",
    "OnFailure",
    "ProblemKind",
    "RunRequestFn",
    "SyncProblem",
    "build_airbyte_failure_sensor",
    "build_airbyte_polling_sensor",
]
