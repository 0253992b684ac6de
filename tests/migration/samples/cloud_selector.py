"""Only some connections."""

import dagster as dg
from dagster_airbyte import AirbyteCloudWorkspace, build_airbyte_assets_definitions

workspace = AirbyteCloudWorkspace(
    workspace_id=dg.EnvVar("AIRBYTE_CLOUD_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLOUD_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLOUD_CLIENT_SECRET"),
)

some_assets = build_airbyte_assets_definitions(
    workspace=workspace,
    connection_selector_fn=lambda connection: connection.name in ["shop", "unknown"],
)

defs = dg.Definitions(assets=some_assets, resources={"airbyte": workspace})
