"""A run that somebody terminates in Dagster's UI, which goes through the run launcher."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock
from helpers.dagster_dev import DagsterDev, dagster_dev
from helpers.job_process import last_job_reported, wait_until_followed
from helpers.variables import variables
from helpers.waiting import wait_until

EXAMPLE = Path(__file__).parents[2] / "examples" / "on_demand_assets.py"


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        shop = airbyte.add_connection("shop", streams=["orders", "users"])
        airbyte.plan(shop, outcome="never")
        yield airbyte


@pytest.fixture
def dev(airbyte: AirbyteSimulator, tmp_path: Path) -> Iterator[DagsterDev]:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    environ = {**os.environ, **variables(airbyte.workspace_config()), "DAGSTER_HOME": str(tmp_path)}
    with dagster_dev(tmp_path, environ, "-f", str(EXAMPLE)) as started:
        yield started


def test_its_sync_is_cancelled_and_nothing_is_reported(
    airbyte: AirbyteSimulator, dev: DagsterDev, tmp_path: Path
) -> None:
    run_id = dev.launch("sync_all", "__repository__", EXAMPLE.name)
    wait_until_followed(airbyte)
    dev.terminate(run_id)
    wait_until(lambda: dev.run_status(run_id) == "CANCELED", "a run that was cancelled")

    assert [job.status for job in airbyte.jobs] == ["cancelled"]
    assert last_job_reported(tmp_path, "orders") is None
