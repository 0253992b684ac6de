"""Pages of the job history that are too much for Airbyte, and jobs that it cannot list."""

from collections.abc import Callable
from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace
from dagster_airbyte_sync.sensors.tick_basics import TickFailed
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, SimulatedConnection
from helpers.deployment import Deployment, deployed

MINUTE = timedelta(minutes=1)


@pytest.fixture
def shop(either: AirbyteSimulator) -> SimulatedConnection:
    return either.add_connection("shop", streams=["orders"])


@pytest.fixture
def deployment(
    either: AirbyteSimulator, shop: SimulatedConnection, memory: dg.DagsterInstance
) -> Deployment:
    deployment = deployed(either, memory)
    deployment.workspace = AirbyteWorkspace(
        **either.workspace_config(), request_max_retries=0, max_items_per_page=100
    )
    deployment.tick()
    deployment.wait(10 * MINUTE)
    return deployment


def synced(deployment: Deployment, connection: SimulatedConnection, count: int) -> list[int]:
    ids = []
    for _ in range(count):
        ids.append(deployment.airbyte.run_sync(connection).job_id)
        deployment.wait(timedelta(seconds=2))
    return ids


def failing_ticks(deployment: Deployment, until: Callable[[], bool], most: int = 12) -> int:
    """How many ticks fail until that is so."""
    failed = 0
    for _ in range(most):
        try:
            deployment.tick()
        except TickFailed:
            failed += 1
        deployment.wait(timedelta(seconds=30))
        if until():
            return failed
    raise AssertionError(f"not after {most} ticks, of which {failed} failed")


def test_after_a_page_that_took_airbyte_too_long_fewer_rows_are_asked_for(
    either: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    """A sensor that asked for the same page again and again reported nothing for ever."""
    expected = synced(deployment, shop, 90)
    either.add_fault(Fault.long_lists(30), path="/jobs", times=None)

    failed = failing_ticks(deployment, lambda: deployment.reported("orders") == expected)

    # Of 100 rows, and of 50.
    assert failed == 2
    for _ in range(3):
        deployment.tick()
    assert deployment.reported("orders") == expected


def test_an_answer_that_comes_too_late_is_such_a_page(
    airbyte: AirbyteSimulator, memory: dg.DagsterInstance
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deployed(airbyte, memory)
    deployment.workspace = AirbyteWorkspace(
        **airbyte.workspace_config(),
        request_max_retries=0,
        request_timeout=1,
        max_items_per_page=100,
    )
    deployment.tick()
    deployment.wait(10 * MINUTE)
    expected = synced(deployment, shop, 70)
    airbyte.add_fault(Fault.slow_lists(0.025), path="/jobs/list", times=None)

    failed = failing_ticks(deployment, lambda: deployment.reported("orders") == expected)

    assert failed == 2


def test_an_airbyte_that_is_away_is_asked_for_as_many_rows_as_before(
    either: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    either.add_fault(Fault.status(503), path="/jobs", times=None)
    expected = synced(deployment, shop, 90)
    for _ in range(4):
        with pytest.raises(TickFailed):
            deployment.tick()
    either.clear_faults()

    before = len(either.requests)
    deployment.tick()

    assert deployment.reported("orders") == expected
    lists = [each for each in either.requests[before:] if "/jobs" in each.path]
    # In the public API refreshes are listed by themselves, and a page of tens may be a full one.
    assert len(lists) <= 3


def test_a_job_that_airbyte_cannot_list_hides_no_other(
    either: AirbyteSimulator,
    shop: SimulatedConnection,
    deployment: Deployment,
) -> None:
    """It stopped the sensor: Airbyte answered each page that it was on with 500."""
    before, broken, after = (synced(deployment, shop, count) for count in (3, 1, 3))
    either.add_fault(Fault.broken_jobs(*broken), path="/jobs", times=None)
    expected = before + after

    failing_ticks(deployment, lambda: deployment.reported("orders") == expected)

    assert "1 job unreadable" in (deployment.ticks[-1].summary or "")
    for _ in range(4):
        expected += synced(deployment, shop, 2)
        deployment.tick()
        assert deployment.reported("orders") == expected
        deployment.wait(3 * MINUTE)


def test_nor_does_the_last_job_or_two_in_a_row(
    either: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    before, broken = synced(deployment, shop, 2), synced(deployment, shop, 2)
    either.add_fault(Fault.broken_jobs(*broken), path="/jobs", times=None)

    failing_ticks(deployment, lambda: deployment.reported("orders") == before)

    later = synced(deployment, shop, 2)
    failing_ticks(deployment, lambda: deployment.reported("orders") == before + later)


@pytest.mark.parametrize("failures", [6, 7, 8])
def test_a_job_is_not_lost_as_airbyte_comes_back(
    either: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment, failures: int
) -> None:
    """It answered for what is behind the job just after it had failed at the job itself."""
    expected = synced(deployment, shop, 1)
    deployment.wait(10 * MINUTE)
    expected += synced(deployment, shop, 1)
    either.add_fault(Fault.status(500), path="/jobs", times=failures)

    failing_ticks(deployment, lambda: deployment.reported("orders") == expected)


def test_those_of_the_same_second_are_found(
    either: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    jobs = either.burst(shop, 5, status="succeeded")
    broken = jobs[2].job_id
    either.add_fault(Fault.broken_jobs(broken), path="/jobs", times=None)
    deployment.wait(MINUTE)
    expected = [job.job_id for job in jobs if job.job_id != broken]

    failing_ticks(deployment, lambda: deployment.reported("orders") == expected)
