from collections.abc import Iterator

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.airbyte_time import Log
from helpers.upgrades import Upgrade


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        yield airbyte


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=["orders"])


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def upgrade(airbyte: AirbyteSimulator) -> Upgrade:
    return Upgrade(airbyte)
