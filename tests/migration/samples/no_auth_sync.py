"""A self-managed Airbyte that lets everybody in."""

import dagster as dg
from dagster_airbyte import AirbyteWorkspace, build_airbyte_assets_definitions

workspace = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
)

all_assets = build_airbyte_assets_definitions(workspace=workspace)

defs = dg.Definitions(assets=all_assets, resources={"airbyte": workspace})
