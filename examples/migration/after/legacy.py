"""All connections that the former loader made, without it."""

import dagster as dg
from dagster_airbyte_sync import (
    AirbyteConnectionTableProps,
    AirbyteWorkspace,
    DagsterAirbyteTranslator,
    build_airbyte_assets_definitions,
)

airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    username=dg.EnvVar("AIRBYTE_USERNAME"),
    password=dg.EnvVar("AIRBYTE_PASSWORD"),
)


class FormerKeys(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        spec = super().get_asset_spec(props)
        return spec.replace_attributes(
            key=spec.key.with_prefix(["raw"]),
            group_name=f"airbyte_{props.connection_name}",
        )


airbyte_assets = build_airbyte_assets_definitions(
    workspace=airbyte,
    dagster_airbyte_translator=FormerKeys(),
    connection_selector_fn=lambda connection: connection.name != "scratch",
)

defs = dg.Definitions(assets=airbyte_assets, resources={"airbyte": airbyte})
