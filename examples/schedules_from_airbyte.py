"""Dagster starts the syncs at the times that Airbyte knows, and a late table turns red.

The schedules are stopped at first, because Airbyte still starts the syncs itself. To hand over, in
this folder:

1. dagster-airbyte-sync take-over --workspace schedules_from_airbyte:airbyte \\
       --file airbyte_schedules.jsonl
   shows what would change, and asks. Then it makes the connections manual in Airbyte, and writes
   down what they were. Keep the file with your code: it is read below, as Airbyte does not know
   these schedules any more.
2. Reload the code location: the schedules of these connections are on now, unless somebody has
   stopped them in Dagster by hand.

The other way: the same with put-back, delete the file, reload. `--dry-run` only looks.
"""

import os
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync import (
    AirbyteWorkspace,
    TakenOver,
    build_airbyte_definitions,
    build_schedules_from_airbyte,
)

airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
    poll_interval=float(os.environ.get("AIRBYTE_POLL_INTERVAL", "10")),
)

written_down = Path(__file__).with_name("airbyte_schedules.jsonl")
taken_over = TakenOver.from_text(written_down.read_text() if written_down.exists() else "")

defs = dg.Definitions.merge(
    build_airbyte_definitions(airbyte, freshness_from_airbyte_schedule=taken_over),
    dg.Definitions(schedules=build_schedules_from_airbyte(airbyte, taken_over=taken_over)),
)
