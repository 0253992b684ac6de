"""Steps that live on when their run is over in Dagster's eyes, stepped through by the test."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.following import Following
from dagster_airbyte_sync.resources import AirbyteClient
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedJob
from helpers.deployment import Deployment, deployed
from helpers.model_runs import SteppedRun

TABLES = ["orders", "users"]
NOBODY: dict[str, list[int | None]] = {"orders": [], "users": []}
Start = Callable[..., SteppedRun]


@pytest.fixture
def job(airbyte: AirbyteSimulator) -> SimulatedJob:
    shop = airbyte.add_connection("shop", streams=TABLES)
    return airbyte.begin(airbyte.start_sync(shop))


@pytest.fixture
def deployment(
    airbyte: AirbyteSimulator, job: SimulatedJob, instance: dg.DagsterInstance
) -> Deployment:
    return deployed(airbyte, instance)


@pytest.fixture
def start(deployment: Deployment) -> Iterator[Start]:
    """Starts a run that follows the sync; on its clock a minute passes at each look, or nothing."""
    repository = deployment.defs.get_repository_def()
    runs: list[SteppedRun] = []

    def start(*, time_passes: bool) -> SteppedRun:
        times = count(0.0, 60.0 if time_passes else 0.0)
        run = SteppedRun(
            deployment.instance,
            repository.get_implicit_global_asset_job_def(),
            set(repository.assets_defs_by_key.values()),
            AirbyteClient(deployment.workspace.settings()),
            lambda event: None,
            Following(0, None, False, "attach", clock=lambda: next(times)),
        )
        runs.append(run)
        go_on_until(run, lambda: observed(deployment, "users"))
        return run

    yield start
    for run in runs:
        run.die()


def observed(deployment: Deployment, name: str) -> bool:
    return bool(deployment.instance.fetch_observations(dg.AssetKey(name), limit=1).records)


def go_on_until(run: SteppedRun, there: Callable[[], bool]) -> None:
    for _ in range(50):
        if there():
            return
        run.turn()
    raise AssertionError("The run does not get there")


def end(run: SteppedRun) -> None:
    go_on_until(run, lambda: run.is_over)


def failed(instance: dg.DagsterInstance, run: dg.DagsterRun) -> object:
    return instance.report_run_failed(run)


def cancelled(instance: dg.DagsterInstance, run: dg.DagsterRun) -> object:
    return instance.report_run_canceled(run)


both_ways = pytest.mark.parametrize("mark", [failed, cancelled])
Mark = Callable[[dg.DagsterInstance, dg.DagsterRun], object]


@both_ways
def test_a_step_whose_run_is_over_reports_nothing_though_its_sync_took_no_second(
    airbyte: AirbyteSimulator, job: SimulatedJob, deployment: Deployment, start: Start, mark: Mark
) -> None:
    run = start(time_passes=False)
    mark(deployment.instance, run.run)
    airbyte.succeed(job)
    end(run)

    assert deployment.told_all(TABLES) == NOBODY
    assert run.steps[0].has_failed


@both_ways
def test_a_run_that_is_over_between_two_tables_reports_the_first_and_the_sensor_the_second(
    airbyte: AirbyteSimulator, job: SimulatedJob, deployment: Deployment, start: Start, mark: Mark
) -> None:
    run = start(time_passes=True)
    airbyte.succeed(job)
    go_on_until(run, lambda: bool(deployment.told("orders")))
    mark(deployment.instance, run.run)
    deployment.tick()
    end(run)
    assert deployment.told_all(TABLES) == {"orders": [job.job_id], "users": []}
    deployment.later = timedelta(seconds=31)
    deployment.tick()

    assert run.steps[0].has_failed
    assert deployment.told_all(TABLES) == {"orders": [job.job_id], "users": [job.job_id]}


def test_what_a_step_stores_while_the_sensor_looks_for_it_is_not_reported_again(
    airbyte: AirbyteSimulator,
    job: SimulatedJob,
    deployment: Deployment,
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It ends right after it, so that the sensor finds nobody who may still write."""
    run = start(time_passes=False)
    airbyte.succeed(job)
    go_on_until(run, lambda: bool(deployment.told("orders")))
    failed(deployment.instance, run.run)
    look = dg.DagsterInstance.fetch_observations

    def look_late(instance: dg.DagsterInstance, *arguments: object, **named: object) -> object:
        monkeypatch.undo()
        end(run)
        return look(instance, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(dg.DagsterInstance, "fetch_observations", look_late)
    deployment.tick()

    assert not run.steps[0].has_failed
    assert deployment.told_all(TABLES) == {"orders": [job.job_id], "users": [job.job_id]}
