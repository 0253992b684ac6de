"""One connection, with code of one's own around its sync."""

import dagster as dg
from dagster_airbyte import AirbyteCloudWorkspace, airbyte_assets

workspace = AirbyteCloudWorkspace(
    workspace_id=dg.EnvVar("AIRBYTE_CLOUD_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLOUD_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLOUD_CLIENT_SECRET"),
)


@airbyte_assets(
    connection_id="e0d5c1a4-7f0c-4a52-8a4e-1f2b3c4d5e6f",
    workspace=workspace,
    name="shop_tables",
    group_name="shop",
)
def shop_tables(context: dg.AssetExecutionContext, airbyte: AirbyteCloudWorkspace):
    context.log.info("before the sync")
    yield from airbyte.sync_and_poll(context=context)
    context.log.info("after the sync")


defs = dg.Definitions(assets=[shop_tables], resources={"airbyte": workspace})
