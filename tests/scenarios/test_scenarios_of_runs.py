"""What other tools met where Dagster's runs and a sensor report of the same sync."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.sync.follow import PollOptions
from dagster_airbyte_sync.resources import AirbyteClient
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.deployment import Deployment
from helpers.model_runs import SteppedRun
from helpers.model_steps import StepWork

Deploy = Callable[..., Deployment]

STREAMS = ["orders", "users"]


@pytest.fixture
def deployment(airbyte: AirbyteSimulator, deploy: Deploy) -> Deployment:
    airbyte.add_connection("shop", streams=STREAMS, sync_seconds=10)
    deployment = deploy(airbyte)
    deployment.tick()
    return deployment


@pytest.fixture
def run(deployment: Deployment) -> Iterator[SteppedRun]:
    """A run of the connection's assets that goes on when reported to."""
    repository = deployment.defs.get_repository_def()
    run = SteppedRun(
        deployment.instance,
        repository.get_implicit_global_asset_job_def(),
        set(repository.assets_defs_by_key.values()),
        StepWork(
            AirbyteClient(deployment.workspace.settings()),
            PollOptions(0, None, cancel_on_termination=False, on_active_sync="fail"),
            on_reported=lambda event: None,
        ),
    )
    yield run
    run.die()


def go_on_until(run: SteppedRun, there: Callable[[], bool]) -> None:
    for _ in range(30):
        if there():
            return
        run.turn()
    raise AssertionError("The run does not get there")


@pytest.mark.parametrize("events", [0, 1, 2], ids=["before", "during", "after"])
def test_s14_a_tick_before_during_and_after_the_run_writes_its_events(
    airbyte: AirbyteSimulator, deployment: Deployment, run: SteppedRun, events: int
) -> None:
    go_on_until(run, lambda: bool(airbyte.jobs))
    airbyte.advance(60)
    go_on_until(run, lambda: sum(map(len, deployment.reported_all(STREAMS).values())) == events)

    assert deployment.tick().materialized == []
    go_on_until(run, lambda: run.is_over)
    deployment.tick()
    deployment.tick()

    (job,) = airbyte.jobs
    assert job.status == "succeeded"
    assert deployment.reported_all(STREAMS) == {name: [job.job_id] for name in STREAMS}


def test_s15_a_run_killed_in_mid_sync_without_cancelling_leaves_its_sync_to_the_sensor(
    airbyte: AirbyteSimulator, deployment: Deployment, run: SteppedRun
) -> None:
    go_on_until(run, lambda: bool(airbyte.jobs))
    run.turn()
    run.die()
    airbyte.advance(60)

    assert deployment.tick().materialized == []  # Dagster takes the run for alive
    run.is_found_dead()
    deployment.tick()
    deployment.later = timedelta(seconds=31)
    deployment.tick()

    (job,) = airbyte.jobs
    assert deployment.reported_all(STREAMS) == {name: [job.job_id] for name in STREAMS}


def test_s16_two_code_locations_with_one_workspace_report_each_sync_once(
    airbyte: AirbyteSimulator, deployment: Deployment
) -> None:
    """Their sensors tick in turn, as in a daemon without threads. The event log is the guard."""
    other = replace(deployment, cursor=None, ticks=[])
    jobs = []
    for first, second in [(deployment, other), (other, deployment)]:
        jobs.append(airbyte.run_sync(airbyte.connection("shop")).job_id)
        first.tick()
        second.tick()
        airbyte.advance(30)

    assert isinstance(other.instance, dg.DagsterInstance)
    assert deployment.reported_all(STREAMS) == dict.fromkeys(STREAMS, jobs)
