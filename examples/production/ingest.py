"""One code location: the tables that Airbyte syncs, the sensor that reports their syncs, and a
schedule that starts them. It loads from the snapshot beside it, without Airbyte."""

from pathlib import Path

import dagster as dg

from dagster_airbyte_sync import (
    AirbyteWorkspace,
    build_airbyte_definitions,
    build_airbyte_sync_schedule,
)

SNAPSHOT = Path(__file__).with_name("airbyte.json")

airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
    # A run that Dagster tries again follows the sync that the one before has started.
    on_active_sync="attach",
)

nightly = build_airbyte_sync_schedule(
    workspace=airbyte,
    name="nightly",
    cron_schedule="0 2 * * *",
    execution_timezone="Europe/Berlin",
    snapshot=SNAPSHOT,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)

defs = dg.Definitions.merge(
    build_airbyte_definitions(
        airbyte,
        snapshot=SNAPSHOT,
        minimum_interval_seconds=30,
        # How many steps of this pool run at once, dagster.yaml says.
        pool="airbyte",
    ),
    dg.Definitions(schedules=[nightly]),
)
