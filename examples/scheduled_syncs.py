"""Dagster decides when Airbyte syncs: one schedule whose runs wait, one whose runs do not.

Run it against your own Airbyte: set the variables below, then `dagster dev -f scheduled_syncs.py`.
Turn the connections' own schedules in Airbyte to "manual", or they are synced twice.
"""

import dagster as dg

from dagster_airbyte_sync import (
    AirbyteWorkspace,
    Connection,
    build_airbyte_definitions,
    build_airbyte_sync_schedule,
)

airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
    poll_interval=1,
)


def is_small(connection: Connection) -> bool:
    """A sync of few streams is soon over, so that a run may well wait for it."""
    return connection.is_active and len(connection.selected_streams) <= 3


def is_large(connection: Connection) -> bool:
    return connection.is_active and not is_small(connection)


# Each run materializes the assets: it starts the syncs, follows them, and fails if one does.
small_hourly = build_airbyte_sync_schedule(
    workspace=airbyte,
    name="small_hourly",
    cron_schedule="0 * * * *",
    connection_selector_fn=is_small,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)

# Each run only starts the syncs, which may take hours, and ends. The sensor, which is among the
# definitions below, materializes the assets when the syncs have ended, with a link to this run.
large_nightly = build_airbyte_sync_schedule(
    workspace=airbyte,
    name="large_nightly",
    cron_schedule="30 2 * * *",
    execution_timezone="Europe/Berlin",
    connection_selector_fn=is_large,
    wait=False,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)

defs = dg.Definitions.merge(
    build_airbyte_definitions(airbyte),
    dg.Definitions(schedules=[small_hourly, large_nightly]),
)
