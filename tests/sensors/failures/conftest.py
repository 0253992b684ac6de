from collections.abc import Callable
from functools import partial

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.watched import Watched, watched


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", ["orders", "users"])


@pytest.fixture
def crm(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("crm", ["contacts"])


@pytest.fixture
def watch(airbyte: AirbyteSimulator, instance: dg.DagsterInstance) -> Callable[..., Watched]:
    """Definitions of everything the simulator has now, with both sensors, not ticked yet."""
    return partial(watched, airbyte, instance)
