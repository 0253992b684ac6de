"""Airbyte's clock may be wrong, and corrected."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedClock
from helpers.deployment import Deployment
from helpers.simulated import clock_from_now

Deploy = Callable[..., Deployment]


@pytest.fixture
def clock() -> SimulatedClock:
    return clock_from_now()


@pytest.fixture
def airbyte(clock: SimulatedClock) -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(clock=clock) as airbyte:
        yield airbyte


def test_what_ends_after_airbytes_clock_was_set_back_is_reported(
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

    assert deployment.reported("orders") == [job.job_id for job in airbyte.jobs]


def test_a_clock_that_is_set_back_is_reported_in_the_log(
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


@pytest.mark.parametrize("is_down_meanwhile", [False, True], ids=["on", "down meanwhile"])
@pytest.mark.parametrize("set_right_after", [1, 8])
def test_a_clock_that_was_an_hour_ahead_on_the_first_tick_loses_no_sync_once_it_is_right(
    airbyte: AirbyteSimulator,
    clock: SimulatedClock,
    deploy: Deploy,
    set_right_after: int,
    is_down_meanwhile: bool,
) -> None:
    """The sensor began at a time that then lay in the future. A sync ends each five minutes."""
    hour = timedelta(hours=1)
    shop = airbyte.add_connection("shop", streams=["orders"])
    clock.advance(hour)
    deployment = deploy()
    deployment.tick()
    for place in range(16):
        deployment.wait(timedelta(minutes=5))
        if place == set_right_after:
            clock.set_back(hour)
        is_down = is_down_meanwhile and abs(place - set_right_after) <= 1
        airbyte.run_sync(shop)
        if not is_down:
            deployment.tick()

    assert deployment.reported("orders") == [job.job_id for job in airbyte.jobs]
    assert len(airbyte.jobs) == 16


def test_a_clock_that_was_an_hour_ahead_makes_nothing_reported_twice(
    airbyte: AirbyteSimulator, clock: SimulatedClock, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy(checks=True)
    clock.advance(timedelta(hours=1))
    deployment.tick()
    for _ in range(3):
        deployment.wait(timedelta(minutes=5))
        airbyte.run_sync(shop)
        deployment.tick()
    clock.set_back(timedelta(hours=1))

    ticks = []
    for _ in range(15):
        deployment.wait(timedelta(minutes=5))
        ticks.append(deployment.tick())

    assert [tick.events for tick in ticks] == [[]] * 15


def test_a_sensor_begins_by_airbytes_clock_as_it_goes_now(
    airbyte: AirbyteSimulator, clock: SimulatedClock, deploy: Deploy
) -> None:
    """The clock was set back by more than `start_from` since the process last heard from it."""
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy()
    deployment.tick()
    deployment.cursor = None
    clock.set_back(timedelta(minutes=11))
    deployment.tick()
    clock.set_back(timedelta(seconds=90))
    job = airbyte.run_sync(shop)

    deployment.tick()

    assert deployment.reported("orders") == [job.job_id]
