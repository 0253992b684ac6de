"""What live runs have planned is read once: hundreds of others may run for hours."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace, airbyte_assets, build_airbyte_polling_sensor
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.dagster_private import store_plan, store_run_event
from helpers.deployment import Deployment
from helpers.look_ups import counted_look_ups

EVENTS = "get_records_for_run"


@dg.op
def anything() -> None: ...


@dg.job
def others() -> None:
    anything()


@dg.asset
def unrelated() -> None: ...


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=["orders"])


@pytest.fixture
def deployment(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, memory: dg.DagsterInstance
) -> Deployment:
    workspace = AirbyteWorkspace(**airbyte.workspace_config(), request_retry_delay=0.01)

    @airbyte_assets(connection_id=shop.connection_id, workspace=workspace, name="shop")
    def sync_shop(
        context: dg.AssetExecutionContext, airbyte: dg.ResourceParam[AirbyteWorkspace]
    ) -> Iterator[Any]:
        yield from airbyte.sync_and_poll(context)

    # Neither job selects assets when it is run: its selection is its definition.
    jobs = [dg.define_asset_job("ours", [sync_shop]), dg.define_asset_job("other", [unrelated])]
    defs = dg.Definitions(
        [sync_shop, unrelated],
        jobs=[*jobs, others],
        sensors=[build_airbyte_polling_sensor(workspace=workspace)],
        resources={"airbyte": workspace},
    )
    deployment = Deployment(airbyte, workspace, defs, memory)
    deployment.tick()
    return deployment


def started(deployment: Deployment, job: str) -> dg.DagsterRun:
    """A live run, created and begun as Dagster does both."""
    instance = deployment.instance
    run = instance.create_run_for_job(deployment.defs.resolve_job_def(job))
    assert run.asset_selection is None
    store_run_event(instance, run, dg.DagsterEventType.RUN_START)
    return run


def test_the_events_of_other_live_runs_are_read_in_one_tick_and_not_in_the_next(
    deployment: Deployment, airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    for job in ("others", "other"):
        for _ in range(5):
            started(deployment, job)
    read = []
    for _ in range(3):
        airbyte.run_sync(shop)
        with counted_look_ups() as asked:
            assert len(deployment.tick().materialized) == 1
        read.append(asked[EVENTS])
    assert read == [10, 0, 0]


def test_a_run_that_selects_no_assets_holds_those_of_its_job_at_each_tick(
    deployment: Deployment, airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    run = started(deployment, "ours")
    first = airbyte.run_sync(shop)
    assert deployment.tick().materialized == [("orders", first.job_id)]
    # Only now its step begins: what it plans was read, and what it does is read again.
    store_run_event(deployment.instance, run, dg.DagsterEventType.STEP_START, "shop")
    second = airbyte.run_sync(shop)
    for _ in range(2):
        assert deployment.tick().materialized == []
    store_run_event(deployment.instance, run, dg.DagsterEventType.STEP_FAILURE, "shop")
    store_run_event(deployment.instance, run, dg.DagsterEventType.RUN_FAILURE)
    assert deployment.tick().materialized == [("orders", second.job_id)]


def test_a_run_that_is_created_as_a_live_one_may_be_seen_before_its_plan(
    deployment: Deployment, airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    instance = deployment.instance
    run = instance.create_run_for_job(others, status=dg.DagsterRunStatus.STARTED)
    first = airbyte.run_sync(shop)
    assert deployment.tick().materialized == [("orders", first.job_id)]
    store_plan(instance, run, dg.AssetKey("orders"), "shop")
    store_run_event(instance, run, dg.DagsterEventType.STEP_START, "shop")
    airbyte.run_sync(shop)
    assert deployment.tick().materialized == []
