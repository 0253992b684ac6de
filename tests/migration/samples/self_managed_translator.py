"""Other keys, groups and metadata."""

import dagster as dg
from dagster_airbyte import (
    AirbyteConnectionTableProps,
    AirbyteWorkspace,
    DagsterAirbyteTranslator,
    build_airbyte_assets_definitions,
)

workspace = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
)


class PrefixedTranslator(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        usual = super().get_asset_spec(props)
        return usual.replace_attributes(
            key=usual.key.with_prefix("raw"),
            group_name="ingested",
            deps=["source_is_ready"],
        ).merge_attributes(metadata={"connection": props.connection_name})


prefixed_assets = build_airbyte_assets_definitions(
    workspace=workspace, dagster_airbyte_translator=PrefixedTranslator()
)

defs = dg.Definitions(assets=prefixed_assets, resources={"airbyte": workspace})
