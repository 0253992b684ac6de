"""What happened in Airbyte outside of Dagster: the polling sensor."""

from dagster_airbyte_sync.sensors.polling_sensor import NamedJob, build_airbyte_polling_sensor
from dagster_airbyte_sync.sensors.run_requests.of_each_sync import RunRequestFn

__all__ = ["NamedJob", "RunRequestFn", "build_airbyte_polling_sensor"]
