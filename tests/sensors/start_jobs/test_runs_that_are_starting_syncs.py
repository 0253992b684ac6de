"""A run that starts syncs claims each job; the sensor waits for that, and for nothing else."""

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from werkzeug.wrappers import Response

from dagster_airbyte_sync.assets.event_log.claims import started_before
from dagster_airbyte_sync.assets.start_jobs import side_by_side
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, SimulatedConnection
from dagster_airbyte_sync.testing.world.connections import ConnectionStatus
from helpers.deployment import Deployment
from helpers.start_jobs import JOBS, SHOP, finish_all, shown, start
from helpers.starting_process import starting_process
from helpers.waiting import wait_until


def answered_after(airbyte: AirbyteSimulator, meanwhile: Callable[[], None]) -> None:
    """Let something happen between the start of the next sync and the answer to it."""

    def answer(carry: Callable[[], Response]) -> Response:
        response = carry()
        meanwhile()
        return response

    airbyte.add_fault(Fault("answered late", answer), path=JOBS, method="POST")


def test_a_sync_that_ends_before_the_run_can_claim_it_waits_for_that(
    airbyte: AirbyteSimulator, deployment: Deployment
) -> None:
    deployment.tick()

    def end_and_tick() -> None:
        finish_all(airbyte)
        deployment.tick()

    answered_after(airbyte, end_and_tick)
    result = start(deployment, assets=["orders"])
    assert deployment.ticks[-1].materialized == []

    deployment.tick()

    (job,) = airbyte.jobs
    assert deployment.ticks[-1].materialized == [(name, job.job_id) for name in SHOP]
    assert shown(deployment, "orders")[keys.STARTED_BY_RUN] == result.run_id


def test_a_run_holds_no_sync_of_a_connection_that_it_has_claimed(
    airbyte: AirbyteSimulator, deployment: Deployment
) -> None:
    """It may be busy for minutes with the start of another one."""
    deployment.tick()
    reported: list[str] = []

    def is_reported() -> bool:
        airbyte.advance(60)
        reported.extend(name for name, _ in deployment.tick().materialized)
        return bool(reported)

    answered_after(airbyte, lambda: wait_until(is_reported, "a report of the other", seconds=10))
    result = start(deployment)

    assert result.success
    assert set(reported) in ({"leads"}, {*SHOP})


@pytest.mark.parametrize("status", ["active", "inactive", "locked"])
def test_a_run_holds_no_sync_of_a_connection_that_it_did_not_start(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deployment: Deployment,
    status: ConnectionStatus,
) -> None:
    """A sync ran there, or it was paused or locked; the run is busy with another start."""
    deployment.tick()
    running = airbyte.start_sync(shop)
    if status != "active":
        airbyte.succeed(running)
        airbyte.update_connection(shop, status=status)
    refused: list[int] = []
    reported: list[str] = []

    def tick_when_the_shop_is_refused(carry: Callable[[], Response]) -> Response:
        response = carry()
        if response.status_code == 409:
            refused.append(running.job_id)
            return response
        wait_until(is_reported, "a report of the shop", seconds=10)
        return response

    def is_reported() -> bool:
        if refused and not running.is_finished:
            airbyte.succeed(running)
        if refused:
            reported.extend(name for name, _ in deployment.tick().materialized)
        return bool(reported)

    slow = Fault("answered when the other is refused", tick_when_the_shop_is_refused)
    airbyte.add_fault(slow, path=JOBS, method="POST", times=None)
    start(deployment)

    assert set(reported) == {*SHOP}


def test_a_run_that_dies_before_it_claims_leaves_an_external_sync(
    airbyte: AirbyteSimulator, deployment: Deployment, tmp_path: Path
) -> None:
    deployment.tick()
    process = starting_process(airbyte, tmp_path, ["orders"])
    answered_after(airbyte, lambda: process.kill())
    process.start()
    process.join()
    finish_all(airbyte)

    held = deployment.tick().materialized
    (run,) = deployment.instance.get_runs()
    deployment.instance.report_run_failed(run)
    deployment.tick()

    (job,) = airbyte.jobs
    assert held == []
    assert deployment.reported_all(SHOP) == {name: [job.job_id] for name in SHOP}
    assert shown(deployment, "orders")[keys.TRIGGERED_BY] == "external"


def test_a_terminated_run_makes_no_further_starts(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """Those that Airbyte is asked for go on, and so the run still says which jobs they are."""
    tables = [f"table_{number}" for number in range(20)]
    for name in tables:
        airbyte.add_connection(name, streams=[name])
    process = starting_process(airbyte, tmp_path, tables)
    answered_after(airbyte, lambda: os.kill(process.pid or 0, signal.SIGINT))

    process.start()
    process.join()

    (run,) = instance.get_runs()
    started = {job.connection_id for job in airbyte.jobs}
    assert 1 <= len(started) <= 3
    assert not run.is_success
    assert started_before(instance, run).keys() == started


def test_one_that_is_terminated_as_it_hands_a_start_over_claims_it_too(
    airbyte: AirbyteSimulator, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(ThreadPoolExecutor):
        def submit(self, *args: Any, **more: Any) -> Any:
            super().submit(*args, **more)
            raise KeyboardInterrupt

    monkeypatch.setattr(side_by_side, "ThreadPoolExecutor", Interrupted)
    result = start(deployment, assets=["orders"])

    (run,) = deployment.instance.get_runs()
    (job,) = airbyte.jobs
    assert not result.success
    assert started_before(deployment.instance, run).keys() == {job.connection_id}
