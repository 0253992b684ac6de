"""A tick whose time is up before all is looked up or checked reports what it can, and goes on."""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import FinishedSync
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.deployment import Deployment

Deploy = Callable[..., Deployment]


@pytest.fixture
def two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a tick has, where the daemon waits three for it."""
    monkeypatch.setenv("DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS", "3")


def slow_down(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    fetch = dg.DagsterInstance.fetch_materializations

    def slowly(*arguments: object, **named: object) -> object:
        time.sleep(seconds)
        return fetch(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(dg.DagsterInstance, "fetch_materializations", slowly)


@pytest.mark.usefixtures("two_seconds")
def test_a_connection_for_which_time_is_up_stops_no_other(
    airbyte: AirbyteSimulator, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = airbyte.add_connection("wide", streams=[f"t{number:02}" for number in range(40)])
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy()
    deployment.tick()
    for _ in range(2):
        airbyte.run_sync(wide)
        airbyte.advance(timedelta(minutes=2))
        deployment.tick()
    job = airbyte.run_sync(shop)
    deployment.cursor = None
    # Four tables are read at once.
    slow_down(monkeypatch, 0.4)

    assert deployment.tick().materialized == [("orders", job.job_id)]
    monkeypatch.undo()
    again = [deployment.tick().materialized for _ in range(2)]

    assert again == [[], []]
    assert len(deployment.reported("t00")) == 2


@pytest.mark.usefixtures("two_seconds")
def test_runs_that_take_long_to_ask_for_are_asked_for_in_the_next_ticks(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    @dg.asset
    def report() -> None: ...

    def ask(sync: FinishedSync, keys: Sequence[dg.AssetKey]) -> dg.RunRequest:
        time.sleep(0.6)
        return dg.RunRequest(asset_selection=[dg.AssetKey("report")])

    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy(report, run_request_fn=ask)
    deployment.tick()
    jobs = []
    for _ in range(6):
        jobs.append(airbyte.run_sync(shop))
        airbyte.advance(20)

    ticks = [deployment.tick() for _ in range(4)]

    assert 0 < len(ticks[0].requests) < len(jobs)
    asked = [request.tags["dagster-airbyte/job_id"] for tick in ticks for request in tick.requests]
    assert asked == [str(job.job_id) for job in jobs]
    assert deployment.reported("orders") == [job.job_id for job in jobs]
