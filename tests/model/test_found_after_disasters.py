"""Histories with clocks that were set, restores, and daemons that died twice, in which something
was once lost or reported twice. The model found them; each is cut down to what matters."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta

import dagster as dg
import pytest

from helpers.model_jobs import identity
from helpers.model_world import SENSORS, Kind, World

SENSOR, OTHER_SENSOR = SENSORS
HOUR = timedelta(hours=1)


@pytest.fixture
def world() -> Iterator[World]:
    with closing(World()) as world:
        yield world


@pytest.fixture
def short_sighted_world() -> Iterator[World]:
    with closing(World(Kind(look_back=timedelta(minutes=10)))) as world:
        yield world


@pytest.fixture
def world_without_streams() -> Iterator[World]:
    with closing(World(Kind(configuration_api=False))) as world:
        yield world


def test_what_was_reported_before_the_clock_was_set_back_is_not_reported_again_to_any_table(
    world: World,
) -> None:
    """The newer job then has the higher number and the earlier times."""
    shop = world.add_connection(streams=3)
    world.restart_code_server()
    world.set_clock(HOUR)
    first = world.airbyte.run_sync(shop)
    world.tick(SENSOR)
    world.set_clock(-HOUR)
    world.airbyte.advance(60)
    second = world.airbyte.run_sync(shop)
    # The first tick by the right clock sees that it was set back, the second reads again.
    for _ in range(2):
        world.tick(SENSOR)
    world.cursors[SENSOR] = None

    world.come_to_rest()

    reported = [first.job_id, second.job_id]
    assert [world.truth.reported(f"c1_{stream}") for stream in "abc"] == [reported] * 3


def test_nor_if_another_table_was_not_reported(world_without_streams: World) -> None:
    """Where Airbyte does not say which streams a job had, a new one counts for the older jobs."""
    world = world_without_streams
    shop = world.add_connection(streams=1)
    world.airbyte.update_connection(shop, streams=["c1_b"])
    world.restart_code_server()
    world.set_clock(HOUR)
    first = world.airbyte.run_sync(shop)
    world.tick(SENSOR)
    world.set_clock(-HOUR)
    world.airbyte.advance(60)
    second = world.airbyte.run_sync(shop)
    for _ in range(2):
        world.tick(SENSOR)
    world.airbyte.update_connection(shop, streams=["c1_a", "c1_b"])
    world.restart_code_server()
    world.cursors[SENSOR] = None

    world.come_to_rest()

    assert world.truth.reported("c1_b") == [first.job_id, second.job_id]


def test_two_daemons_that_die_one_after_the_other_leave_nothing_that_is_reported_again(
    world: World,
) -> None:
    """Each leaves an event that is stored but not noted as the last of its table."""
    shop = world.add_connection(streams=3)
    world.restart_code_server()
    world.airbyte.advance(1)
    job = world.airbyte.run_sync(shop)
    world.tick(SENSOR, stored=1, noted=False)
    world.tick(OTHER_SENSOR, stored=1, noted=False)

    world.come_to_rest()

    assert [world.truth.reported(f"c1_{stream}") for stream in "abc"] == [[job.job_id]] * 3


@pytest.mark.parametrize("how", ["deleted", "broken"])
def test_a_sensor_without_a_cursor_goes_back_to_the_last_report_of_a_connection_that_is(
    short_sighted_world: World, how: str
) -> None:
    world = short_sighted_world
    shop = world.add_connection(streams=2)
    world.restart_code_server()
    world.airbyte.advance(1)
    reported = world.airbyte.run_sync(shop)
    world.tick(SENSOR)
    unreported = world.airbyte.run_sync(shop)
    if how == "deleted":
        world.airbyte.delete_connection(shop)
    else:
        world.broken.add(shop.connection_id)
    world.airbyte.advance(3 * HOUR)
    for sensor in SENSORS:
        world.cursors[sensor] = None
        world.tick(sensor)

    world.come_to_rest()

    assert (
        world.truth.reported("c1_a")
        == world.truth.reported("c1_b")
        == [reported.job_id, unreported.job_id]
    )


def test_and_to_the_last_run_that_materialized_its_tables_without_naming_a_job(
    short_sighted_world: World,
) -> None:
    world = short_sighted_world
    shop = world.add_connection(streams=2)
    world.restart_code_server()
    world.airbyte.advance(1)
    world.start_unnamed_run({shop.connection_id})
    (run,) = world.runs
    while run.is_live:
        run.turn()
        world.airbyte.advance(2)
    world.airbyte.advance(60)
    unreported = world.airbyte.run_sync(shop)
    world.airbyte.advance(3 * HOUR)

    world.come_to_rest()

    assert (
        world.truth.reported("c1_a")[1:] == world.truth.reported("c1_b")[1:] == [unreported.job_id]
    )


def test_and_to_a_last_report_that_a_clock_says_is_still_to_come(
    short_sighted_world: World,
) -> None:
    """It was ahead when the job ended."""
    world = short_sighted_world
    shop = world.add_connection(streams=1)
    world.restart_code_server()
    world.set_clock(3 * HOUR)
    reported = world.airbyte.run_sync(shop)
    world.tick(SENSOR)
    world.set_clock(-3 * HOUR)
    world.airbyte.advance(60)
    unreported = world.airbyte.run_sync(shop)
    world.airbyte.advance(HOUR / 2)
    world.cursors[SENSOR] = None

    world.come_to_rest()

    assert world.truth.reported("c1_a") == [reported.job_id, unreported.job_id]


def test_a_clear_during_a_run_that_names_no_job_is_not_what_it_reported(world: World) -> None:
    shop = world.add_connection(streams=2)
    world.restart_code_server()
    world.airbyte.advance(1)
    world.start_unnamed_run({shop.connection_id})
    (run,) = world.runs
    while not any(job.is_finished for job in world.airbyte.jobs):
        run.turn()
        world.airbyte.advance(2)
    world.airbyte.run_clear(shop)
    world.airbyte.advance(1)

    world.come_to_rest()

    (sync, _) = world.airbyte.jobs
    assert [world.truth.reported(f"c1_{stream}") for stream in "ab"] == [[sync.job_id]] * 2


@pytest.mark.parametrize("stored", range(5))
def test_a_clear_is_shown_once_wherever_the_daemon_dies(stored: int) -> None:
    """Each table gets a check and then an observation: the judge takes neither twice."""
    with closing(World(Kind(checks=True))) as world:
        shop = world.add_connection(streams=2)
        world.restart_code_server()
        world.airbyte.advance(1)
        clear = world.airbyte.run_clear(shop)
        world.tick(SENSOR, stored=stored)

        world.come_to_rest()

        assert world.truth.noted["observation", "c1_b"] == [identity(clear)]
        assert world.truth.noted["airbyte_sync", "c1_b"] == [identity(clear)]


def test_a_failure_before_a_run_that_names_no_job_is_not_shown_as_the_state_of_today() -> None:
    with closing(World(Kind(checks=True))) as world:
        shop = world.add_connection(streams=2)
        world.restart_code_server()
        world.airbyte.advance(1)
        failed = world.airbyte.fail(world.airbyte.start_sync(shop))
        world.airbyte.advance(60)
        world.start_unnamed_run({shop.connection_id})

        world.come_to_rest()

        evaluated = [
            which for table in "ab" for which in world.truth.noted["airbyte_sync", f"c1_{table}"]
        ]
        assert identity(failed) not in evaluated


def test_a_run_that_hung_in_the_midst_of_its_report_repeats_nothing_of_the_sensors(
    world: World,
) -> None:
    """The sensor waits for it, but not for ever."""
    shop = world.add_connection(streams=3)
    world.restart_code_server()
    world.airbyte.advance(1)
    world.start_run({shop.connection_id}, cancel_on_termination=True, on_active_sync="fail")
    (run,) = world.runs
    world.go_on_to_next_event(run, 0)
    world.tick(SENSOR)
    world.airbyte.advance(2 * HOUR)
    world.tick(SENSOR)
    assert len(world.truth.reports) == 3

    world.come_to_rest()

    assert len(world.truth.reports) == 3


@pytest.mark.parametrize("new_owner", [0, 1])
def test_a_run_reports_no_other_job_that_got_the_number_of_its_own(
    world_without_streams: World, new_owner: int
) -> None:
    """Airbyte was restored to a time before the run's sync: its number comes again."""
    world = world_without_streams
    connections = [world.add_connection(streams=1) for _ in range(2)]
    world.restart_code_server()
    world.airbyte.advance(100)
    world.start_run(
        {connections[0].connection_id}, cancel_on_termination=True, on_active_sync="fail"
    )
    (run,) = world.runs
    while not observations(world, "c1_a"):
        run.turn()
    (lost,) = world.airbyte.jobs
    world.restore(timedelta(seconds=50), fail_unfinished=True)
    job = world.airbyte.run_sync(connections[new_owner])
    assert job.job_id == lost.job_id

    while run.is_live:
        run.turn()
        world.airbyte.advance(2)
    assert world.truth.reports == []
    world.come_to_rest()

    assert world.truth.reported(f"c{new_owner + 1}_a") == [job.job_id]


def observations(world: World, table: str) -> Sequence[dg.EventLogRecord]:
    return world.instance.fetch_observations(dg.AssetKey(table), limit=100).records
