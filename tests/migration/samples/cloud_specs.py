"""Tables of a workspace, represented."""

import dagster as dg
from dagster_airbyte import AirbyteCloudWorkspace, load_airbyte_asset_specs

workspace = AirbyteCloudWorkspace(
    workspace_id=dg.EnvVar("AIRBYTE_CLOUD_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLOUD_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLOUD_CLIENT_SECRET"),
)

specs = load_airbyte_asset_specs(workspace)

defs = dg.Definitions(assets=specs)
