"""Refreshes and clears of Airbyte from Dagster: by a run's config, and as jobs that end at once.

export AIRBYTE_REST_API_BASE_URL=http://localhost:8000/api/public/v1
export AIRBYTE_CONFIGURATION_API_BASE_URL=http://localhost:8000/api/v1
export AIRBYTE_WORKSPACE_ID=... AIRBYTE_CLIENT_ID=... AIRBYTE_CLIENT_SECRET=...
dagster dev -f definitions.py
"""

import dagster as dg

from dagster_airbyte_sync import (
    AirbyteWorkspace,
    build_airbyte_clear_job,
    build_airbyte_definitions,
    build_airbyte_refresh_job,
)

airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
    # A run that is to refresh or clear waits until what runs on the connection has ended.
    on_active_sync="wait",
    poll_interval=5,
)

# Each month all rows of two tables are read again, next to those that are there.
refresh_customers = build_airbyte_refresh_job(
    workspace=airbyte, assets=["customers", "addresses"], name="refresh_customers"
)
monthly = dg.ScheduleDefinition(job=refresh_customers, cron_schedule="0 3 1 * *")

# Nothing but a run with `confirm: true` empties the table.
clear_events = build_airbyte_clear_job(workspace=airbyte, assets=["events"], name="clear_events")


defs = dg.Definitions.merge(
    build_airbyte_definitions(airbyte),
    dg.Definitions(jobs=[refresh_customers, clear_events], schedules=[monthly]),
)
