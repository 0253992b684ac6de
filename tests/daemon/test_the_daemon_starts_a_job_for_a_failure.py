"""Dagster's own daemon, with the sensor that starts a job for each sync that fails."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync import ProblemKind, SyncProblem
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, SimulatedConnection
from helpers.daemon_over import daemon_over
from helpers.dagster_private import SensorDaemon, TickStatus
from helpers.waiting import wait_until

LOCATION = Path(__file__).parent / "failing_location.py"
REASON = "Could not connect: timed out"


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop")


@pytest.fixture
def daemon(
    airbyte: AirbyteSimulator,
    instance: dg.DagsterInstance,
    tmp_path: Path,
) -> Iterator[SensorDaemon]:
    with daemon_over(LOCATION, airbyte, instance, tmp_path) as daemon:
        yield daemon


def fail(airbyte: AirbyteSimulator, connection: SimulatedConnection) -> int:
    return airbyte.fail(airbyte.start_sync(connection), reason=REASON).job_id


def settle(daemon: SensorDaemon) -> None:
    """Iterate until a new tick, and one after it, have nothing to do."""

    before = len(daemon.ticks())

    def is_at_rest() -> bool:
        daemon.iterate()
        ticks = daemon.ticks()
        is_idle = all(tick.status is TickStatus.SKIPPED for tick in ticks[:2])
        return is_idle and len(ticks) >= before + 2

    wait_until(is_at_rest, "a sensor at rest")


def problems(instance: dg.DagsterInstance) -> list[SyncProblem]:
    return [SyncProblem.from_run_tags(run.tags) for run in instance.get_runs()]


@pytest.mark.parametrize("airbyte", ["configuration", "public"], indirect=True)
def test_a_failed_sync_is_one_run_with_tags_that_say_what_failed(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    daemon: SensorDaemon,
    instance: dg.DagsterInstance,
) -> None:
    daemon.iterate()
    job_id = fail(airbyte, shop)
    daemon.wait_for_interval()
    assert daemon.iterate().status is TickStatus.SUCCESS
    settle(daemon)

    (run,) = instance.get_runs()
    problem = SyncProblem.from_run_tags(run.tags)
    assert run.job_name == "notify"
    assert problem.kind is ProblemKind.FAILED
    assert (problem.connection_name, problem.job_id) == ("shop", job_id)
    # The public API gives none.
    assert problem.reason in (REASON, "Airbyte gave no reason")
    assert run.tags["dagster-airbyte/job_id"] == str(job_id)
    assert run.tags["dagster-airbyte/connection_id"] == shop.connection_id


def test_an_idle_tick_shows_what_was_read(daemon: SensorDaemon) -> None:
    tick = daemon.iterate()
    assert tick.status is TickStatus.SKIPPED
    assert (tick.skip_reason or "").startswith("Nothing to start a run for. Read up to 2")


@pytest.mark.parametrize("writes", range(2))
def test_a_daemon_that_dies_before_the_cursor_is_written_starts_no_run_twice(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    daemon: SensorDaemon,
    instance: dg.DagsterInstance,
    writes: int,
) -> None:
    job_id = fail(airbyte, shop)
    daemon.die_after_writes(writes)
    settle(daemon)
    assert [each.job_id for each in problems(instance)] == [job_id]


def test_a_cursor_that_was_reset_starts_no_run_twice(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    daemon: SensorDaemon,
    instance: dg.DagsterInstance,
) -> None:
    job_id = fail(airbyte, shop)
    settle(daemon)
    daemon.forget_cursor()
    settle(daemon)
    assert [each.job_id for each in problems(instance)] == [job_id]


def test_a_backlog_of_300_failures_is_one_run(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    daemon: SensorDaemon,
    instance: dg.DagsterInstance,
) -> None:
    jobs = airbyte.burst(shop, 300, apart=1)
    settle(daemon)
    (problem,) = problems(instance)
    assert (problem.job_id, problem.others) == (jobs[-1].job_id, 299)


def test_an_airbyte_that_is_down_is_a_failed_tick_and_then_forgotten(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    daemon: SensorDaemon,
    instance: dg.DagsterInstance,
) -> None:
    daemon.iterate()
    job_id = fail(airbyte, shop)
    airbyte.add_fault(Fault.drop(), times=None)
    daemon.wait_for_interval()
    tick = daemon.iterate()
    assert tick.status is TickStatus.FAILURE
    assert "is Airbyte running" in str(tick.error)
    assert tick.error is not None
    assert (tick.error.cause, tick.error.context) == (None, None)
    assert len(tick.error.to_string().splitlines()) < 25
    airbyte.clear_faults()
    settle(daemon)
    assert [each.job_id for each in problems(instance)] == [job_id]
