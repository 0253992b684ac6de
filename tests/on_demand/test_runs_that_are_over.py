"""Runs that Dagster holds for over while the process of their step lives on."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock, SimulatedJob
from helpers.deployment import Deployment, deployed
from helpers.job_process import JobProcess, wait_until_followed
from helpers.kill_orphans import orphans_in
from helpers.variables import variables
from helpers.waiting import wait_until

LOCATION = Path(__file__).parent / "location.py"
TABLES = ["orders", "users"]
Start = Callable[[], JobProcess]
Mark = Callable[[dg.DagsterInstance, dg.DagsterRun], object]


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    """An Airbyte whose only sync runs until a test lets it succeed."""
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        airbyte.plan(airbyte.add_connection("shop", streams=TABLES), outcome="never")
        yield airbyte


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    (tmp_path / "dagster.yaml").touch()
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


@pytest.fixture
def start(airbyte: AirbyteSimulator, tmp_path: Path) -> Iterator[Start]:
    """Starts a run of all assets, with a process for each step."""
    started: list[JobProcess] = []
    settings = variables(airbyte.workspace_config())
    environ = {"EXECUTOR": "many", "CANCEL_ON_TERMINATION": "true", **settings}

    def start() -> JobProcess:
        started.append(JobProcess(LOCATION, "sync_all", tmp_path, environ))
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def deployment(airbyte: AirbyteSimulator, instance: dg.DagsterInstance) -> Deployment:
    deployment = deployed(airbyte, instance)
    deployment.tick()
    return deployment


@pytest.fixture
def process(airbyte: AirbyteSimulator, deployment: Deployment, start: Start) -> JobProcess:
    """Of a run that follows the sync."""
    process = start()
    wait_until_followed(airbyte)
    return process


@pytest.fixture
def job(airbyte: AirbyteSimulator, process: JobProcess) -> SimulatedJob:
    return airbyte.jobs[0]


def only_run(instance: dg.DagsterInstance) -> dg.DagsterRun:
    (run,) = instance.get_runs()
    return run


def failed(instance: dg.DagsterInstance, run: dg.DagsterRun) -> object:
    return instance.report_run_failed(run)


def cancelled(instance: dg.DagsterInstance, run: dg.DagsterRun) -> object:
    return instance.report_run_canceled(run)


def orphan(instance: dg.DagsterInstance, process: JobProcess) -> None:
    """Kill the main process of the only run, and note it as Dagster does."""
    process.kill_main_process()
    instance.report_run_failed(only_run(instance))


@pytest.mark.parametrize("mark", [failed, cancelled])
def test_a_step_whose_run_was_marked_as_over_reports_nothing_and_says_so(
    airbyte: AirbyteSimulator,
    deployment: Deployment,
    process: JobProcess,
    job: SimulatedJob,
    mark: Mark,
) -> None:
    mark(deployment.instance, only_run(deployment.instance))
    airbyte.succeed(job)
    process.end()

    assert deployment.reported_all(TABLES) == {"orders": [], "users": []}
    (step,) = orphans_in(deployment.instance)
    assert step.said_so
    assert only_run(deployment.instance).is_finished


def test_the_sensor_adopts_the_job_of_a_dead_run_after_a_grace_and_reports_it_once(
    airbyte: AirbyteSimulator, deployment: Deployment, process: JobProcess, job: SimulatedJob
) -> None:
    orphan(deployment.instance, process)
    airbyte.succeed(job)
    deployment.tick()
    assert deployment.reported_all(TABLES) == {"orders": [], "users": []}
    process.wait_for_steps()
    deployment.later = timedelta(seconds=31)
    deployment.tick()
    deployment.tick()

    assert deployment.reported_all(TABLES) == {"orders": [job.job_id], "users": [job.job_id]}
    assert [step.said_so for step in orphans_in(deployment.instance)] == [True]


def test_the_sensor_waits_for_a_dead_run_no_longer_than_the_grace_though_its_step_hangs(
    airbyte: AirbyteSimulator, deployment: Deployment, process: JobProcess, job: SimulatedJob
) -> None:
    process.suspend()
    orphan(deployment.instance, process)
    airbyte.succeed(job)
    deployment.tick()
    deployment.later = timedelta(seconds=31)
    deployment.tick()
    assert deployment.reported_all(TABLES) == {"orders": [job.job_id], "users": [job.job_id]}
    process.resume()
    process.wait_for_steps()

    assert deployment.reported_all(TABLES) == {"orders": [job.job_id], "users": [job.job_id]}


def test_of_two_runs_that_follow_one_sync_the_second_goes_on_after_the_death_of_the_first(
    airbyte: AirbyteSimulator,
    deployment: Deployment,
    process: JobProcess,
    job: SimulatedJob,
    start: Start,
) -> None:
    instance = deployment.instance
    first = only_run(instance)
    second = start()
    wait_until(lambda: followers(instance) == 2, "a second run that follows the sync")
    process.kill_main_process()
    instance.report_run_failed(first)
    airbyte.succeed(job)
    second.end()
    process.wait_for_steps()
    deployment.later = timedelta(seconds=31)
    deployment.tick()

    assert deployment.reported_all(TABLES) == {"orders": [job.job_id], "users": [job.job_id]}
    assert len(deployment.reported("revenue")) == 1
    assert [(step.run_id, step.said_so) for step in orphans_in(instance)] == [(first.run_id, True)]


def followers(instance: dg.DagsterInstance) -> int:
    """How many runs have said that they follow a job."""
    return len(instance.fetch_observations(dg.AssetKey("orders"), limit=10).records)
