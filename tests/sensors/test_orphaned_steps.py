"""Steps that live on when their run is over in Dagster's eyes, stepped through by the test."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.sync.follow import PollOptions
from dagster_airbyte_sync.resources import AirbyteClient
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedJob
from helpers.deployment import Deployment, deployed
from helpers.model_runs import SteppedRun
from helpers.model_steps import StepWork

# In the order in which they are reported. Of those that a job still owes, the first is looked up in
# any case.
TABLES = ["items", "orders", "users"]
Start = Callable[..., SteppedRun]
Sleep = Callable[[float], None]


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

    def start(*, time_passes: bool, sleep: Sleep = lambda seconds: None) -> SteppedRun:
        times = count(0.0, 60.0 if time_passes else 0.0)
        before = followers(deployment)
        run = SteppedRun(
            deployment.instance,
            repository.get_implicit_global_asset_job_def(),
            set(repository.assets_defs_by_key.values()),
            StepWork(
                AirbyteClient(deployment.workspace.settings()),
                PollOptions(0, None, False, "attach", clock=lambda: next(times), sleep=sleep),
                on_reported=lambda event: None,
            ),
        )
        runs.append(run)
        go_on_until(run, lambda: followers(deployment) > before)
        return run

    yield start
    for run in runs:
        run.die()


def reported(*times: int) -> dict[str, list[int]]:
    """The only job, so many times for each of the tables."""
    return {name: [1] * often for name, often in zip(TABLES, times, strict=True)}


def followers(deployment: Deployment) -> int:
    """How many runs have said of the last of the tables that they follow a job."""
    return len(deployment.instance.fetch_observations(dg.AssetKey("users"), limit=10).records)


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

    assert deployment.reported_all(TABLES) == reported(0, 0, 0)
    assert run.steps[0].has_failed


@both_ways
def test_a_run_that_is_over_between_tables_reports_the_first_and_the_sensor_the_others(
    airbyte: AirbyteSimulator, job: SimulatedJob, deployment: Deployment, start: Start, mark: Mark
) -> None:
    run = start(time_passes=True)
    airbyte.succeed(job)
    go_on_until(run, lambda: bool(deployment.reported("items")))
    mark(deployment.instance, run.run)
    deployment.tick()
    end(run)
    assert deployment.reported_all(TABLES) == reported(1, 0, 0)
    deployment.later = timedelta(seconds=31)
    deployment.tick()

    assert run.steps[0].has_failed
    assert deployment.reported_all(TABLES) == reported(1, 1, 1)


def test_a_second_run_lets_the_step_of_one_that_is_over_store_its_last_event(
    airbyte: AirbyteSimulator, job: SimulatedJob, deployment: Deployment, start: Start
) -> None:
    first = start(time_passes=False)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        if seconds:
            slept.append(seconds)
            end(first)

    second = start(time_passes=True, sleep=sleep)
    airbyte.succeed(job)
    go_on_until(first, lambda: bool(deployment.reported("items")))
    failed(deployment.instance, first.run)
    end(second)
    end(first)

    assert slept == [30.0]
    assert not second.steps[0].has_failed
    assert deployment.reported_all(TABLES) == reported(1, 1, 1)


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
    go_on_until(run, lambda: bool(deployment.reported("items")))
    failed(deployment.instance, run.run)
    look = dg.DagsterInstance.fetch_observations

    def look_late(instance: dg.DagsterInstance, *arguments: object, **named: object) -> object:
        monkeypatch.undo()
        end(run)
        return look(instance, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(dg.DagsterInstance, "fetch_observations", look_late)
    deployment.tick()

    assert not run.steps[0].has_failed
    assert deployment.reported_all(TABLES) == reported(1, 1, 1)
