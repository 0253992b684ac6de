"""Two workspaces in one code location, represented."""

import dagster as dg
from dagster_airbyte import AirbyteCloudWorkspace, load_airbyte_asset_specs

workspace = AirbyteCloudWorkspace(
    workspace_id=dg.EnvVar("AIRBYTE_CLOUD_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLOUD_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLOUD_CLIENT_SECRET"),
)

other = AirbyteCloudWorkspace(
    workspace_id=dg.EnvVar("AIRBYTE_CLOUD_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLOUD_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLOUD_CLIENT_SECRET"),
)
mine = load_airbyte_asset_specs(workspace)
theirs = [
    spec.replace_attributes(key=spec.key.with_prefix("theirs"))
    for spec in load_airbyte_asset_specs(other)
]

defs = dg.Definitions(assets=[*mine, *theirs])
