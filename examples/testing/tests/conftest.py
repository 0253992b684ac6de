from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from in_process import Deployment
from pipeline import pipeline

from dagster_airbyte_sync import AirbyteWorkspace
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection


@pytest.fixture
def shop(airbyte_simulator: AirbyteSimulator) -> SimulatedConnection:
    return airbyte_simulator.add_connection("shop", ["orders", "users"])


@pytest.fixture
def deployment(
    airbyte_simulator: AirbyteSimulator, shop: SimulatedConnection, tmp_path: Path
) -> Iterator[Deployment]:
    airbyte = AirbyteWorkspace(**airbyte_simulator.workspace_config())
    settings = {
        "telemetry": {"enabled": False},
        # Otherwise Dagster starts four processes for each step, to keep what it prints.
        "compute_logs": {
            "module": "dagster.core.storage.noop_compute_log_manager",
            "class": "NoOpComputeLogManager",
        },
    }
    with dg.DagsterInstance.local_temp(str(tmp_path), overrides=settings) as instance:
        yield Deployment(airbyte, pipeline(airbyte), instance)
