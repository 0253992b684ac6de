"""One connection, under other keys."""

import dagster as dg
from dagster_airbyte import (
    AirbyteConnectionTableProps,
    AirbyteWorkspace,
    DagsterAirbyteTranslator,
    airbyte_assets,
)

workspace = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
)


class UpperTranslator(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        usual = super().get_asset_spec(props)
        return usual.replace_attributes(key=dg.AssetKey(props.table_name.upper()))


@airbyte_assets(
    connection_id="e0d5c1a4-7f0c-4a52-8a4e-1f2b3c4d5e6f",
    workspace=workspace,
    dagster_airbyte_translator=UpperTranslator(),
)
def upper_tables(context: dg.AssetExecutionContext, airbyte: AirbyteWorkspace):
    yield from airbyte.sync_and_poll(context=context)


defs = dg.Definitions(assets=[upper_tables], resources={"airbyte": workspace})
