"""Histories in which something was once unreported, reported twice or out of order.

The model found most of them, readers of the code the others. Each is cut down to what matters and
has the name of what must hold.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta

import dagster as dg
import pytest

from helpers.model_runs import SteppedRun
from helpers.model_world import BETWEEN, SENSORS, Kind, World

SENSOR = SENSORS[0]
WHILE_STORING = BETWEEN[-1]


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def tick_for_minutes(world: World, minutes: int) -> None:
    for _ in range(minutes):
        world.tick(SENSOR)
        world.airbyte.advance(timedelta(minutes=1))


def end(world: World, run: SteppedRun) -> None:
    while not run.is_over:
        run.turn()
        world.airbyte.advance(timedelta(seconds=2))


@pytest.mark.parametrize("reported", [0, 1])
@pytest.mark.parametrize("point", BETWEEN)
def test_a_run_that_ends_within_a_tick_has_its_job_reported_once(
    world: World, point: str, reported: int
) -> None:
    """A tick reads live runs before the event log: what a run reports in between is seen there."""
    shop = world.add_connection(streams=2)
    world.restart_code_server()
    world.airbyte.advance(1)
    world.start_run({shop.connection_id}, cancel_on_termination=False, on_active_sync="fail")
    (run,) = world.runs
    while len(world.truth.reports) < reported or not any(
        job.is_finished for job in world.airbyte.jobs
    ):
        run.turn()
        world.airbyte.advance(timedelta(seconds=2))

    world.tick(SENSOR, meanwhile={point: lambda: end(world, run)})
    world.come_to_rest()

    assert run.is_over
    (job,) = world.airbyte.jobs
    assert [world.truth.reported(table) for table in ("c1_a", "c1_b")] == [[job.job_id]] * 2


def test_a_verdict_is_not_given_twice_though_its_connection_has_more_streams_by_then() -> None:
    """Where jobs have no rows of streams, those of the only stream are those of the job."""
    world = World(Kind(version="2.1.0", configuration_api=False, checks=True))
    with closing(world):
        shop = world.add_connection(streams=1)
        world.restart_code_server()
        world.airbyte.advance(1)
        world.airbyte.run_sync(shop)
        world.tick(SENSOR, stored=2, noted=False)
        assert not world.truth.reported("c1_a")
        world.change_streams(shop, 2)

        world.come_to_rest()

        assert len(world.truth.reported("c1_a")) == 1


def test_a_job_reported_by_its_run_while_a_tick_stores_older_jobs_is_not_reported_again(
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
def test_of_two_runs_that_follow_one_sync_one_reports_it_though_airbytes_clock_is_hours_off(
    hours: int,
) -> None:
    with closing(World(Kind(clock_is_off=timedelta(hours=hours)))) as world:
        shop = world.add_connection(streams=3)
        world.restart_code_server()
        world.airbyte.advance(1)
        for _ in range(2):
            world.start_run(
                {shop.connection_id}, cancel_on_termination=False, on_active_sync="attach"
            )

        world.come_to_rest()

        (job,) = world.airbyte.jobs
        assert [world.truth.reported(f"c1_{stream}") for stream in "abc"] == [[job.job_id]] * 3


def test_a_job_that_came_out_of_a_sensors_reach_is_reported_by_another_and_once(
    world: World,
) -> None:
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
    assert world.truth.reported("c1_a") == [newer.job_id]
    world.come_to_rest()

    assert world.truth.reported("c1_a") == [newer.job_id, late.job_id]


@pytest.mark.parametrize("others", [0, 1, 20])
def test_of_two_runs_that_follow_one_sync_one_reports_it_though_others_observe_the_table(
    others: int,
) -> None:
    """What is observed without a time of Airbyte's, which is hours ahead, hides nothing older."""
    with closing(World(Kind(clock_is_off=timedelta(hours=10)))) as world:
        shop = world.add_connection(streams=3)
        world.restart_code_server()
        world.airbyte.advance(1)
        for _ in range(2):
            world.start_run(
                {shop.connection_id}, cancel_on_termination=False, on_active_sync="attach"
            )
        first, second = world.runs
        while not observations(world, "c1_a"):
            first.turn()
        while len(observations(world, "c1_a")) < 2:
            second.turn()
        for _ in range(others):
            world.instance.report_runless_asset_event(dg.AssetObservation(asset_key="c1_a"))

        world.come_to_rest()

        (job,) = world.airbyte.jobs
        assert [world.truth.reported(f"c1_{stream}") for stream in "abc"] == [[job.job_id]] * 3


def observations(world: World, table: str) -> Sequence[dg.EventLogRecord]:
    return world.instance.fetch_observations(dg.AssetKey(table), limit=100).records


def test_what_is_new_in_a_job_that_waited_behind_another_takes_no_table_from_the_rest(
    world: World,
) -> None:
    """The catalog is then read again in the midst of the tick."""
    shop, crm = world.add_connection(streams=1), world.add_connection(streams=1)
    world.restart_code_server()
    world.airbyte.advance(1)
    world.tick(SENSOR)
    world.start_run({crm.connection_id}, cancel_on_termination=False, on_active_sync="fail")
    (run,) = world.runs
    while not any(job.is_finished for job in world.airbyte.jobs):
        run.turn()
        world.airbyte.advance(2)
    world.tick(SENSOR)
    run.die()

    between = world.airbyte.run_sync(shop)
    world.airbyte.advance(5)
    world.airbyte.update_connection(crm, streams=["c2_a", "c2_b"])
    world.airbyte.run_sync(crm)
    world.tick(SENSOR)

    assert world.truth.reported("c1_a") == [between.job_id]
    world.come_to_rest()


def test_nor_does_the_reading_again_for_a_deleted_connection_that_waited(world: World) -> None:
    shop, crm = world.add_connection(streams=1), world.add_connection(streams=1)
    world.restart_code_server()
    world.airbyte.advance(1)
    world.tick(SENSOR)
    world.broken |= {shop.connection_id, crm.connection_id}
    jobs = []
    for connection in (shop, crm):
        jobs.append(world.airbyte.run_sync(connection))
        world.airbyte.advance(5)
    world.tick(SENSOR)
    world.airbyte.delete_connection(crm)
    world.catalog_grows_old()
    world.broken.clear()
    tick_for_minutes(world, 12)

    assert [world.truth.reported("c1_a"), world.truth.reported("c2_a")] == [
        [job.job_id] for job in jobs
    ]


def test_what_waits_is_reported_though_airbyte_forgot_the_first_of_it(world: World) -> None:
    """Airbyte cleans up its history every night; a selector can be broken for longer."""
    shop, crm = world.add_connection(streams=1), world.add_connection(streams=1)
    world.restart_code_server()
    world.airbyte.advance(1)
    world.tick(SENSOR)
    world.broken.add(shop.connection_id)
    world.airbyte.run_sync(shop)
    tick_for_minutes(world, 30)
    kept = world.airbyte.run_sync(shop)
    world.airbyte.advance(timedelta(minutes=12))
    reported = world.airbyte.run_sync(crm)
    tick_for_minutes(world, 1)
    world.airbyte.prune(timedelta(minutes=20))
    world.broken.clear()
    tick_for_minutes(world, 12)

    assert world.airbyte.jobs == [kept, reported]
    assert world.truth.reported("c1_a") == [kept.job_id]
    assert world.truth.reported("c2_a") == [reported.job_id]
