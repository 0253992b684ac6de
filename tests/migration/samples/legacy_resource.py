"""What the migration page begins with."""

import dagster as dg
from dagster_airbyte import AirbyteResource, load_assets_from_airbyte_instance

airbyte = AirbyteResource(
    host=dg.EnvVar("AIRBYTE_HOST"),
    port=dg.EnvVar("AIRBYTE_PORT"),
    username="airbyte",
    password=dg.EnvVar("AIRBYTE_PASSWORD"),
)

all_assets = load_assets_from_airbyte_instance(airbyte)

defs = dg.Definitions(assets=[all_assets])
