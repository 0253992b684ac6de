"""Two live runs that follow one sync: found by the kill tests, tested always."""

import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace, airbyte_assets, build_airbyte_polling_sensor
from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock
from helpers.deployment import Deployment


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    """An Airbyte whose syncs end by themselves, half a second after their start."""
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        airbyte.add_connection("shop", streams=["orders"], sync_seconds=0.5)
        yield airbyte


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def test_of_two_runs_that_follow_one_sync_one_tells_it(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    deployment = both_report_at_once(airbyte, instance)
    runs = [threading.Thread(target=deployment.materialize, args=["orders"]) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    deployment.tick()

    (job,) = airbyte.jobs
    assert deployment.told("orders") == [job.job_id]


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
    defs = dg.Definitions([sync_shop], sensors=[sensor], resources={"airbyte": workspace})
    return Deployment(airbyte, workspace, defs, instance)
