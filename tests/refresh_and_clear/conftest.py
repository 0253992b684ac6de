from collections.abc import Iterator

import pytest

from dagster_airbyte_sync.assets.asked import until_steady
from dagster_airbyte_sync.resources.access import steadiness
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


@pytest.fixture
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether Airbyte is back is seen at once, as runs sleep in real seconds."""
    monkeypatch.setattr(until_steady, "_LOOK_EVERY", 0.05)
    monkeypatch.setattr(steadiness, "_SAME_FOR", 0.05)
