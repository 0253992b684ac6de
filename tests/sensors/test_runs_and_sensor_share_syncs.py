"""A sync that Dagster started is reported by its run or, should that die, by the sensor."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteWorkspace,
    airbyte_assets,
    build_airbyte_polling_sensor,
)
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    RealClock,
    RecordedRequest,
    SimulatedConnection,
)
from helpers.deployment import Deployment, deployed

STREAMS = ["orders", "users"]

Sync = Callable[[dg.AssetExecutionContext, AirbyteWorkspace], Iterator[Any]]


@pytest.fixture
def live() -> Iterator[AirbyteSimulator]:
    """An Airbyte whose syncs end by themselves, a tenth of a second after their start."""
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        yield airbyte


@pytest.fixture
def shop(live: AirbyteSimulator) -> SimulatedConnection:
    return live.add_connection("shop", streams=STREAMS, sync_seconds=0.1)


class Stage:
    """A deployment whose asset body a test writes, with the sensor beside it."""

    def __init__(
        self,
        airbyte: AirbyteSimulator,
        shop: SimulatedConnection,
        instance: dg.DagsterInstance,
        body: Sync,
        **sensor_options: Any,
    ) -> None:
        workspace = AirbyteWorkspace(**airbyte.workspace_config(), poll_interval=0.02)

        @airbyte_assets(connection_id=shop.connection_id, workspace=workspace, name="shop")
        def sync_shop(
            context: dg.AssetExecutionContext, airbyte: dg.ResourceParam[AirbyteWorkspace]
        ) -> Iterator[Any]:
            yield from body(context, airbyte)

        sensor = build_airbyte_polling_sensor(workspace=workspace, **sensor_options)
        defs = dg.Definitions([sync_shop], sensors=[sensor], resources={"airbyte": workspace})
        self.deployment = Deployment(airbyte, workspace, defs, instance)


def test_a_run_reports_its_sync_and_the_sensor_stays_silent(
    live: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    stage = Stage(live, shop, instance, lambda context, w: w.sync_and_poll(context)).deployment
    stage.tick()

    result = stage.materialize(*STREAMS)
    stage.tick()
    stage.cursor = None
    stage.tick()

    assert result.success
    (job,) = live.jobs
    assert stage.reported_all(STREAMS) == {name: [job.job_id] for name in STREAMS}
    assert stage.last("orders").metadata["dagster-airbyte/triggered_by"].value == "dagster"


def test_a_tick_before_the_run_writes_its_events_leaves_the_sync_to_the_run(
    live: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    def body(context: dg.AssetExecutionContext, airbyte: AirbyteWorkspace) -> Iterator[Any]:
        events = airbyte.sync_and_poll(context)
        first = next(events)  # Airbyte has finished; nothing is written yet
        assert stage.tick().materialized == []
        yield first
        yield from events

    stage = Stage(live, shop, instance, body).deployment
    assert stage.materialize(*STREAMS).success
    stage.tick()

    (job,) = live.jobs
    assert stage.reported_all(STREAMS) == {name: [job.job_id] for name in STREAMS}


def test_a_tick_between_two_events_of_the_run_leaves_the_rest_to_it(
    live: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    def body(context: dg.AssetExecutionContext, airbyte: AirbyteWorkspace) -> Iterator[Any]:
        for event in airbyte.sync_and_poll(context):
            yield event
            assert stage.tick().materialized == []

    stage = Stage(live, shop, instance, body).deployment
    assert stage.materialize(*STREAMS).success
    stage.tick()

    (job,) = live.jobs
    assert stage.reported_all(STREAMS) == {name: [job.job_id] for name in STREAMS}


@pytest.mark.parametrize("reported", [0, 1])
def test_the_sensor_adopts_what_a_run_did_not_report_before_it_died(
    live: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance, reported: int
) -> None:
    def body(context: dg.AssetExecutionContext, airbyte: AirbyteWorkspace) -> Iterator[Any]:
        for number, event in enumerate(airbyte.sync_and_poll(context)):
            if number == reported:
                raise RuntimeError("the run died here")
            yield event

    stage = Stage(live, shop, instance, body).deployment
    result = stage.materialize(*STREAMS)
    assert not result.success
    stage.tick()
    stage.tick()

    (job,) = live.jobs
    assert stage.reported_all(STREAMS) == {name: [job.job_id] for name in STREAMS}
    adopted = stage.last("users").metadata
    assert adopted["dagster-airbyte/triggered_by"].value == "dagster"
    assert adopted["dagster-airbyte/started_by_run"].value == result.run_id


def test_external_syncs_before_the_runs_own_are_reported_while_it_runs(
    live: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    reported: list[list[tuple[str, int | None]]] = []

    def body(context: dg.AssetExecutionContext, airbyte: AirbyteWorkspace) -> Iterator[Any]:
        events = airbyte.sync_and_poll(context)
        first = next(events)
        reported.append(stage.tick().materialized)
        yield first
        yield from events

    stage = Stage(live, shop, instance, body).deployment
    external = live.run_sync(shop)
    stage.materialize(*STREAMS)

    assert reported == [[("orders", external.job_id), ("users", external.job_id)]]
    own = live.jobs[-1]
    assert stage.reported("orders") == [external.job_id, own.job_id]


def test_a_later_external_sync_waits_behind_the_runs_own_so_that_order_is_kept(
    live: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    def body(context: dg.AssetExecutionContext, airbyte: AirbyteWorkspace) -> Iterator[Any]:
        events = airbyte.sync_and_poll(context)
        first = next(events)
        live.run_sync(shop)
        assert stage.tick().materialized == []
        assert stage.tick().summary is not None
        yield first
        yield from events

    stage = Stage(live, shop, instance, body).deployment
    assert stage.materialize(*STREAMS).success
    stage.tick()

    own, later = live.jobs
    assert stage.reported_all(STREAMS) == {name: [own.job_id, later.job_id] for name in STREAMS}


def test_a_run_that_has_not_begun_its_step_holds_nothing(
    live: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    stage = Stage(live, shop, instance, lambda context, w: w.sync_and_poll(context)).deployment
    job = stage.defs.resolve_implicit_global_asset_job_def()
    instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    external = live.run_sync(shop)

    assert stage.tick().materialized == [(name, external.job_id) for name in STREAMS]


def test_a_run_that_never_ends_holds_its_connection_only_for_so_long(
    live: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    stage = Stage(
        live,
        shop,
        instance,
        lambda context, w: w.sync_and_poll(context),
        hold_limit=timedelta(0),
    ).deployment
    slow_report: list[RecordedRequest] = []

    def tick_while_the_run_is_stuck(request: RecordedRequest) -> None:
        if request.path.endswith("/get_without_logs") and not slow_report:
            slow_report.append(request)
            stage.tick()

    live.on_request(tick_while_the_run_is_stuck)
    assert stage.materialize(*STREAMS).success

    (job,) = live.jobs
    assert stage.ticks[0].materialized == [(name, job.job_id) for name in STREAMS]
    assert stage.reported_all(STREAMS) == {name: [job.job_id] for name in STREAMS}


def test_two_connections_in_one_run_are_each_reported_once(
    live: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    for name in ("shop", "crm", "ads"):
        live.add_connection(name, streams=[f"{name}_a", f"{name}_b"], sync_seconds=0.2)
    deployment = deployed(live, instance)
    tables = [f"{name}_{part}" for name in ("shop", "crm", "ads") for part in "ab"]
    stop = threading.Event()

    def keep_ticking() -> None:
        while not stop.is_set():
            deployment.tick()

    ticking = threading.Thread(target=keep_ticking)
    ticking.start()
    try:
        assert deployment.materialize(*tables).success
    finally:
        stop.set()
        ticking.join()
    deployment.tick()

    assert {
        name: len(jobs) for name, jobs in deployment.reported_all(tables).items()
    } == dict.fromkeys(tables, 1)


def test_a_subset_reports_the_other_tables_too_because_airbyte_synced_them(
    live: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    stage = Stage(live, shop, instance, lambda context, w: w.sync_and_poll(context)).deployment

    assert stage.materialize("orders").success
    stage.tick()

    (job,) = live.jobs
    assert stage.reported_all(STREAMS) == {name: [job.job_id] for name in STREAMS}


def test_a_failed_sync_fails_the_run_with_the_reason_airbyte_gave(
    live: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    stage = Stage(live, shop, instance, lambda context, w: w.sync_and_poll(context)).deployment
    live.plan(shop, outcome="failed", reason="password expired")

    result = stage.materialize(*STREAMS)

    assert not result.success
    (failure,) = [e for e in result.all_events if e.event_type_value == "STEP_FAILURE"]
    shown = failure.step_failure_data.user_failure_data
    assert shown is not None
    assert shown.description == "The Airbyte sync failed"
    assert "password expired" in str(shown.metadata["dagster-airbyte/failure_reason"])
    assert stage.reported("orders") == []
