"""Sensors whose workspace is not among the resources, or there under another name."""

import dagster as dg

from dagster_airbyte_sync import (
    AirbyteWorkspace,
    WhenAll,
    build_airbyte_failure_sensor,
    build_airbyte_polling_sensor,
    build_airbyte_when_all_sensor,
)

airbyte = AirbyteWorkspace(
    rest_api_base_url="http://127.0.0.1:9/api/public/v1",
    configuration_api_base_url="http://127.0.0.1:9/api/v1",
    workspace_id="5ae6b09b-fdec-41af-aaf7-7d94cfc33ef6",
)


@dg.op(required_resource_keys={"chat"})
def send() -> None: ...


@dg.job
def alert() -> None:
    send()


RUNNING = dg.DefaultSensorStatus.RUNNING

defs = dg.Definitions(
    assets=[dg.AssetSpec("orders")],
    sensors=[
        build_airbyte_polling_sensor(workspace=airbyte),
        # With a job of its own that needs resources, Dagster makes the sensor anew.
        build_airbyte_failure_sensor(workspace=airbyte, start=alert, default_sensor_status=RUNNING),
        build_airbyte_when_all_sensor(WhenAll("nightly", members=["shop"]), workspace=airbyte),
    ],
    resources={"airbyte_prod": airbyte, "chat": dg.ResourceDefinition.none_resource()},
)
