"""Dagster's daemon over a code location beside a simulated Airbyte."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.dagster_private import SensorDaemon, sensor_daemon


@contextmanager
def daemon_over(
    location: Path, airbyte: AirbyteSimulator, instance: dg.DagsterInstance, folder: Path
) -> Iterator[SensorDaemon]:
    """The location is copied into the folder, and may read the variables."""
    environ = {
        "AIRBYTE_REST_API": airbyte.rest_api_base_url,
        "AIRBYTE_CONFIGURATION_API": airbyte.configuration_api_base_url,
        "AIRBYTE_WORKSPACE_ID": airbyte.workspace_id,
        "AIRBYTE_CLIENT_ID": airbyte.client_id,
        "AIRBYTE_CLIENT_SECRET": airbyte.client_secret,
    }
    # Dagster imports a file once for each module name, so every test needs its own.
    copy = folder / f"{location.stem}_{airbyte.workspace_id.replace('-', '_')}.py"
    copy.write_text(location.read_text())
    with sensor_daemon(instance, copy, environ) as daemon:
        yield daemon
