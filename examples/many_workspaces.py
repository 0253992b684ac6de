"""All workspaces of an Airbyte in one code location: one sensor, one request each 30 seconds.

export AIRBYTE_REST_API_BASE_URL=http://localhost:8000/api/public/v1
export AIRBYTE_CONFIGURATION_API_BASE_URL=http://localhost:8000/api/v1
export AIRBYTE_CLIENT_ID=... AIRBYTE_CLIENT_SECRET=...
dagster dev -f many_workspaces.py
"""

import dagster as dg

from dagster_airbyte_sync import (
    AirbyteConnectionTableProps,
    AirbyteInstance,
    DagsterAirbyteTranslator,
    build_airbyte_definitions,
)

airbyte = AirbyteInstance(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
    # Some of them: workspace_ids=[dg.EnvVar("AIRBYTE_SALES_ID"), dg.EnvVar("AIRBYTE_FINANCE_ID")]
)


class ByTeam(DagsterAirbyteTranslator):
    """Keys as they come, `finance/orders`; the team that owns a workspace owns its tables."""

    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        spec = super().get_asset_spec(props)
        team = props.workspace_group or "data"
        return spec.replace_attributes(owners=[f"team:{team}"])


defs = build_airbyte_definitions(airbyte, dagster_airbyte_translator=ByTeam())
