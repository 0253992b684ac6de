"""Runs that wait for a busy connection: however many they are, they start one sync."""

from collections.abc import Callable, Iterator
from itertools import count

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.sync.follow import PollOptions
from dagster_airbyte_sync.assets.tables.keys import JOB_ID, int_in
from dagster_airbyte_sync.resources import AirbyteClient
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection, SimulatedJob
from helpers.deployment import Deployment, deployed
from helpers.model_runs import SteppedRun
from helpers.model_steps import StepWork
from helpers.start_jobs import starts

TABLES = ["orders", "users"]


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=TABLES)


@pytest.fixture
def before(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> SimulatedJob:
    """What runs as the runs want to sync."""
    return airbyte.begin(airbyte.start_sync(shop))


@pytest.fixture
def deployment(
    airbyte: AirbyteSimulator, before: SimulatedJob, instance: dg.DagsterInstance
) -> Deployment:
    return deployed(airbyte, instance)


@pytest.fixture
def runs(airbyte: AirbyteSimulator, deployment: Deployment) -> Iterator[list[SteppedRun]]:
    """Three that wait, each in processes of its own as far as they know."""
    runs = [run_that_waits(deployment) for _ in range(3)]
    for run in runs:
        asked = starts(airbyte)
        while starts(airbyte) == asked:
            run.turn()
        for _ in range(3):
            run.turn()
    yield runs
    for run in runs:
        run.die()


def run_that_waits(deployment: Deployment) -> SteppedRun:
    repository, times = deployment.defs.get_repository_def(), count(0.0, 10.0)
    return SteppedRun(
        deployment.instance,
        repository.get_implicit_global_asset_job_def(),
        set(repository.assets_defs_by_key.values()),
        StepWork(
            AirbyteClient(deployment.workspace.settings()),
            PollOptions(
                0, None, False, "wait", clock=lambda: next(times), sleep=lambda seconds: None
            ),
            on_reported=lambda event: None,
        ),
    )


def claims(deployment: Deployment) -> int:
    """How many runs have said that they follow the second job."""
    page = deployment.instance.fetch_observations(dg.AssetKey("orders"), limit=20)
    observed = (record.asset_observation for record in page.records)
    return sum(int_in(event.metadata, JOB_ID) == 2 for event in observed if event)


def turn_until(runs: list[SteppedRun], there: Callable[[], bool]) -> None:
    for _ in range(150):
        if there():
            return
        for run in runs:
            run.turn()
    raise AssertionError("The runs do not get there")


@pytest.mark.parametrize("is_short", [False, True], ids=["long", "short"])
def test_they_start_one_sync_after_it_and_all_go_on_when_that_has_ended(
    airbyte: AirbyteSimulator,
    before: SimulatedJob,
    deployment: Deployment,
    runs: list[SteppedRun],
    is_short: bool,
) -> None:
    """Though it may have ended before some of them have looked."""
    airbyte.succeed(before)
    turn_until(runs[:1], lambda: len(airbyte.jobs) == 2)
    if not is_short:
        turn_until(runs, lambda: claims(deployment) == len(runs))
    deployment.tick()
    airbyte.succeed(airbyte.jobs[1])
    turn_until(runs, lambda: all(run.is_over for run in runs))
    deployment.tick()

    assert len(airbyte.jobs) == 2
    assert not any(run.steps[0].has_failed for run in runs)
    for name in TABLES:
        assert sorted(filter(None, deployment.reported(name))) == [1, 2]


def test_what_ended_meanwhile_and_nobody_has_reported_is_left_to_the_sensor(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    before: SimulatedJob,
    runs: list[SteppedRun],
) -> None:
    """Which may be about to report it, as it does not know that the run might do so."""
    airbyte.succeed(before)
    airbyte.run_sync(shop)
    turn_until(runs[:1], lambda: len(airbyte.jobs) == 3)


def test_one_that_dies_as_it_waits_stops_no_other(
    airbyte: AirbyteSimulator, before: SimulatedJob, runs: list[SteppedRun]
) -> None:
    """Dagster does not know that it is dead."""
    first, *others = runs
    first.die()
    airbyte.succeed(before)
    turn_until(others, lambda: len(airbyte.jobs) == 2)
    airbyte.succeed(airbyte.jobs[1])
    turn_until(others, lambda: all(run.is_over for run in others))
    assert not any(run.steps[0].has_failed for run in others)


def test_one_that_is_over_by_the_end_of_its_wait_starts_nothing(
    airbyte: AirbyteSimulator,
    before: SimulatedJob,
    deployment: Deployment,
    runs: list[SteppedRun],
) -> None:
    """Its main process was killed, or somebody marked it as failed; its step lives on."""
    for run in runs:
        deployment.instance.report_run_failed(run.run)
    airbyte.succeed(before)
    turn_until(runs, lambda: all(run.steps[0].has_ended for run in runs))
    assert airbyte.jobs == [before]
