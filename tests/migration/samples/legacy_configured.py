"""The same in the older way of Dagster, with a filter."""

import dagster as dg
from dagster_airbyte import airbyte_resource, load_assets_from_airbyte_instance

airbyte = airbyte_resource.configured(
    {
        "host": {"env": "AIRBYTE_HOST"},
        "port": {"env": "AIRBYTE_PORT"},
        "username": "airbyte",
        "password": {"env": "AIRBYTE_PASSWORD"},
    }
)

some_assets = load_assets_from_airbyte_instance(
    airbyte, connection_filter=lambda meta: "shop" in meta.name
)

defs = dg.Definitions(assets=[some_assets])
