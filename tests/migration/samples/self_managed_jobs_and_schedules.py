"""A job and a schedule of syncs."""

import dagster as dg
from dagster_airbyte import AirbyteWorkspace, build_airbyte_assets_definitions

workspace = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
)

all_assets = build_airbyte_assets_definitions(workspace=workspace)

sync_all = dg.define_asset_job("sync_all", selection=dg.AssetSelection.assets(*all_assets))

defs = dg.Definitions(
    assets=all_assets,
    jobs=[sync_all],
    schedules=[
        dg.ScheduleDefinition(job=sync_all, cron_schedule="0 5 * * *", name="every_morning")
    ],
    resources={"airbyte": workspace},
)
