"""Assets that sync: materializing a table in Dagster syncs its Airbyte connection.

export AIRBYTE_REST_API_BASE_URL=http://localhost:8000/api/public/v1
export AIRBYTE_CONFIGURATION_API_BASE_URL=http://localhost:8000/api/v1
export AIRBYTE_WORKSPACE_ID=... AIRBYTE_CLIENT_ID=... AIRBYTE_CLIENT_SECRET=...
dagster dev -f on_demand_assets.py
"""

import dagster as dg

from dagster_airbyte_sync import (
    AirbyteWorkspace,
    build_airbyte_assets_definitions,
    build_airbyte_polling_sensor,
)

airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
    # If somebody has started the sync already, that one is followed; a clear never is.
    on_active_sync="attach",
    poll_interval=5,
    # Six hours; after that the run fails, and the sync is cancelled.
    poll_timeout=6 * 60 * 60,
)

tables = build_airbyte_assets_definitions(
    workspace=airbyte,
    # A sync that failed is tried once more after ten minutes, as a new sync.
    retry_policy=dg.RetryPolicy(max_retries=1, delay=600),
    # Set the pool's limit in Dagster, and no more syncs than that run at once.
    pool="airbyte",
    op_tags={"team": "data"},
)


@dg.asset(deps=["orders"])
def revenue() -> None:
    """Whatever you compute from the table: it runs when the sync has ended well."""


sync_all = dg.define_asset_job("sync_all", selection=dg.AssetSelection.all())

defs = dg.Definitions(
    assets=[*tables, revenue],
    jobs=[sync_all],
    # Reports the syncs that Dagster did not start, and of those whose run died.
    sensors=[build_airbyte_polling_sensor(workspace=airbyte)],
    resources={"airbyte": airbyte},
)
