"""The code location that the daemon tests load: everything in the workspace of the environment."""

import dagster as dg

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_definitions

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


defs = dg.Definitions.merge(
    build_airbyte_definitions(
        airbyte, minimum_interval_seconds=1, downstream=dg.AssetSelection.assets("revenue")
    ),
    dg.Definitions([revenue]),
)
