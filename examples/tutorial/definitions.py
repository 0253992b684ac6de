"""Three connections of Airbyte in Dagster, and an asset that is computed after their syncs."""

import dagster as dg

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_definitions

airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
)


@dg.asset(deps=["orders", "customers"], group_name="marts")
def revenue(context: dg.AssetExecutionContext) -> None:
    context.log.info("Computed from what Airbyte has just brought.")


defs = dg.Definitions.merge(
    build_airbyte_definitions(airbyte, downstream=dg.AssetSelection.groups("marts")),
    dg.Definitions([revenue]),
)
