from collections.abc import Callable, Iterator
from functools import partial

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.deployment import Deployment, deployed
from helpers.simulated import clock_from_now


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(clock=clock_from_now()) as airbyte:
        yield airbyte


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=["orders", "users"])


@pytest.fixture(params=["configuration", "public"])
def either(request: pytest.FixtureRequest) -> Iterator[AirbyteSimulator]:
    """An Airbyte with its Configuration API open, and one with it closed."""
    is_open = request.param == "configuration"
    with AirbyteSimulator(configuration_api=is_open, clock=clock_from_now()) as airbyte:
        yield airbyte


@pytest.fixture
def deploy(airbyte: AirbyteSimulator, instance: dg.DagsterInstance) -> Callable[..., Deployment]:
    """Definitions of everything the simulator has now, in a deployment that has not ticked yet."""

    return partial(deployed, airbyte, instance)


@pytest.fixture
def memory() -> Iterator[dg.DagsterInstance]:
    """An instance that stores thousands of events in seconds."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance
