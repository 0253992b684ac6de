"""What happened in Airbyte outside of Dagster: the polling sensor, and triggers."""

from dagster_airbyte_sync.sensors.polling_sensor import NamedJob, build_airbyte_polling_sensor
from dagster_airbyte_sync.sensors.run_requests.of_each_sync import RunRequestFn
from dagster_airbyte_sync.sensors.when_all.when_all import WhenAll
from dagster_airbyte_sync.sensors.when_all.when_all_sensor import (
    build_airbyte_when_all_sensor,
    when_all_sensors,
)

__all__ = [
    "NamedJob",
    "RunRequestFn",
    "WhenAll",
    "build_airbyte_polling_sensor",
    "build_airbyte_when_all_sensor",
    "when_all_sensors",
]
