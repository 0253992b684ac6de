"""One connection by the decorator, with code around its sync."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_airbyte import AirbyteWorkspace, airbyte_assets

airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    username=dg.EnvVar("AIRBYTE_USERNAME"),
    password=dg.EnvVar("AIRBYTE_PASSWORD"),
)


@airbyte_assets(
    connection_id="e0d5c1a4-7f0c-4a52-8a4e-1f2b3c4d5e6f",
    workspace=airbyte,
    name="shop_tables",
    group_name="shop",
)
def shop_tables(context: dg.AssetExecutionContext, airbyte: AirbyteWorkspace) -> Iterator[Any]:
    context.log.info("The shop is about to be synced.")
    yield from airbyte.sync_and_poll(context=context)


defs = dg.Definitions(assets=[shop_tables], resources={"airbyte": airbyte})
