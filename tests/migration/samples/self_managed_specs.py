"""Tables of a workspace, represented."""

import dagster as dg
from dagster_airbyte import AirbyteWorkspace, load_airbyte_asset_specs

workspace = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
)

specs = load_airbyte_asset_specs(workspace)

defs = dg.Definitions(assets=specs)
