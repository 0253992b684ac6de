"""A thousand failures of the past are not a thousand messages."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from dagster_airbyte_sync import OnFailure
from dagster_airbyte_sync.resources import Job, TimeBudget
from dagster_airbyte_sync.sensors.failures import failure_tick, held, starting
from dagster_airbyte_sync.sensors.reading.scan import HistoryScan, Scan
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.watched import Watched, notify

Watch = Callable[..., Watched]
MINUTE = timedelta(minutes=1)


def test_a_backlog_of_300_failures_is_one_run(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    sensor = watch()
    sensor.tick()
    jobs = airbyte.burst(shop, 300, apart=1)
    sensor.tick()
    (problem,) = sensor.problems
    assert (problem.job_id, problem.others) == (jobs[-1].job_id, 299)


def test_each_connection_has_a_run_of_its_own(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, crm: SimulatedConnection, watch: Watch
) -> None:
    sensor = watch()
    sensor.tick()
    airbyte.burst(shop, 7, apart=1)
    airbyte.burst(crm, 3, apart=1)
    sensor.tick()
    assert {each.connection_name: each.others for each in sensor.problems} == {"shop": 6, "crm": 2}


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick has time for twenty failures that it has not read before."""

    class SlowScan(HistoryScan):
        def go_on(self, weight: Callable[[Job], int], enough: int) -> Scan:
            return super().go_on(lambda job: 1, 20)

    monkeypatch.setattr(failure_tick, "HistoryScan", SlowScan)


def tick_until_read(sensor: Watched) -> list[int]:
    """How many runs each tick asked for, until one read history to its end."""
    asked: list[int] = []
    while "More to read" in (sensor.tick().summary or "") or not asked:
        asked.append(len(sensor.watching.ticks[-1].requests))
        assert len(asked) < 100
    return [*asked, len(sensor.watching.ticks[-1].requests)]


@pytest.mark.usefixtures("slow")
def test_a_backlog_that_takes_many_ticks_is_one_run_when_it_is_read(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    sensor = watch()
    sensor.tick()
    jobs = airbyte.burst(shop, 90, apart=1)

    asked = tick_until_read(sensor)

    assert asked == [0, 0, 0, 0, 1]
    (problem,) = sensor.problems
    assert (problem.job_id, problem.others) == (jobs[-1].job_id, 89)
    assert problem.reason == "Something went wrong in the connector"
    assert problem.ended_at == jobs[-1].updated_at.replace(microsecond=0)


@pytest.mark.usefixtures("slow")
def test_what_is_held_is_started_after_ten_minutes_whatever_is_still_to_be_read(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    sensor = watch()
    sensor.tick()
    jobs = airbyte.burst(shop, 200, apart=1)
    asked = []
    for _ in range(8):
        asked.append(len(sensor.tick().requests))
        sensor.wait(3 * MINUTE)
    assert asked == [0, 0, 0, 0, 1, 0, 0, 0]
    (problem,) = sensor.problems
    assert (problem.job_id, problem.others) == (jobs[99].job_id, 99)


@pytest.mark.usefixtures("slow")
def test_what_no_later_tick_reads_again_is_not_forgotten(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, crm: SimulatedConnection, watch: Watch
) -> None:
    """Nothing but the cursor knows of the first failures when history is read to its end."""
    sensor = watch()
    sensor.tick()
    failed = airbyte.burst(shop, 10, apart=1, at=airbyte.now - MINUTE)
    airbyte.burst(crm, 25, apart=1)

    assert tick_until_read(sensor) == [0, 2]

    first, _ = sensor.problems
    assert (first.job_id, first.others) == (failed[-1].job_id, 9)


def test_more_runs_than_dagster_makes_in_a_tick_follow_at_the_next_ones(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(starting, "MOST_RUNS", 4)
    sensor = watch()
    names = [f"c{n}" for n in range(9)]
    for name in names:
        airbyte.fail(airbyte.start_sync(airbyte.add_connection(name, [name])))
    assert [len(sensor.tick().requests) for _ in range(4)] == [4, 4, 1, 0]
    assert sorted(each.connection_name for each in sensor.problems) == names
    assert {each.others for each in sensor.problems} == {0}


def test_more_connections_than_a_cursor_can_hold_are_left_in_the_history(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(held, "MOST_HELD", 4)
    sensor = watch()
    names = [f"c{n}" for n in range(9)]
    for name in names:
        airbyte.fail(airbyte.start_sync(airbyte.add_connection(name, [name])))
        airbyte.advance(1)
    assert [len(sensor.tick().requests) for _ in range(4)] == [4, 4, 1, 0]
    assert [each.connection_name for each in sensor.problems] == names


def test_a_function_that_takes_all_the_time_has_the_rest_at_the_next_ticks(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    crm: SimulatedConnection,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    # The function takes a minute each time, by the clock of the budget.
    budget = partial(TimeBudget, clock=lambda: 60.0 * len(asked))
    monkeypatch.setattr(failure_tick, "TimeBudget", budget)
    sensor = watch(OnFailure(lambda problem: asked.append(problem.connection_name), jobs=[notify]))
    for connection in (shop, crm):
        airbyte.fail(airbyte.start_sync(connection))
        airbyte.advance(1)
    assert "1 more waits for a later tick" in (sensor.tick().summary or "")
    sensor.tick()
    assert asked == ["shop", "crm"]
