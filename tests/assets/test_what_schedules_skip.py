"""A schedule asks for no run of a connection for which a run waits, or which a run syncs."""

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import build_airbyte_sync_schedule
from dagster_airbyte_sync.assets.start_jobs import runs_at_work
from dagster_airbyte_sync.assets.sync.follow import PollOptions
from dagster_airbyte_sync.resources import AirbyteClient
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.dagster_private import store_line, store_run_event
from helpers.deployment import Deployment, deployed
from helpers.model_runs import SteppedRun
from helpers.model_steps import StepWork
from helpers.start_jobs import lines, start

SHOP = ["orders", "users"]
EVEN_LATER = runs_at_work._SILENCE + 60
StartRun = Callable[..., SteppedRun]


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    airbyte.add_connection("crm", streams=["leads"])
    return airbyte.add_connection("shop", streams=SHOP)


@pytest.fixture
def deployment(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> Deployment:
    return deployed(airbyte, instance)


@pytest.fixture
def run(deployment: Deployment) -> Iterator[StartRun]:
    """Makes a run of the shop's tables and lets it go on for some turns."""
    runs: list[SteppedRun] = []
    repository = deployment.defs.get_repository_def()
    (assets,) = {repository.assets_defs_by_key[dg.AssetKey(name)] for name in SHOP}

    def begin(turns: int) -> SteppedRun:
        run = SteppedRun(
            deployment.instance,
            repository.get_implicit_global_asset_job_def(),
            [assets],
            StepWork(
                AirbyteClient(deployment.workspace.settings()),
                PollOptions(0, None, False, "wait", sleep=lambda seconds: None),
                on_reported=lambda event: None,
            ),
        )
        runs.append(run)
        for _ in range(turns):
            run.turn()
        return run

    yield begin
    for run in runs:
        run.die()


def tick(
    deployment: Deployment, *, assets: list[str] | None = None, wait: bool = True
) -> tuple[list[str] | None, str]:
    """The tables of the run that a schedule, of both connections or those of `assets`, asks for
    (all: []; none: None), and why it asks for none."""
    schedule = build_airbyte_sync_schedule(
        workspace=deployment.workspace, cron_schedule="@hourly", assets=assets, wait=wait
    )
    defs = dg.Definitions.merge(deployment.defs, dg.Definitions(schedules=[schedule]))
    repository = defs.get_repository_def()
    with dg.build_schedule_context(deployment.instance, repository_def=repository) as context:
        result = repository.get_schedule_def(schedule.name).evaluate_tick(context)
    asked = [request.asset_selection or () for request in result.run_requests or ()]
    tables = [sorted(key.to_user_string() for key in each) for each in asked]
    return tables[0] if tables else None, result.skip_message or ""


def test_where_no_run_is_all_are_synced(deployment: Deployment) -> None:
    assert tick(deployment) == ([], "")


@pytest.mark.parametrize("turns", [0, 1, 15], ids=["created", "started", "it waits"])
def test_a_connection_for_which_a_run_waits_is_left_out(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deployment: Deployment,
    run: StartRun,
    turns: int,
) -> None:
    airbyte.start_sync(shop)
    run(turns)
    assert tick(deployment) == (["leads"], "")


def test_if_all_are_taken_the_reason_names_connection_run_and_job(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deployment: Deployment,
    run: StartRun,
) -> None:
    at_work = run(20)
    (job,) = airbyte.jobs
    asked, reason = tick(deployment, assets=["orders"])
    assert asked is None
    assert reason == (
        f"Skipped: the connection already has a run. 'shop' ({shop.connection_id}): run"
        f" {at_work.run.run_id} follows its Airbyte job {job.job_id}."
    )
    assert tick(deployment, assets=["orders"], wait=False) == (None, reason)


def test_a_run_that_is_over_or_done_with_the_connection_stops_nothing(
    airbyte: AirbyteSimulator, deployment: Deployment, run: StartRun
) -> None:
    done, over = run(15), run(1)
    airbyte.succeed(airbyte.jobs[0])
    for _ in range(40):
        if not done.steps[0].has_ended:
            done.turn()
    over.mark_as_over("failed")
    assert not done.is_over
    assert tick(deployment) == ([], "")


@pytest.mark.parametrize("turns", [0, 15], ids=["created", "it waits"])
def test_a_run_that_died_without_dagster_knowing_stops_the_others_for_minutes_only(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deployment: Deployment,
    run: StartRun,
    monkeypatch: pytest.MonkeyPatch,
    turns: int,
) -> None:
    airbyte.start_sync(shop)
    dead = run(turns)
    dead.die()
    if turns:
        store_line(deployment.instance, dead.run, dead.steps[0].key, logging.INFO, "It is running")
    assert tick(deployment) == (["leads"], "")
    pass_by(monkeypatch, EVEN_LATER)
    assert tick(deployment) == ([], "")


@pytest.mark.parametrize("turns", [15, 20], ids=["it waits", "it follows"])
def test_a_run_whose_lines_are_not_stored_may_be_silent_for_a_day(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deployment: Deployment,
    run: StartRun,
    monkeypatch: pytest.MonkeyPatch,
    turns: int,
) -> None:
    """As with a python_log_level above INFO."""
    if turns == 15:
        airbyte.start_sync(shop)
    silent = run(turns)
    store_line(deployment.instance, silent.run, silent.steps[0].key, logging.WARNING, "No answer")
    pass_by(monkeypatch, EVEN_LATER)
    assert tick(deployment) == (["leads"], "")
    pass_by(monkeypatch, 24 * 3600)
    assert tick(deployment) == ([], "")


@pytest.mark.parametrize("line", [None, "extracting"])
def test_a_run_whose_earlier_step_is_silent_is_at_work(
    deployment: Deployment, run: StartRun, monkeypatch: pytest.MonkeyPatch, line: str | None
) -> None:
    at_work = run(1)
    begins = dg.DagsterEventType.STEP_START
    store_run_event(deployment.instance, at_work.run, begins, "upstream")
    if line:
        store_line(deployment.instance, at_work.run, "upstream", logging.INFO, line)
    pass_by(monkeypatch, EVEN_LATER)
    assert tick(deployment) == (["leads"], "")


def pass_by(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    later = time.time() + seconds
    monkeypatch.setattr(time, "time", lambda: later)


@dg.op
def anything() -> None: ...


@dg.job
def unrelated() -> None:
    anything()


def test_runs_of_other_things_are_looked_into_once(
    shop: SimulatedConnection,
    deployment: Deployment,
    run: StartRun,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """What there was no time for, in the next evaluation."""
    run(0)
    for _ in range(5):
        deployment.instance.create_run_for_job(unrelated, status=dg.DagsterRunStatus.STARTED)
    reads: list[str] = []
    read = dg.DagsterInstance.get_records_for_run

    def get_records_for_run(instance: dg.DagsterInstance, run_id: str, **how: Any) -> object:
        reads.append(run_id)
        return read(instance, run_id, **how)

    monkeypatch.setattr(dg.DagsterInstance, "get_records_for_run", get_records_for_run)
    looked: list[tuple[list[str] | None, int]] = []
    for seconds in (0.0, 60.0, 60.0):
        monkeypatch.setattr(runs_at_work, "_PLANS_LIMIT", seconds)
        tables, _ = tick(deployment)
        looked.append((tables, len(reads)))
        reads.clear()
    # Of the shop's run also its newest event and its steps; and, as Dagster may be storing its plan
    # just now, that again.
    assert looked == [([], 0), (["leads"], 6 + 2), (["leads"], 1 + 2)]
    assert capfd.readouterr().err.count("too many unfinished runs") == 1


def test_a_run_that_only_starts_syncs_leaves_alone_what_another_waits_for(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deployment: Deployment,
    run: StartRun,
) -> None:
    before = airbyte.start_sync(shop)
    waiting = run(15)
    airbyte.succeed(before)

    result = start(deployment)

    assert result.success
    said = f"Skipped 'shop' ({shop.connection_id}): run {waiting.run.run_id} waits for its turn"
    assert said in lines(deployment.instance, result.run_id)
    assert [job.connection_id == shop.connection_id for job in airbyte.jobs] == [True, False]
