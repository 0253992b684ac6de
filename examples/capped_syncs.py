"""However many syncs are due, no more than twenty run in Airbyte; the rest start as room comes.

Run it against your own Airbyte: set the variables below, then `dagster dev -f capped_syncs.py`.
Turn the connections' own schedules in Airbyte to "manual", or it starts them as well: such syncs
take places, but wait for none.
"""

import os

import dagster as dg

from dagster_airbyte_sync import (
    AirbyteWorkspace,
    build_airbyte_definitions,
    build_airbyte_queue_sensor,
    build_airbyte_start_job,
    build_airbyte_sync_schedule,
)

AT_ONCE = int(os.environ.get("AIRBYTE_SYNCS_AT_ONCE", "20"))

airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
)

# A run of it writes down what waits, on the page of each connection's last table, and ends.
nightly = build_airbyte_sync_schedule(
    workspace=airbyte,
    name="nightly",
    cron_schedule="0 2 * * *",
    wait=False,
    max_running=AT_ONCE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)

# By hand, with `connections: [ids]` in the run's config, for some that should be synced now: they
# wait behind what waits already.
by_hand = build_airbyte_start_job(workspace=airbyte, max_running=AT_ONCE)

# Starts what waits, whichever run wrote it down; each tick says what runs, what waits, since when.
queue = build_airbyte_queue_sensor(workspace=airbyte, job=by_hand, minimum_interval_seconds=1)

defs = dg.Definitions.merge(
    # Syncs that runs of the assets follow are limited in Dagster: here by a pool a destination.
    build_airbyte_definitions(airbyte, pool=lambda connection: connection.destination_id),
    dg.Definitions(jobs=[by_hand], schedules=[nightly], sensors=[queue]),
)
