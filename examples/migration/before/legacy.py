"""All connections by the loader from before there were workspaces."""

import dagster as dg
from dagster_airbyte import AirbyteResource, load_assets_from_airbyte_instance

airbyte = AirbyteResource(
    host=dg.EnvVar("AIRBYTE_HOST"),
    port=dg.EnvVar("AIRBYTE_PORT"),
    username=dg.EnvVar("AIRBYTE_USERNAME"),
    password=dg.EnvVar("AIRBYTE_PASSWORD"),
)

airbyte_assets = load_assets_from_airbyte_instance(
    airbyte,
    key_prefix="raw",
    connection_to_group_fn=lambda name: f"airbyte_{name}",
    connection_filter=lambda meta: meta.name != "scratch",
)

defs = dg.Definitions(assets=[airbyte_assets])
