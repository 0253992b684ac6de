"""Daemons, runs and Airbyte may die or be silent: what waits starts once, and is not forgotten."""

import json

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_start_job
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.sensors.tick_basics import TickFailed
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault
from helpers.queued import STARTS, Queued
from helpers.start_jobs import JOBS, failure_of, lines
from helpers.variables import variables

ALL = ["a", "b", "c", "d", "e"]
COUNT = "/jobs/list_for_workspaces"


def test_a_tick_whose_result_was_lost_costs_nothing(queue: Queued) -> None:
    queue.run()
    first = queue.tick()
    queue.requested.clear()
    again = queue.tick()

    assert [each.run_key for each in again.requests] == [each.run_key for each in first.requests]
    queue.launch()
    assert queue.all_night() == ALL


@pytest.mark.parametrize(
    "cursor", [None, "", "not ours", "[]", '{"since": "x"}', '{"since": 9e99}']
)
def test_a_lost_cursor_starts_nothing_twice_and_forgets_nothing(
    queue: Queued, cursor: str | None
) -> None:
    queue.run()
    queue.go_on()
    queue.finish("a", "b")
    queue.deployment.cursor = cursor
    queue.go_on()

    assert sorted(queue.running()) == ["c", "d"]
    queue.deployment.cursor = cursor
    assert queue.all_night() == ALL


def test_a_run_that_was_created_and_not_submitted_is_asked_for_by_its_key(queue: Queued) -> None:
    """The daemon died in between. Dagster submits a run that it has under that key already."""
    queue.run()
    queue.tick()
    (request,) = queue.requested
    queue.keep(request, dg.DagsterRunStatus.NOT_STARTED)

    again = queue.tick()

    (asked,) = again.requests
    assert (asked.run_key, dict(asked.run_config)) == (request.run_key, dict(request.run_config))
    assert asked.tags == request.tags
    assert asked.tags[keys.QUEUE_TAG] == keys.QUEUE_STARTS


def test_dagster_retries_no_run_that_the_queue_asks_for(queue: Queued) -> None:
    """It would write down once more what Airbyte never starts, after each failure."""
    queue.run()
    (request,) = queue.tick().requests
    assert request.tags["dagster/max_retries"] == "0"


def test_a_run_that_died_before_a_connection_is_asked_for_again_some_minutes_later(
    queue: Queued,
) -> None:
    queue.run()
    queue.tick()
    (request,) = queue.requested
    queue.requested.clear()
    run = queue.keep(request)
    queue.instance.report_run_failed(run)

    # The others need not wait for that.
    queue.go_on()
    assert sorted(queue.running()) == ["c", "d"]
    queue.finish("c", "d")
    queue.go_on()
    assert queue.running() == ["e"]
    queue.wait(minutes=6)
    (again,) = queue.tick().requests
    assert again.run_key != request.run_key
    queue.launch()
    assert queue.all_night() == ALL


def test_a_run_that_is_silent_for_long_holds_no_places(queue: Queued) -> None:
    """Its process is gone, and nobody has noted that."""
    queue.run()
    queue.tick()
    queue.keep(queue.requested.pop())
    assert not queue.tick().requests

    queue.wait(minutes=21)

    assert queue.all_night() == ALL


def test_one_that_somebody_has_cancelled_is_not_asked_for_again(queue: Queued) -> None:
    queue.run()
    queue.tick()
    run = queue.keep(queue.requested.pop())
    queue.instance.report_run_canceled(run)
    queue.wait(hours=1)

    assert queue.all_night() == ["c", "d", "e"]


def start_all() -> dg.JobDefinition:
    """Dagster makes it once in a process, so it depends on no test."""
    workspace = AirbyteWorkspace(
        rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
        configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
        workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
        client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
        client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
    )
    job = build_airbyte_start_job(workspace=workspace, max_running=2)
    return dg.Definitions(jobs=[job], resources={"airbyte": workspace}).resolve_job_def(job.name)


def test_one_that_is_executed_again_waits_like_any_other(
    queue: Queued, airbyte: AirbyteSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has counted for it."""
    for name, value in variables(airbyte.workspace_config()).items():
        monkeypatch.setenv(name, value)
    queue.run()
    queue.tick()
    (request,) = queue.requested
    (first,) = queue.launch()

    again = dg.execute_job(
        dg.reconstructable(start_all),
        queue.instance,
        run_config=dict(request.run_config),
        tags=dict(request.tags),
        reexecution_options=dg.ReexecutionOptions(parent_run_id=first.run_id),
    )

    assert again.success
    assert queue.written_down(again.run_id) == ["a", "b"]
    assert len(queue.started()) == 2
    queue.finish("a", "b")
    assert queue.all_night() == sorted([*ALL, "a", "b"])


def test_a_run_that_was_asked_for_twice_starts_nothing_twice(queue: Queued) -> None:
    """Two sensors look in one moment, by mistake."""
    queue.run()
    queue.tick()
    (request,) = queue.requested
    (first,) = queue.launch()
    queue.finish("a", "b")

    second = queue.launched(request)

    assert second.success
    assert len(queue.started()) == 2
    assert f"run {first.run_id} was requested for it, too" in lines(queue.instance, second.run_id)


def test_airbyte_that_does_not_answer_the_count_starts_nothing_and_the_tick_says_so(
    queue: Queued, airbyte: AirbyteSimulator
) -> None:
    queue.run()
    airbyte.add_fault(Fault.status(503), path=COUNT, times=None)
    with pytest.raises(TickFailed, match="Nothing was started, and everything is still waiting"):
        queue.tick()
    airbyte.clear_faults()

    assert queue.all_night() == ALL


def test_airbyte_that_does_not_answer_before_a_start_leaves_the_sync_waiting(
    queue: Queued, airbyte: AirbyteSimulator
) -> None:
    queue.run()
    queue.tick()
    airbyte.add_fault(Fault.status(503), path=JOBS, times=None)
    (result,) = queue.launch()
    airbyte.clear_faults()

    assert "2 of 2 syncs not started" in failure_of(result)
    queue.wait(minutes=6)
    assert queue.all_night() == ALL


def test_a_start_whose_answer_is_lost_is_found_and_takes_one_place(
    queue: Queued, airbyte: AirbyteSimulator
) -> None:
    queue.run()
    queue.tick()
    airbyte.add_fault(Fault.gateway_timeout(), path=JOBS, method="POST")
    queue.launch()

    assert sorted(queue.running()) == ["a", "b"]
    assert queue.all_night() == ALL


def test_the_memory_of_the_cursor_reaches_back_to_the_oldest_that_waits(queue: Queued) -> None:
    run = queue.run()
    queue.wait(hours=5)
    queue.go_on()
    (record,) = queue.instance.get_run_records(dg.RunsFilter(run_ids=[run.run_id]))
    since = json.loads(queue.deployment.cursor or "{}")["since"]

    assert since <= record.create_timestamp.timestamp()
    assert since >= record.create_timestamp.timestamp() - 3700
    assert record.dagster_run.job_name == STARTS
