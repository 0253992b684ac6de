"""With `max_running`, no more syncs run than that, and the rest start as room comes."""

from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteWorkspace,
    build_airbyte_start_job,
    build_airbyte_sync_schedule,
    build_schedules_from_airbyte,
)
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.deployment import deployed
from helpers.queued import Queued, queued
from helpers.start_jobs import failure_of, lines, shown

ALL = ["a", "b", "c", "d", "e"]


def workspace_of(airbyte: AirbyteSimulator) -> AirbyteWorkspace:
    return AirbyteWorkspace(**airbyte.workspace_config(), request_retry_delay=0.01)


def id_of(queue: Queued, name: str) -> str:
    return queue.airbyte.connection(name).connection_id


def test_a_run_starts_nothing_and_writes_down_what_waits(queue: Queued) -> None:
    result = queue.run()

    assert result.success
    assert not queue.airbyte.jobs
    assert queue.written_down(result.run_id) == ALL


def test_as_many_start_as_there_is_room_for_and_then_the_rest(queue: Queued) -> None:
    queue.run()

    queue.go_on()
    assert sorted(queue.running()) == ["a", "b"]
    queue.go_on()
    assert sorted(queue.running()) == ["a", "b"]
    queue.finish("b")
    queue.go_on()
    assert sorted(queue.running()) == ["a", "c"]
    queue.finish("a", "c")
    queue.go_on()
    assert sorted(queue.running()) == ["d", "e"]
    queue.finish("d", "e")
    tick = queue.go_on()

    assert sorted(queue.started()) == ALL
    assert tick.summary == "No sync waits for a place."


def test_a_tick_asks_airbyte_nothing_while_nothing_waits(queue: Queued) -> None:
    assert queue.tick().sent == 0
    queue.run()
    assert queue.go_on().sent > 0
    for _ in range(2):
        queue.finish(*ALL)
        queue.go_on()
    assert queue.tick().sent == 0


def test_a_tick_asks_for_one_run_and_counts_with_one_request(queue: Queued) -> None:
    queue.run()
    queue.tick()  # The first one asks for a token, too.
    queue.requested.clear()
    tick = queue.tick()

    assert [
        len(each.run_config["ops"]["start_airbyte_syncs_op"]["config"]["connections"])
        for each in tick.requests
    ] == [2]
    assert tick.sent == 1


def test_what_others_have_started_takes_places_too(queue: Queued) -> None:
    queue.airbyte.start_sync(queue.airbyte.connection("e"))
    queue.run(config={"connections": [id_of(queue, name) for name in "abc"]})

    queue.go_on()

    assert sorted(queue.running()) == ["a", "e"]


def test_what_is_about_to_start_has_its_place(queue: Queued) -> None:
    """Its run was asked for, and its process is starting."""
    queue.run()
    queue.tick()
    (request,) = queue.requested
    queue.keep(request)

    tick = queue.tick()

    assert not tick.requests
    assert tick.summary is not None
    assert "2 about to start; 3 wait: 'c', 'd' and 'e'" in tick.summary


def test_it_has_one_place_while_airbyte_lists_it_and_its_run_goes_on(queue: Queued) -> None:
    queue.run()
    queue.tick()
    (request,) = queue.requested
    queue.keep(request)
    queue.airbyte.start_sync(queue.airbyte.connection("a"))
    queue.finish("a")
    queue.airbyte.start_sync(queue.airbyte.connection("b"))

    assert not queue.tick().requests


def test_the_oldest_start_first_whatever_run_wrote_them_down(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    other = build_airbyte_start_job(
        workspace=workspace_of(airbyte),
        name="other",
        connection_selector_fn=lambda each: each.name in "de",
        max_running=1,
    )
    queue = queued(airbyte, instance, other, max_running=1)
    queue.run(config={"connections": [id_of(queue, "c")]})
    queue.run("other")
    queue.run(config={"connections": [id_of(queue, "a")]})

    for _ in range(4):
        queue.go_on()
        queue.finish(*ALL)

    assert queue.started() == ["c", "d", "e", "a"]


def test_each_starts_by_its_own_number_of_places(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    urgent = build_airbyte_start_job(
        workspace=workspace_of(airbyte), name="urgent", assets=["e_rows"], max_running=3
    )
    queue = queued(airbyte, instance, urgent, max_running=2)
    queue.run(config={"connections": [id_of(queue, name) for name in "abc"]})
    queue.run("urgent")

    queue.go_on()
    queue.go_on()

    assert sorted(queue.running()) == ["a", "b", "e"]


def test_a_number_that_was_changed_counts_for_what_waits_already(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    queued(airbyte, instance, max_running=1).run()
    later = queued(airbyte, instance, max_running=3)

    later.go_on()

    assert len(later.running()) == 3


def test_one_that_waits_already_is_not_written_down_again(queue: Queued) -> None:
    first = queue.run(config={"connections": [id_of(queue, "a")]})
    second = queue.run()

    said = lines(queue.instance, second.run_id)
    assert queue.written_down(second.run_id) == ["b", "c", "d", "e"]
    assert f"Skipped 'a' ({id_of(queue, 'a')}): it already waits for one of 2 places" in said
    assert f"in run {first.run_id}" in said


def test_nor_one_that_is_about_to_start(queue: Queued) -> None:
    queue.run(config={"connections": [id_of(queue, "a")]})
    queue.tick()
    run = queue.keep(queue.requested[0])

    second = queue.run()

    assert queue.written_down(second.run_id) == ["b", "c", "d", "e"]
    assert f"run {run.run_id} is about to start it" in lines(queue.instance, second.run_id)


def test_two_runs_that_write_the_same_down_at_once_start_it_once(
    queue: Queued, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.run()
    with monkeypatch.context() as patch:
        patch.setattr("dagster_airbyte_sync.assets.queue.places.waits_of", lambda *_: [])
        assert queue.written_down(queue.run().run_id) == ALL
    for _ in range(6):
        queue.go_on()
        queue.finish(*ALL)

    assert sorted(queue.started()) == ALL


def test_one_that_was_written_down_while_it_was_about_to_start_starts_once(
    queue: Queued, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second run had looked before the first start was asked for."""
    queue.run()
    queue.tick()
    with monkeypatch.context() as patch:
        patch.setattr("dagster_airbyte_sync.assets.queue.places.waits_of", lambda *_: [])
        patch.setattr("dagster_airbyte_sync.assets.queue.places.read_starts", lambda *_: [])
        queue.run()
    run = queue.keep(queue.requested.pop())
    queue.claim(run, "a", "b")
    for _ in range(5):
        queue.go_on()
        queue.finish(*ALL)

    assert sorted(queue.started()) == ["c", "d", "e"]


def test_after_it_has_started_the_next_run_writes_it_down_again(queue: Queued) -> None:
    queue.run()
    queue.go_on()

    second = queue.run()

    assert queue.written_down(second.run_id) == ["a", "b"]


def test_one_on_which_a_job_runs_by_then_is_skipped_as_without_places(queue: Queued) -> None:
    queue.run()
    queue.airbyte.start_sync(queue.airbyte.connection("d"))
    queue.go_on()

    assert sorted(queue.running()) == ["a", "d"]
    assert not queue.tick().requests
    queue.finish(*ALL)
    for _ in range(3):
        queue.go_on()
        queue.finish(*ALL)
    assert sorted(queue.started()) == ALL


def test_one_that_cannot_be_started_fails_its_run_and_waits_no_more(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    queue = queued(airbyte, instance, max_running=2, is_fresh=True)
    queue.run()
    airbyte.update_connection(airbyte.connection("a"), status="locked")
    airbyte.update_connection(airbyte.connection("b"), status="inactive")
    queue.tick()
    (result,) = queue.launch()

    assert "'a'" in failure_of(result)
    assert "locked" in failure_of(result)
    assert "Skipped 'b'" in lines(instance, result.run_id)
    queue.wait(hours=2)
    queue.go_on()
    assert sorted(queue.running()) == ["c", "d"]


def test_a_run_that_was_deleted_starts_nothing_more(queue: Queued) -> None:
    run = queue.run()
    queue.go_on()
    queue.finish(*ALL)
    queue.instance.delete_run(run.run_id)

    assert queue.tick().summary == "No sync waits for a place."


def test_what_has_waited_too_long_is_named_once_and_not_started(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    queue = queued(airbyte, instance, max_running=2, wait_limit=timedelta(hours=1))
    run = queue.run()
    queue.go_on()
    queue.wait(hours=1, minutes=1)
    queue.finish(*ALL)

    for _ in range(2):
        assert queue.go_on().summary == "No sync waits for a place."

    said = capsys.readouterr().err
    expected = f"a place for 1 h 0 min and will not be started (run {run.run_id})"
    assert said.count(expected) == said.count("will not be started") == 3
    assert queue.written_down(queue.run().run_id) == ALL


def test_by_hand_a_run_may_start_some_of_its_job(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    queue = queued(airbyte, instance)
    queue.run(config={"connections": [id_of(queue, "d"), id_of(queue, "b")]})

    assert sorted(queue.running()) == ["b", "d"]


@pytest.mark.parametrize("places", [None, 2])
def test_a_connection_that_the_job_does_not_have_is_named_before_anything_starts(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance, places: int | None
) -> None:
    queue = queued(airbyte, instance, max_running=places)
    result = queue.run(config={"connections": [id_of(queue, "d"), "nobody"]})

    assert failure_of(result).startswith("The job does not have the connection: nobody.")
    assert not airbyte.jobs
    assert not queue.written_down(result.run_id)


def test_what_waits_is_on_the_page_of_its_asset_and_in_the_line_of_each_tick(
    queue: Queued,
) -> None:
    run = queue.run()
    queue.go_on()
    tick = queue.tick()

    page = queue.instance.fetch_observations(dg.AssetKey("e_rows"), limit=10)
    (observed,) = [each.asset_observation for each in page.records]
    assert observed is not None
    assert observed.description == "A sync of the connection waits for one of 2 places in Airbyte"
    assert "'e' (" in lines(queue.instance, run.run_id)
    assert tick.summary is not None
    expected = "2 of 2 run in Airbyte; 3 wait: 'c', 'd' and 'e', the oldest since 20"
    assert tick.summary.startswith(expected)


def test_the_polling_sensor_reports_the_sync_with_the_run_that_started_it(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    polling = deployed(airbyte, instance)
    polling.tick()
    queue = queued(airbyte, instance, max_running=2)
    queue.run()
    queue.tick()
    (started,) = queue.launch()
    queue.finish("a")

    polling.tick()

    (job_id,) = [job.job_id for job in airbyte.jobs if job.is_finished]
    assert polling.reported("a_rows") == [job_id]
    assert shown(polling, "a_rows")[keys.STARTED_BY_RUN] == started.run_id
    assert polling.reported("c_rows") == []


def test_schedules_that_do_not_wait_take_places_too(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    nightly = build_airbyte_sync_schedule(
        workspace=workspace_of(airbyte),
        cron_schedule="0 2 * * *",
        wait=False,
        max_running=1,
    )
    queue = queued(airbyte, instance, nightly, max_running=1)
    queue.run(nightly.job.name)
    assert not airbyte.jobs

    queue.go_on()

    assert sorted(queue.running()) == ["a"]


def test_so_do_schedules_from_airbyte(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    hourly = {"cron": "0 0 * * * ?", "timezone": "UTC"}
    for name in ("a", "b"):
        airbyte.update_connection(airbyte.connection(name), schedule=hourly)
    schedules = build_schedules_from_airbyte(
        workspace_of(airbyte), wait=False, max_running=1, taken_over=None
    )
    queue = queued(airbyte, instance, *schedules, max_running=1)
    for each in schedules:
        queue.run(each.job.name)

    queue.go_on()

    assert len(schedules) == 2
    assert len(queue.running()) == 1


def test_what_waits_for_another_workspace_is_left_to_its_own_sensor(
    queue: Queued, instance: dg.DagsterInstance
) -> None:
    with AirbyteSimulator() as other:
        other.add_connection("f", streams=["f_rows"])
        queued(other, instance, max_running=2).run()

        assert queue.tick().summary == "No sync waits for a place."


def test_a_closed_configuration_api_counts_as_well(
    either: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    for name in ALL:
        either.add_connection(name, streams=[f"{name}_rows"])
    queue = queued(either, instance, max_running=2)
    queue.run()
    for _ in range(2):
        queue.go_on()
        assert len(queue.running()) == 2
    queue.finish(*ALL)
    queue.go_on()

    assert len(queue.running()) == 2
    assert len(queue.started()) == 4
