"""Tables of a workspace, which Dagster can sync."""

import dagster as dg
from dagster_airbyte import AirbyteCloudWorkspace, build_airbyte_assets_definitions

workspace = AirbyteCloudWorkspace(
    workspace_id=dg.EnvVar("AIRBYTE_CLOUD_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLOUD_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLOUD_CLIENT_SECRET"),
)

all_assets = build_airbyte_assets_definitions(workspace=workspace)

defs = dg.Definitions(assets=all_assets, resources={"airbyte": workspace})
