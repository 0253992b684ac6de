"""What happened in Airbyte outside of Dagster: the polling sensor, and those beside it."""

from dagster_airbyte_sync.sensors.failures.failure_sensor import (
    OnFailure,
    build_airbyte_failure_sensor,
)
from dagster_airbyte_sync.sensors.failures.problem import ProblemKind, SyncProblem
from dagster_airbyte_sync.sensors.polling_sensor import NamedJob, build_airbyte_polling_sensor
from dagster_airbyte_sync.sensors.run_requests.of_each_sync import RunRequestFn
from dagster_airbyte_sync.sensors.when_all.when_all import WhenAll
from dagster_airbyte_sync.sensors.when_all.when_all_sensor import (
    build_airbyte_when_all_sensor,
    when_all_sensors,
)

__all__ = [
    "NamedJob",
    "OnFailure",
    "ProblemKind",
    "RunRequestFn",
    "SyncProblem",
    "WhenAll",
    "build_airbyte_failure_sensor",
    "build_airbyte_polling_sensor",
    "build_airbyte_when_all_sensor",
    "when_all_sensors",
]
