"""Histories in which the model once found something untold, told twice or out of order.

Each is cut down to what matters and has the name of what must hold.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from helpers.model_runs import SteppedRun
from helpers.model_world import BETWEEN, SENSORS, World

SENSOR = SENSORS[0]
WHILE_STORING = BETWEEN[-1]


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def end(world: World, run: SteppedRun) -> None:
    while not run.is_over:
        run.turn()
        world.airbyte.advance(timedelta(seconds=2))


@pytest.mark.parametrize("told", [0, 1])
@pytest.mark.parametrize("point", BETWEEN)
def test_a_run_that_ends_within_a_tick_has_its_job_told_once(
    world: World, point: str, told: int
) -> None:
    """A tick reads live runs before the event log: what a run tells in between is seen there."""
    shop = world.add_connection(streams=2)
    world.restart_code_server()
    world.airbyte.advance(1)
    world.start_run({shop.connection_id}, cancel_on_termination=False, on_active_sync="fail")
    (run,) = world.runs
    while len(world.truth.tellings) < told or not any(
        job.is_finished for job in world.airbyte.jobs
    ):
        run.turn()
        world.airbyte.advance(timedelta(seconds=2))

    world.tick(SENSOR, meanwhile={point: lambda: end(world, run)})
    world.come_to_rest()

    assert run.is_over
    (job,) = world.airbyte.jobs
    assert [world.truth.told(table) for table in ("c1_a", "c1_b")] == [[job.job_id]] * 2


def test_a_job_told_by_its_run_while_a_tick_stores_older_jobs_is_not_told_again(
    world: World,
) -> None:
    shop = world.add_connection(streams=1)
    world.restart_code_server()
    world.airbyte.advance(1)
    world.start_run({shop.connection_id}, cancel_on_termination=False, on_active_sync="fail")
    (run,) = world.runs
    world.airbyte.run_sync(shop)

    world.tick(SENSOR, meanwhile={WHILE_STORING: lambda: end(world, run)})

    world.come_to_rest()


@pytest.mark.parametrize("hours", [0, 10, -10])
def test_of_two_runs_that_follow_one_sync_one_tells_it_though_airbytes_clock_is_hours_off(
    hours: int,
) -> None:
    with closing(World(clock_is_off=timedelta(hours=hours))) as world:
        shop = world.add_connection(streams=3)
        world.restart_code_server()
        world.airbyte.advance(1)
        for _ in range(2):
            world.start_run(
                {shop.connection_id}, cancel_on_termination=False, on_active_sync="attach"
            )

        world.come_to_rest()

        (job,) = world.airbyte.jobs
        assert [world.truth.told(f"c1_{stream}") for stream in "abc"] == [[job.job_id]] * 3


def test_a_job_that_came_out_of_a_sensors_reach_is_told_by_another_and_once(world: World) -> None:
    """The first sensor has read beyond it, and more than the overlap, when it can be seen."""
    shop = world.add_connection(streams=1)
    other = world.add_connection(streams=1)
    world.restart_code_server()
    world.airbyte.advance(1)
    late = world.airbyte.run_sync(shop)
    world.airbyte.commit_late(late, by=timedelta(minutes=9))
    world.airbyte.advance(timedelta(minutes=7))
    world.airbyte.run_sync(other)
    world.tick(SENSOR)
    world.airbyte.advance(timedelta(minutes=3))
    newer = world.airbyte.run_sync(shop)

    world.tick(SENSOR)
    assert world.truth.told("c1_a") == [newer.job_id]
    world.come_to_rest()

    assert world.truth.told("c1_a") == [newer.job_id, late.job_id]
