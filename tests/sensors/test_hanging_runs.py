"""A run that hangs between its step's start and its claim: it holds its connection once."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import dagster as dg
import pytest
from freezegun import freeze_time

from dagster_airbyte_sync import AirbyteWorkspace, airbyte_assets, build_airbyte_polling_sensor
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.dagster_private import store_run_event
from helpers.deployment import Deployment

STREAMS = ["orders", "users"]
STEP = "shop"


@pytest.fixture
def shop(either: AirbyteSimulator) -> SimulatedConnection:
    return either.add_connection("shop", streams=STREAMS)


@pytest.fixture
def deployment(
    either: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> Deployment:
    """With the usual limit: an hour."""
    workspace = AirbyteWorkspace(**either.workspace_config(), request_retry_delay=0.01)

    @airbyte_assets(connection_id=shop.connection_id, workspace=workspace, name=STEP)
    def sync_shop(
        context: dg.AssetExecutionContext, airbyte: dg.ResourceParam[AirbyteWorkspace]
    ) -> Iterator[Any]:
        yield from airbyte.sync_and_poll(context)

    sensor = build_airbyte_polling_sensor(workspace=workspace)
    defs = dg.Definitions([sync_shop], sensors=[sensor], resources={"airbyte": workspace})
    deployment = Deployment(either, workspace, defs, instance)
    deployment.tick()
    return deployment


def hang(deployment: Deployment) -> dg.DagsterRun:
    """A run whose step has begun and says nothing more."""
    job = deployment.defs.resolve_implicit_global_asset_job_def()
    run = deployment.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    store_run_event(deployment.instance, run, dg.DagsterEventType.STEP_START, STEP)
    return run


def sync_each_half_hour(deployment: Deployment, shop: SimulatedConnection) -> list[list[int]]:
    """Five syncs in two hours, and a tick each five minutes; after each sync, what was reported."""
    reported: list[list[int]] = []
    for _ in range(5):
        deployment.airbyte.run_sync(shop)
        found: list[int] = []
        for _ in range(6):
            found += [job or 0 for name, job in deployment.tick().materialized if name == "orders"]
            deployment.wait(timedelta(minutes=5))
        reported.append(found)
    return reported


def test_a_run_that_hangs_holds_the_syncs_of_two_hours_for_one_limit_together(
    deployment: Deployment, shop: SimulatedConnection
) -> None:
    """Each of them waited an hour anew: after three hours three of five were reported."""
    hang(deployment)

    reported = sync_each_half_hour(deployment, shop)

    ids = [job.job_id for job in deployment.airbyte.jobs]
    assert reported == [[], [], ids[:3], [ids[3]], [ids[4]]]
    assert deployment.reported_all(STREAMS) == dict.fromkeys(STREAMS, ids)


def test_a_lost_cursor_does_not_hold_them_anew(
    deployment: Deployment, shop: SimulatedConnection
) -> None:
    hang(deployment)
    deployment.wait(timedelta(minutes=61))
    job = deployment.airbyte.run_sync(shop)
    deployment.cursor = None

    deployment.tick()

    assert deployment.reported_all(STREAMS) == {key: [job.job_id] for key in STREAMS}


def test_a_run_that_begins_later_still_has_the_whole_limit(
    deployment: Deployment, shop: SimulatedConnection
) -> None:
    """One that hangs takes nothing from another that is in time."""
    hang(deployment)
    deployment.wait(timedelta(minutes=61))
    with freeze_time(datetime.now(timezone.utc) + timedelta(minutes=61)):
        hang(deployment)
    job = deployment.airbyte.run_sync(shop)

    held = [deployment.tick().materialized for _ in range(2)]
    deployment.wait(timedelta(minutes=61))
    deployment.tick()

    assert held == [[], []]
    assert deployment.reported_all(STREAMS) == {key: [job.job_id] for key in STREAMS}
