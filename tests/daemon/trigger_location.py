"""The code location of the tests of a trigger: a sensor that reports, and one that waits for two
connections."""

import dagster as dg

from dagster_airbyte_sync import AirbyteWorkspace, WhenAll, build_airbyte_definitions

airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
    request_retry_delay=0.01,
)


@dg.asset(deps=["orders"])
def revenue() -> int:
    return 1


@dg.asset(deps=["orders", "leads"], partitions_def=dg.DailyPartitionsDefinition("2020-01-01"))
def funnel() -> int:
    return 1


defs = dg.Definitions.merge(
    build_airbyte_definitions(
        airbyte,
        checks=False,
        minimum_interval_seconds=1,
        when_all=[WhenAll("nightly", ["shop", "crm"], partition_offset=-1)],
    ),
    dg.Definitions([revenue, funnel]),
)
