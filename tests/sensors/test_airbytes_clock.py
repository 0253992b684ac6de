"""Airbyte's clock may be wrong, and corrected."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedClock
from helpers.deployment import Deployment

Deploy = Callable[..., Deployment]


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
def airbyte(clock: SimulatedClock) -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(clock=clock) as airbyte:
        yield airbyte


def test_what_ends_after_airbytes_clock_was_set_back_is_told(
    airbyte: AirbyteSimulator, clock: SimulatedClock, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy()
    deployment.tick()
    clock.advance(timedelta(minutes=30))
    airbyte.run_sync(shop)
    deployment.tick()

    clock.set_back(timedelta(minutes=29))
    deployment.tick()
    for _ in range(4):
        airbyte.run_sync(shop)
        deployment.tick()
        clock.advance(timedelta(minutes=5))

    assert deployment.told("orders") == [job.job_id for job in airbyte.jobs]


def test_a_clock_that_is_set_back_is_told_in_the_log(
    airbyte: AirbyteSimulator,
    clock: SimulatedClock,
    deploy: Deploy,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy()
    airbyte.run_sync(shop)
    deployment.tick()
    clock.set_back(timedelta(minutes=29))
    deployment.tick()

    assert "Airbyte's clock was set back" in capsys.readouterr().err
