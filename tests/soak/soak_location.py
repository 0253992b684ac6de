"""The code location of the soak test: the whole workspace, on a clock that can skip forward."""

import os
from contextlib import ExitStack
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_definitions
from helpers.model_clock import dagster_goes_by
from helpers.shared_clock import SharedClock

airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
)
# As long as this process lives.
ExitStack().enter_context(dagster_goes_by(SharedClock(Path(os.environ["SHARED_CLOCK"]))))

defs = build_airbyte_definitions(
    airbyte, minimum_interval_seconds=int(os.environ["SENSOR_INTERVAL"])
)
