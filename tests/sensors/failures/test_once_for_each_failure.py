"""Each failure starts one run, whatever happens to sensor and cursor."""

from collections.abc import Callable
from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import OnFailure
from dagster_airbyte_sync.sensors.failures.failure_cursor import read_failure_cursor
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.deployment import version_of
from helpers.watched import Watched, notify, watched

Watch = Callable[..., Watched]


def fail(airbyte: AirbyteSimulator, connection: SimulatedConnection) -> int:
    return airbyte.fail(airbyte.start_sync(connection)).job_id


def jobs_of(sensor: Watched) -> list[int | None]:
    return [each.job_id for each in sensor.problems]


def test_later_ticks_ask_for_nothing(
    either: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    shop = either.add_connection("shop")
    sensor = watched(either, instance)
    job_id = fail(either, shop)
    sensor.tick()
    for _ in range(4):
        sensor.wait(timedelta(minutes=2))
        assert not sensor.tick().requests
    assert jobs_of(sensor) == [job_id]


def test_its_run_key_names_workspace_kind_job_and_creation(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    sensor = watch()
    job = airbyte.fail(airbyte.start_sync(shop))
    (request,) = sensor.tick().requests
    assert request.run_key == f"airbyte:{airbyte.workspace_id}:failed:{version_of(job)}"


@pytest.mark.parametrize("cursor", [None, "no cursor", '{"v":1,"history":{"v":4}}'])
def test_a_lost_cursor_repeats_nothing(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch, cursor: str | None
) -> None:
    sensor = watch()
    sensor.tick()
    jobs = []
    for _ in range(3):
        jobs.append(fail(airbyte, shop))
        sensor.tick()
        sensor.wait(timedelta(minutes=1))
    sensor.watching.cursor = cursor
    sensor.tick()
    assert jobs_of(sensor) == jobs


def test_a_tick_that_died_before_its_cursor_repeats_nothing(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    sensor = watch()
    sensor.tick()
    before = sensor.watching.cursor
    job_id = fail(airbyte, shop)
    sensor.tick()
    sensor.watching.cursor = before
    sensor.tick()
    assert jobs_of(sensor) == [job_id]


def test_a_restored_airbyte_gives_a_number_again_and_both_failures_count(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    sensor = watch()
    backup = airbyte.now
    airbyte.advance(5)
    first = fail(airbyte, shop)
    sensor.tick()
    airbyte.advance(60)
    airbyte.restore(to=backup)
    second = fail(airbyte, shop)
    sensor.tick()
    assert first == second
    assert jobs_of(sensor) == [first, second]


def test_a_job_that_appears_late_is_not_missed(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, crm: SimulatedConnection, watch: Watch
) -> None:
    sensor = watch()
    sensor.tick()
    late = airbyte.fail(airbyte.start_sync(shop))
    airbyte.commit_late(late, by=60)
    other = fail(airbyte, crm)
    sensor.tick()
    assert jobs_of(sensor) == [other]
    sensor.wait(timedelta(seconds=61))
    sensor.tick()
    assert jobs_of(sensor) == [other, late.job_id]


def test_a_clock_that_was_set_back_hides_no_failure_and_repeats_none(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    sensor = watch()
    sensor.tick()
    first = fail(airbyte, shop)
    sensor.tick()
    airbyte.set_clock(airbyte.now - timedelta(hours=1))
    second = fail(airbyte, shop)
    for _ in range(3):
        sensor.tick()
        sensor.wait(timedelta(minutes=2))
    assert jobs_of(sensor) == [first, second]


def test_after_a_clock_was_set_back_a_failure_that_is_read_again_does_not_hide_a_newer_one(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    """The cursor has forgotten the first, which ended later by the clock of its time."""
    sensor = watch()
    first = fail(airbyte, shop)
    sensor.tick()
    sensor.wait_with_ticks(timedelta(minutes=20), every=timedelta(minutes=5))
    airbyte.set_clock(airbyte.now - timedelta(hours=1))
    second = fail(airbyte, shop)
    sensor.wait_with_ticks(timedelta(minutes=70), every=timedelta(minutes=10))
    assert jobs_of(sensor) == [first, second]


def test_of_failures_within_one_second_the_newest_counts(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    sensor = watch()
    jobs = airbyte.burst(shop, 5)
    sensor.tick()
    assert jobs_of(sensor) == [jobs[-1].job_id]


def test_what_went_well_takes_no_room_in_the_cursor(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    """A cursor names thousands of jobs at most: failures must not make way for what went well."""
    sensor = watch()
    airbyte.burst(shop, 500, status="succeeded", apart=0.1)
    failed = airbyte.fail(airbyte.start_sync(shop))
    sensor.tick()
    cursor = read_failure_cursor(sensor.watching.cursor or "", airbyte.workspace_id)
    assert [number for number, _ in cursor.history.done] == [failed.job_id]
    assert not sensor.tick().requests


def test_a_connection_that_failed_and_was_cancelled_starts_a_run_for_each(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    sensor = watch(OnFailure(notify))
    fail(airbyte, shop)
    airbyte.cancel(airbyte.start_sync(shop))
    sensor.tick()
    assert {each.kind for each in sensor.problems} == {"failed", "cancelled"}
