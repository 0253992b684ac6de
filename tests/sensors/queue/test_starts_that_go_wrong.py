"""What waits and could not be started waits on, unless Airbyte itself says that it never will."""

import dagster as dg
import pytest

from dagster_airbyte_sync import build_airbyte_start_job
from dagster_airbyte_sync.assets.event_log.sync_claim import ClaimStatus
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault
from helpers.queued import NOTHING_WAITS, Queued, queued
from helpers.start_jobs import JOBS, failure_of, lines, starts


@pytest.fixture(autouse=True)
def _no_long_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that was not answered is looked for once, not for two minutes."""
    monkeypatch.setattr("dagster_airbyte_sync.assets.sync.start._LOOK_FOR", 0.0)


@pytest.fixture
def fresh(airbyte: AirbyteSimulator, instance: dg.DagsterInstance) -> Queued:
    """What becomes of a connection is seen at once."""
    return queued(airbyte, instance, max_running=2, is_fresh=True)


NO_ANSWER = [500, 502, 503]
GATEWAY_REFUSES = [400, 401, 403, 404, 429]


@pytest.mark.parametrize("status", [*NO_ANSWER, *GATEWAY_REFUSES])
def test_a_start_that_was_not_carried_out_leaves_the_sync_waiting(
    queue: Queued, airbyte: AirbyteSimulator, status: int
) -> None:
    queue.run(config={"connections": [airbyte.connection("a").connection_id]})
    queue.tick()
    page = "<html>the gateway restarts</html>"
    airbyte.add_fault(Fault.status(status, page), path=JOBS, method="POST", times=None)
    (result,) = queue.launch()
    airbyte.clear_faults()

    assert "still waits" in failure_of(result)
    assert not queue.started()
    queue.wait(minutes=6)
    queue.go_on()
    assert queue.started() == ["a"]


def test_so_does_one_of_which_airbyte_does_not_say_why_it_refused(
    queue: Queued, airbyte: AirbyteSimulator
) -> None:
    """The connection is active: such a start may have taken Airbyte itself too long."""
    queue.run(config={"connections": [airbyte.connection("a").connection_id]})
    queue.tick()
    airbyte.add_fault(Fault.status(409, {"title": "state-conflict"}), path=JOBS, method="POST")
    queue.launch()

    queue.wait(minutes=6)
    queue.go_on()
    assert queue.started() == ["a"]


def test_one_in_whose_place_airbyte_did_a_stored_clear_waits_on(
    queue: Queued, airbyte: AirbyteSimulator
) -> None:
    queue.run(config={"connections": [airbyte.connection("a").connection_id]})
    airbyte.store_clear(airbyte.connection("a"))
    queue.go_on()
    queue.finish("a")

    queue.wait(minutes=6)
    queue.go_on()

    assert [job.type for job in airbyte.jobs] == ["reset", "sync"]


@pytest.mark.parametrize("is_known", [True, False], ids=["deleted", "unknown"])
def test_one_that_is_gone_from_airbyte_waits_no_more(
    fresh: Queued, airbyte: AirbyteSimulator, is_known: bool
) -> None:
    """Deleted, or unknown to an Airbyte that was restored from a backup."""
    fresh.run(config={"connections": [airbyte.connection("a").connection_id]})
    fresh.tick()
    gone = airbyte.connection("a")
    (airbyte.delete_connection if is_known else airbyte.forget_connection)(gone)
    (result,) = fresh.launch()

    assert "'a'" in failure_of(result)
    fresh.wait(hours=2)
    assert fresh.tick().summary == NOTHING_WAITS


@pytest.mark.parametrize("is_deleted", [True, False], ids=["deleted", "paused"])
def test_so_does_one_that_the_definitions_do_not_have_any_more_either(
    fresh: Queued, airbyte: AirbyteSimulator, is_deleted: bool
) -> None:
    """They were loaded anew while it waited, and no run fails for it all day."""
    one, other = airbyte.connection("a"), airbyte.connection("b")
    fresh.run(config={"connections": [one.connection_id, other.connection_id]})
    if is_deleted:
        airbyte.delete_connection(one)
    else:
        airbyte.update_connection(one, status="inactive")
    reloaded = queued(airbyte, fresh.instance, is_fresh=True, max_running=2)
    reloaded.tick()
    (result,) = reloaded.launch()

    assert result.success
    assert f"'a' ({one.connection_id}) waits no more" in lines(fresh.instance, result.run_id)
    assert reloaded.started() == ["b"]
    reloaded.wait(hours=2)
    assert reloaded.tick().summary == NOTHING_WAITS


def test_one_that_is_not_gone_but_is_missing_in_the_job_fails_its_run_and_waits_on(
    fresh: Queued, airbyte: AirbyteSimulator
) -> None:
    one = airbyte.connection("a")
    fresh.run(config={"connections": [one.connection_id]})
    reloaded = queued(
        airbyte,
        fresh.instance,
        is_fresh=True,
        max_running=2,
        connection_selector_fn=lambda connection: connection.name != "a",
    )
    reloaded.tick()
    (result,) = reloaded.launch()

    assert failure_of(result).startswith(
        f"The job does not have the connection: {one.connection_id}"
    )
    fresh.wait(minutes=6)
    fresh.go_on()
    assert fresh.started() == ["a"]


def test_what_is_refused_again_and_again_waits_as_long_as_its_limit(
    queue: Queued, airbyte: AirbyteSimulator
) -> None:
    """Each time it is tried after a longer pause: not all day every five minutes."""
    queue.run(config={"connections": [airbyte.connection("a").connection_id]})
    airbyte.add_fault(Fault.unauthorized(), path=JOBS, method="POST", times=None)
    tries = 0
    for _ in range(30):
        tick = queue.go_on()
        tries += len(tick.requests)
        if tick.summary == NOTHING_WAITS:
            break
        queue.wait(hours=1)

    assert tick.summary == NOTHING_WAITS
    assert 20 <= tries <= 27


# A run that dies after it said that it starts one


@pytest.mark.parametrize("took_place", [False, True])
def test_a_run_that_died_as_it_started_one_is_settled_by_the_next(
    queue: Queued, airbyte: AirbyteSimulator, took_place: bool
) -> None:
    queue.run(config={"connections": [airbyte.connection("a").connection_id]})
    queue.tick()
    run = queue.keep(queue.requested.pop(), dg.DagsterRunStatus.STARTED)
    queue.say(run, ClaimStatus.STARTING, "a")
    if took_place:
        airbyte.start_sync(airbyte.connection("a"))
        queue.finish("a")
    queue.instance.report_run_failed(run)

    assert not queue.tick().requests
    queue.wait(minutes=6)
    queue.tick()
    (settled,) = queue.launch()

    assert settled.success
    assert queue.started() == ["a"]
    assert starts(airbyte) == (0 if took_place else 1)
    (job,) = airbyte.jobs
    said = "Found" if took_place else "Started"
    assert f"{said} Airbyte job {job.job_id}" in lines(queue.instance, settled.run_id)
    queue.finish("a")
    queue.wait(hours=2)
    assert queue.tick().summary == NOTHING_WAITS


def test_it_is_settled_however_many_runs_have_tried_since(
    queue: Queued, airbyte: AirbyteSimulator
) -> None:
    """The job was listed late: the second run, which did not get through, had not seen it."""
    queue.run(config={"connections": [airbyte.connection("a").connection_id]})
    queue.tick()
    run = queue.keep(queue.requested.pop(), dg.DagsterRunStatus.STARTED)
    queue.say(run, ClaimStatus.STARTING, "a")
    queue.instance.report_run_failed(run)
    queue.wait(minutes=6)
    queue.tick()
    airbyte.add_fault(Fault.status(503), path=JOBS, times=None)
    queue.launch()
    airbyte.clear_faults()
    airbyte.start_sync(airbyte.connection("a"))
    queue.finish("a")

    for _ in range(4):
        queue.wait(hours=1)
        queue.go_on()

    assert queue.started() == ["a"]
    assert starts(airbyte) == 0


def test_airbyte_that_does_not_say_what_it_started_is_asked_again(
    queue: Queued, airbyte: AirbyteSimulator
) -> None:
    """The start is carried out, and neither that nor a list of its jobs is answered."""
    queue.run(config={"connections": [airbyte.connection("a").connection_id]})
    queue.tick()
    airbyte.add_fault(Fault.gateway_timeout(), path=JOBS, method="POST")
    airbyte.add_fault(Fault.status(503), path=JOBS, method="GET", times=None, after=1)
    queue.launch()
    airbyte.clear_faults()
    queue.finish("a")
    queue.wait(minutes=6)
    queue.all_night()

    assert queue.started() == ["a"]
    assert starts(airbyte) == 1


# Two runs that were asked for the same


def test_of_two_runs_the_first_may_die_after_the_second_has_left_it_to_it(
    queue: Queued, airbyte: AirbyteSimulator
) -> None:
    queue.run(config={"connections": [airbyte.connection("a").connection_id]})
    queue.tick()
    (request,) = queue.requested
    queue.requested.clear()
    first = queue.keep(request)
    second = queue.launched(request)
    assert f"run {first.run_id} was requested for it, too" in lines(queue.instance, second.run_id)
    queue.instance.report_run_failed(first)

    queue.wait(minutes=21)
    assert queue.all_night() == ["a"]


def test_a_run_that_wakes_up_late_starts_nothing_that_the_next_has_started(
    queue: Queued, airbyte: AirbyteSimulator
) -> None:
    """It was silent for so long that it was given up, and asked for again."""
    queue.run(config={"connections": [airbyte.connection("a").connection_id]})
    queue.tick()
    late = queue.keep(queue.requested.pop())
    queue.wait(minutes=21)
    queue.go_on()
    queue.finish("a")
    assert queue.started() == ["a"]

    queue.execute(late)

    assert queue.started() == ["a"]
    assert "was requested for it, too" in lines(queue.instance, late.run_id)


def test_a_run_whose_process_is_replaced_looks_for_what_it_has_begun(
    queue: Queued, airbyte: AirbyteSimulator
) -> None:
    """As Dagster does where it is to resume runs whose process is gone."""
    queue.run(config={"connections": [airbyte.connection("a").connection_id]})
    queue.tick()
    run = queue.keep(queue.requested.pop())
    queue.say(run, ClaimStatus.STARTING, "a")
    airbyte.start_sync(airbyte.connection("a"))
    queue.finish("a")

    queue.execute(run)

    assert queue.started() == ["a"]


# A job that is called something else now


def test_after_a_job_was_renamed_its_syncs_are_written_down_by_the_new_name(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    before = queued(airbyte, instance, max_running=2)
    old = build_airbyte_start_job(
        workspace=before.deployment.workspace, name="old_name", max_running=2
    )
    queued(airbyte, instance, old, max_running=2).run("old_name")
    queue = before

    again = queue.run()

    assert queue.written_down(again.run_id) == [*"abcde"]
    assert queue.all_night() == [*"abcde"]
