"""The code location of the test with a wide connection: all of the workspace, and one asset that
depends on the first and on the last of its tables."""

import os

import dagster as dg

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_definitions

airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
)


@dg.asset(deps=os.environ["FOLLOWED_TABLES"].split())
def follows() -> int:
    return 1


defs = dg.Definitions.merge(
    build_airbyte_definitions(
        airbyte,
        # With checks it takes twice as many events, and as long.
        checks=False,
        minimum_interval_seconds=1,
        downstream=dg.AssetSelection.assets("follows"),
    ),
    dg.Definitions([follows]),
)
