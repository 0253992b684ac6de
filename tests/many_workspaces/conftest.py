from collections.abc import Iterator

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock
from helpers.deployment import ClientsTime, forget_clients
from helpers.simulated import clock_from_now
from helpers.workspaces import Company


@pytest.fixture(params=["configuration", "public"])
def either(request: pytest.FixtureRequest) -> Iterator[Company]:
    """With Airbyte's Configuration API open, and closed; the user has a role in each workspace."""
    is_open = request.param == "configuration"
    clock = clock_from_now()
    with AirbyteSimulator(configuration_api=is_open, admin=False, clock=clock) as airbyte:
        yield Company(airbyte)


@pytest.fixture
def company() -> Iterator[Company]:
    with AirbyteSimulator(admin=False, clock=clock_from_now()) as airbyte:
        yield Company(airbyte)


@pytest.fixture
def memory() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def clients_time() -> Iterator[ClientsTime]:
    forget_clients()
    with ClientsTime().of_all_clients() as time:
        yield time
    forget_clients()


@pytest.fixture
def live() -> Iterator[Company]:
    """By the real clock, for runs that follow a sync."""
    with AirbyteSimulator(admin=False, clock=RealClock()) as airbyte:
        yield Company(airbyte, sync_seconds=0.1)
