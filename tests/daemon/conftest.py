from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.local_instance import local_instance
from helpers.simulated import clock_from_now


@pytest.fixture
def airbyte(request: pytest.FixtureRequest) -> Iterator[AirbyteSimulator]:
    """With the parameter "public" its Configuration API is closed."""
    is_open = getattr(request, "param", "configuration") == "configuration"
    with AirbyteSimulator(configuration_api=is_open, clock=clock_from_now()) as airbyte:
        yield airbyte


@pytest.fixture
def instance(tmp_path: Path, empty_storage: Path) -> Iterator[dg.DagsterInstance]:
    """Runs wait in its queue: nothing takes them out."""
    queue = {"module": "dagster._core.run_coordinator", "class": "QueuedRunCoordinator"}
    with local_instance(tmp_path, empty_storage, {"run_coordinator": queue}) as instance:
        yield instance
