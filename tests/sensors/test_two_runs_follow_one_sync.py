"""Of the runs that follow one sync the first reports it; in the others, what comes next goes on."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteWorkspace,
    airbyte_assets,
    build_airbyte_polling_sensor,
    build_airbyte_start_job,
)
from dagster_airbyte_sync.assets.event_log.sync_claim import SyncClaim
from dagster_airbyte_sync.assets.sync.follow import PollOptions
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import table_of_spec
from dagster_airbyte_sync.resources import AirbyteClient
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    RealClock,
    RecordedRequest,
    SimulatedConnection,
    SimulatedJob,
)
from helpers.dagster_private import store_run_event, store_step_event
from helpers.deployment import Deployment, deployed
from helpers.model_runs import SteppedRun
from helpers.model_steps import StepWork


@dg.asset(deps=["orders"])
def revenue() -> None: ...


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=["orders"])


@pytest.fixture
def running(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> SimulatedJob:
    return airbyte.begin(airbyte.start_sync(shop))


@pytest.fixture
def deployment(
    airbyte: AirbyteSimulator, running: SimulatedJob, instance: dg.DagsterInstance
) -> Deployment:
    return deployed(airbyte, instance)


@pytest.fixture
def runs(airbyte: AirbyteSimulator, deployment: Deployment) -> Iterator[list[SteppedRun]]:
    """Two runs that both follow the sync that runs, the first one first."""
    runs = [run_that_attaches(airbyte, deployment) for _ in range(2)]
    go_on_until(runs[0], lambda: claims(deployment) == 1)
    go_on_until(runs[1], lambda: claims(deployment) == 2)
    yield runs
    for run in runs:
        run.die()


def run_that_attaches(airbyte: AirbyteSimulator, deployment: Deployment) -> SteppedRun:
    repository = deployment.defs.get_repository_def()
    return SteppedRun(
        deployment.instance,
        repository.get_implicit_global_asset_job_def(),
        set(repository.assets_defs_by_key.values()),
        StepWork(
            AirbyteClient(deployment.workspace.settings()),
            PollOptions(0, None, False, "attach", sleep=lambda seconds: None),
            on_reported=lambda event: None,
        ),
    )


def claims(deployment: Deployment) -> int:
    return len(deployment.instance.fetch_observations(dg.AssetKey("orders"), limit=10).records)


def go_on_until(run: SteppedRun, there: Callable[[], bool]) -> None:
    for _ in range(50):
        if there():
            return
        run.turn()
    raise AssertionError("The run does not get there")


def reporter(deployment: Deployment) -> str:
    entry = deployment.instance.get_latest_materialization_event(dg.AssetKey("orders"))
    assert entry is not None
    return entry.run_id


def end(run: SteppedRun) -> None:
    go_on_until(run, lambda: run.is_over)


@pytest.mark.parametrize("first_to_end", [0, 1])
def test_the_first_to_follow_a_sync_reports_it_whichever_ends_first(
    airbyte: AirbyteSimulator,
    running: SimulatedJob,
    deployment: Deployment,
    runs: list[SteppedRun],
    first_to_end: int,
) -> None:
    airbyte.succeed(running)
    end(runs[first_to_end])
    end(runs[1 - first_to_end])
    deployment.tick()

    assert deployment.reported("orders") == [running.job_id]
    assert reporter(deployment) == runs[0].run.run_id


def test_if_the_first_is_known_to_be_dead_the_next_reports(
    airbyte: AirbyteSimulator,
    running: SimulatedJob,
    deployment: Deployment,
    runs: list[SteppedRun],
) -> None:
    runs[0].die()
    runs[0].is_found_dead()
    airbyte.succeed(running)
    end(runs[1])
    deployment.tick()

    assert deployment.reported("orders") == [running.job_id]
    assert reporter(deployment) == runs[1].run.run_id


def test_if_the_first_is_dead_and_nobody_knows_the_sensor_reports_when_it_is_known(
    airbyte: AirbyteSimulator,
    running: SimulatedJob,
    deployment: Deployment,
    runs: list[SteppedRun],
) -> None:
    runs[0].die()
    airbyte.succeed(running)
    end(runs[1])
    deployment.tick()
    assert deployment.reported("orders") == []
    runs[0].is_found_dead()
    deployment.tick()
    assert deployment.reported("orders") == []
    deployment.later = timedelta(seconds=31)
    deployment.tick()

    assert deployment.reported("orders") == [running.job_id]
    assert not reporter(deployment)


def test_a_run_that_has_to_be_tried_again_before_it_follows_a_sync_is_still_the_first(
    airbyte: AirbyteSimulator, running: SimulatedJob, deployment: Deployment
) -> None:
    first, second = (run_that_attaches(airbyte, deployment) for _ in range(2))
    store_run_event(
        deployment.instance, first.run, dg.DagsterEventType.STEP_UP_FOR_RETRY, step_of(deployment)
    )
    go_on_until(first, lambda: claims(deployment) == 1)
    go_on_until(second, lambda: claims(deployment) == 2)
    airbyte.succeed(running)
    end(second)
    assert deployment.reported("orders") == []
    end(first)

    assert deployment.reported("orders") == [running.job_id]
    assert reporter(deployment) == first.run.run_id


def test_a_run_that_only_started_a_sync_is_no_reporter_so_the_first_that_follows_it_reports(
    airbyte: AirbyteSimulator, running: SimulatedJob, deployment: Deployment
) -> None:
    starter = live_run_that_started(deployment, running)
    follower = run_that_attaches(airbyte, deployment)
    go_on_until(follower, lambda: claims(deployment) == 2)
    airbyte.succeed(running)
    deployment.tick()
    assert deployment.reported("orders") == []

    end(follower)
    deployment.tick()
    deployment.instance.report_run_failed(starter)
    deployment.tick()

    assert deployment.reported("orders") == [running.job_id]
    assert reporter(deployment) == follower.run.run_id
    assert deployment.last("orders").metadata[keys.STARTED_BY_RUN].value == starter.run_id


def step_of(deployment: Deployment) -> str:
    return orders_of(deployment).op.name


def orders_of(deployment: Deployment) -> dg.AssetsDefinition:
    return deployment.defs.get_repository_def().assets_defs_by_key[dg.AssetKey("orders")]


def live_run_that_started(deployment: Deployment, job: SimulatedJob) -> dg.DagsterRun:
    """It has claimed the job, and is still busy with the start of others."""
    starts = build_airbyte_start_job(workspace=deployment.workspace)
    run = deployment.instance.create_run_for_job(starts, tags=dict(starts.tags))
    store_run_event(deployment.instance, run, dg.DagsterEventType.RUN_START)
    record = AirbyteClient(deployment.workspace.settings()).job(job.job_id)
    table = table_of_spec(next(iter(orders_of(deployment).specs)))
    assert table is not None
    claim = SyncClaim.of_job(record, started=True).to_observation(table.key)
    store_step_event(deployment.instance, run, f"{starts.name}_op", claim)
    return run


@pytest.fixture
def live() -> Iterator[AirbyteSimulator]:
    """An Airbyte whose syncs end by themselves, half a second after their start."""
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        airbyte.add_connection("shop", streams=["orders"], sync_seconds=0.5)
        yield airbyte


def test_of_two_runs_that_follow_one_sync_one_reports_it_and_what_comes_next_goes_on_in_both(
    live: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    deployment = both_report_at_once(live, instance)
    runs = [
        threading.Thread(target=deployment.materialize, args=["orders", "revenue"])
        for _ in range(2)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    deployment.tick()

    (job,) = live.jobs
    assert deployment.reported("orders") == [job.job_id]
    assert len(deployment.reported("revenue")) == 2
    assert {record.dagster_run.status for record in instance.get_run_records()} == {
        dg.DagsterRunStatus.SUCCESS
    }


def both_report_at_once(airbyte: AirbyteSimulator, instance: dg.DagsterInstance) -> Deployment:
    """Runs attach to a sync that is running, and know what they will report before either does."""
    workspace = AirbyteWorkspace(
        **airbyte.workspace_config(), poll_interval=0.02, poll_previous_running_sync=True
    )
    both = threading.Barrier(2, timeout=30)

    @airbyte_assets(
        connection_id=airbyte.connections[0].connection_id, workspace=workspace, name="shop"
    )
    def sync_shop(
        context: dg.AssetExecutionContext, airbyte: dg.ResourceParam[AirbyteWorkspace]
    ) -> Iterator[object]:
        events = list(airbyte.sync_and_poll(context))
        both.wait()
        yield from events

    sensor = build_airbyte_polling_sensor(workspace=workspace)
    resources = {"airbyte": workspace}
    defs = dg.Definitions([sync_shop, revenue], sensors=[sensor], resources=resources)
    return Deployment(airbyte, workspace, defs, instance)


@pytest.mark.parametrize("streams", [["orders"], ["orders", "order lines"]])
def test_what_comes_after_a_table_that_the_sensor_reported_first_goes_on_in_the_run(
    live: AirbyteSimulator, instance: dg.DagsterInstance, streams: list[str]
) -> None:
    live.update_connection(live.connections[0], streams=streams, sync_seconds=0.1)
    deployment = deployed(live, instance, revenue)

    def report_before_the_run_does(request: RecordedRequest) -> None:
        if request.path.endswith("/get_without_logs") and not deployment.reported("orders"):
            report(deployment, "orders", live.jobs[0].job_id)

    live.on_request(report_before_the_run_does)
    result = deployment.materialize("revenue", *streams)

    assert result.success
    assert deployment.reported_all(streams) == {name: [live.jobs[0].job_id] for name in streams}
    assert len(deployment.reported("revenue")) == 1
    said = [entry.user_message for entry in instance.all_logs(result.run_id)]
    assert "Airbyte job 1 was already reported for orders" in said


def report(deployment: Deployment, name: str, job_id: int) -> None:
    event = dg.AssetMaterialization(name, metadata={"dagster-airbyte/job_id": job_id})
    deployment.instance.report_runless_asset_event(event)


def test_who_started_a_sync_is_known_however_much_was_observed_since(
    airbyte: AirbyteSimulator, deploy: Callable[..., Deployment]
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy()
    job = airbyte.begin(airbyte.start_sync(shop))
    run = live_run_that_started(deployment, job)
    for rows in range(120):
        deployment.instance.report_runless_asset_event(
            dg.AssetObservation("orders", metadata={"rows": rows})
        )
    airbyte.succeed(job)
    deployment.tick()

    assert deployment.last("orders").metadata[keys.STARTED_BY_RUN].value == run.run_id
