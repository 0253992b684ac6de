from collections.abc import Iterator

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.airbyte_time import Log
from helpers.simulated import clock_from_now


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    """An Airbyte in which nothing happens by itself."""
    with AirbyteSimulator(clock=clock_from_now()) as airbyte:
        yield airbyte


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=["orders", "users"], sync_seconds=300)


@pytest.fixture
def log() -> Log:
    return Log()
