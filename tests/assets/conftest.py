from collections.abc import Iterator

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.airbyte_time import Log


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    """An Airbyte in which nothing happens by itself."""
    with AirbyteSimulator() as airbyte:
        yield airbyte


@pytest.fixture
def log() -> Log:
    return Log()
