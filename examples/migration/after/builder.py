"""All connections by a builder, with keys, groups and a schedule of one's own."""

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


class ByConnection(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        spec = super().get_asset_spec(props)
        return spec.replace_attributes(
            key=spec.key.with_prefix(["raw", props.connection_name]),
            group_name="ingestion",
            owners=["team:data"],
        )


airbyte_assets = build_airbyte_assets_definitions(
    workspace=airbyte,
    dagster_airbyte_translator=ByConnection(),
    connection_selector_fn=lambda connection: connection.name != "scratch",
)

nightly = dg.define_asset_job("nightly_syncs", selection=dg.AssetSelection.assets(*airbyte_assets))


@dg.asset(deps=[["raw", "shop", "orders"]], group_name="marts")
def revenue() -> None: ...


defs = dg.Definitions(
    assets=[*airbyte_assets, revenue],
    jobs=[nightly],
    schedules=[dg.ScheduleDefinition(job=nightly, cron_schedule="0 3 * * *")],
    resources={"airbyte": airbyte},
)
