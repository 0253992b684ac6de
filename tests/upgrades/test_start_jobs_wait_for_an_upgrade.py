"""A run that starts many syncs waits for Airbyte once for all of them, and starts each once."""

import os
import signal
import threading
import time
from collections import Counter

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_start_job
from dagster_airbyte_sync.assets.asked import until_steady
from dagster_airbyte_sync.assets.sync import start
from dagster_airbyte_sync.resources.access import steadiness
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, RecordedRequest
from helpers.deployment import forget_clients
from helpers.refreshes import JOBS
from helpers.start_jobs import failure_of, lines

MANY = 30


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundredths of the usual times, as runs sleep in real ones."""
    monkeypatch.setattr(until_steady, "_LOOK_EVERY", 0.1)
    monkeypatch.setattr(start, "_LOOK_EVERY", 0.1)
    monkeypatch.setattr(start, "_LOOK_FOR", 1.0)
    monkeypatch.setattr(steadiness, "_GOOD_FOR", 0.3)
    monkeypatch.setattr(steadiness, "_SAME_FOR", 0.1)


@pytest.fixture
def many(airbyte: AirbyteSimulator) -> AirbyteSimulator:
    for number in range(MANY):
        airbyte.add_connection(f"shop {number}", streams=[f"orders_{number}"])
    return airbyte


def workspace_of(airbyte: AirbyteSimulator, **settings: object) -> AirbyteWorkspace:
    known = {**airbyte.workspace_config(), "request_max_retries": 0, **settings}
    return AirbyteWorkspace(**known)  # type: ignore[arg-type]


def run(
    workspace: AirbyteWorkspace, job: dg.JobDefinition, instance: dg.DagsterInstance
) -> dg.ExecuteInProcessResult:
    return job.execute_in_process(
        instance=instance, resources={"airbyte": workspace}, raise_on_error=False
    )


def down(airbyte: AirbyteSimulator, seconds: float | None = None) -> None:
    airbyte.add_fault(Fault.status(503), times=None)
    if seconds is not None:
        threading.Timer(seconds, airbyte.clear_faults).start()


def test_an_outage_in_the_middle_costs_no_sync_and_doubles_none(
    many: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    workspace = workspace_of(many)
    job = build_airbyte_start_job(workspace=workspace)
    asked = 0

    def note(request: RecordedRequest) -> None:
        nonlocal asked
        asked += request.method == "GET" and request.path == JOBS
        if asked == MANY // 2:
            down(many, seconds=1.0)

    many.on_request(note)
    result = run(workspace, job, instance)

    assert result.success
    assert Counter(each.connection_id for each in many.jobs) == {
        each.connection_id: 1 for each in many.connections
    }
    assert "Nothing is started until Airbyte has been there" in lines(instance, result.run_id)


def test_one_limit_is_for_all_that_a_run_starts(
    many: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    workspace = workspace_of(many, outage_timeout=1.0)
    job = build_airbyte_start_job(workspace=workspace)
    down(many)
    begun = time.monotonic()
    result = run(workspace, job, instance)
    assert time.monotonic() - begun < MANY / 3
    assert failure_of(result).startswith(f"{MANY} of {MANY} syncs not started.")
    # One reason is given once, with all that it is the reason of.
    assert failure_of(result).count("Nothing was started within 1 s (outage_timeout)") == 1
    assert all(
        f"'{each.name}' ({each.connection_id})" in failure_of(result) for each in many.connections
    )
    (failed,) = result.filter_events(lambda event: event.is_step_failure)
    data = failed.step_failure_data.user_failure_data
    assert data is not None
    (shown,) = data.metadata
    assert shown.endswith(f" and {MANY - 1} more")

    many.clear_faults()
    assert run(workspace, job, instance).success
    assert len(many.jobs) == MANY


def test_a_run_that_is_over_by_then_starts_nothing(
    many: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    """Somebody has marked it as cancelled, or its main process was killed."""
    workspace = workspace_of(many)
    job = build_airbyte_start_job(workspace=workspace)
    # As in another process: it looks first.
    forget_clients()
    down(many)
    is_over = False

    def end(request: RecordedRequest) -> None:
        nonlocal is_over
        if not is_over:
            is_over = True
            (only,) = instance.get_runs()
            instance.report_run_canceled(only)
            threading.Timer(0.3, many.clear_faults).start()

    many.on_request(end)
    result = run(workspace, job, instance)
    assert "This run is over in Dagster" in failure_of(result)
    assert many.jobs == []


def test_a_run_that_is_terminated_ends_soon(
    many: AirbyteSimulator, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though its starts look for jobs whose number Airbyte did not say."""
    workspace = workspace_of(many, outage_timeout=25)
    job = build_airbyte_start_job(workspace=workspace)
    monkeypatch.setattr(start, "_LOOK_FOR", 60.0)
    many.add_fault(Fault.gateway_timeout(), path=JOBS, method="POST", times=None)
    is_sent = False

    def interrupt(request: RecordedRequest) -> None:
        nonlocal is_sent
        if request.method == "POST" and request.path == JOBS and not is_sent:
            is_sent = True
            down(many)
            threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()

    many.on_request(interrupt)
    begun = time.monotonic()
    assert not run(workspace, job, instance).success
    assert time.monotonic() - begun < 20


def test_the_next_run_knows_which_version_the_last_one_saw(
    many: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    workspace = workspace_of(many)
    job = build_airbyte_start_job(workspace=workspace)
    assert run(workspace, job, instance).success
    many.upgrade("2.2.0")
    for each in many.jobs:
        many.succeed(each)
    # As in another process.
    forget_clients()

    result = run(workspace, job, instance)

    assert result.success
    assert "Airbyte was version 2.1.0 and is 2.2.0 now" in lines(instance, result.run_id)
    assert len(many.jobs) == 2 * MANY
