"""A code location with nothing but the sensor that starts a job for each sync that fails."""

import dagster as dg

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_failure_sensor

airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
    request_retry_delay=0.01,
)


@dg.op
def send() -> None: ...


@dg.job
def notify() -> None:
    send()


defs = dg.Definitions(
    sensors=[
        build_airbyte_failure_sensor(workspace=airbyte, start=notify, minimum_interval_seconds=1)
    ],
    resources={"airbyte": airbyte},
)
