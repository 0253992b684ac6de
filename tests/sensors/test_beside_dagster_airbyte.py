"""A project that moves over adds our sensor first, and keeps dagster-airbyte's assets for a while.

Their runs start a sync, or follow one that they find running, and say nothing of its number.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import dagster as dg
import pytest
from freezegun import freeze_time

from dagster_airbyte_sync import (
    AirbyteWorkspace,
    build_airbyte_sync_checks,
    load_airbyte_asset_specs,
)
from dagster_airbyte_sync.sensors import build_airbyte_polling_sensor
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection, SimulatedJob
from helpers.deployment import Deployment

STREAMS = ["orders", "users"]
MINUTE = timedelta(minutes=1)


class Time:
    """Airbyte's clock and Dagster's, which go together."""

    def __init__(self, airbyte: AirbyteSimulator, frozen: Any) -> None:
        self._airbyte = airbyte
        self._frozen = frozen

    def passes(self, by: timedelta) -> None:
        self._airbyte.advance(by)
        self._frozen.tick(by)


@pytest.fixture(params=["configuration", "public"])
def either(request: pytest.FixtureRequest, frozen: Any) -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(configuration_api=request.param == "configuration") as airbyte:
        yield airbyte


@pytest.fixture
def frozen() -> Iterator[Any]:
    with freeze_time(datetime(2026, 8, 1, 12, tzinfo=timezone.utc), tick=True) as frozen:
        yield frozen


@pytest.fixture
def time(either: AirbyteSimulator, frozen: Any) -> Time:
    return Time(either, frozen)


@pytest.fixture
def shop(either: AirbyteSimulator) -> SimulatedConnection:
    return either.add_connection("shop", streams=STREAMS)


@dg.asset(deps=["orders"])
def revenue() -> None: ...


@pytest.fixture
def deployment(
    either: AirbyteSimulator, shop: SimulatedConnection, time: Time
) -> Iterator[Deployment]:
    """Assets as dagster-airbyte's, with our sensor and our checks beside them."""
    workspace = AirbyteWorkspace(**either.workspace_config(), request_retry_delay=0.01)

    @dg.multi_asset(specs=[dg.AssetSpec(name) for name in STREAMS], can_subset=True)
    def sync_shop(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[object]]:
        client = workspace.get_client()
        running = [job for job in either.jobs if not job.is_finished]
        job_id = running[0].job_id if running else client.start_sync(shop.connection_id).id
        time.passes(5 * MINUTE)
        if not either.job(job_id).is_finished:
            either.succeed(either.job(job_id), rows=3)
        time.passes(timedelta(seconds=8))
        for key in sorted(context.selected_asset_keys):
            yield dg.MaterializeResult(asset_key=key, metadata={"rows": 3})

    sensor = build_airbyte_polling_sensor(
        workspace=workspace, downstream=dg.AssetSelection.assets("revenue")
    )
    checks = build_airbyte_sync_checks(load_airbyte_asset_specs(workspace))
    defs = dg.Definitions(
        [sync_shop, revenue],
        asset_checks=checks,
        sensors=[sensor],
        resources={"airbyte": workspace},
    )
    with dg.DagsterInstance.ephemeral() as instance:
        deployment = Deployment(either, workspace, defs, instance)
        deployment.tick()
        time.passes(10 * MINUTE)
        yield deployment


def external_sync(airbyte: AirbyteSimulator, shop: SimulatedConnection, time: Time) -> SimulatedJob:
    """Started by somebody in Airbyte; it takes four minutes."""
    job = airbyte.begin(airbyte.start_sync(shop))
    time.passes(4 * MINUTE)
    airbyte.succeed(job, rows=3)
    time.passes(timedelta(seconds=20))
    return job


def is_green(deployment: Deployment, table: str) -> bool:
    check = dg.AssetCheckKey(dg.AssetKey(table), "airbyte_sync")
    record = deployment.instance.get_latest_asset_check_evaluation_record(check)
    return record is not None and record.evaluation is not None and record.evaluation.passed


def requests_in(deployment: Deployment) -> int:
    return sum(len(tick.requests) for tick in deployment.ticks)


def test_a_runs_own_sync_is_reported_by_the_run_alone(
    deployment: Deployment, time: Time, shop: SimulatedConnection
) -> None:
    """And asks for no run of what is downstream, as the run itself took care of that."""
    assert deployment.materialize(*STREAMS).success
    for _ in range(3):
        deployment.tick()
        time.passes(2 * MINUTE)
    deployment.cursor = None
    deployment.tick()

    assert len(deployment.airbyte.jobs) == 1
    assert deployment.reported_all(STREAMS) == {name: [None] for name in STREAMS}
    assert requests_in(deployment) == 0


def test_what_airbyte_syncs_by_itself_is_reported_by_the_sensor_once(
    either: AirbyteSimulator, deployment: Deployment, time: Time, shop: SimulatedConnection
) -> None:
    """Before a run's own sync, and after it; each asks for one run of what is downstream."""
    before = external_sync(either, shop, time)
    deployment.tick()
    time.passes(MINUTE)
    assert deployment.materialize(*STREAMS).success
    deployment.tick()
    time.passes(MINUTE)
    after = external_sync(either, shop, time)
    for _ in range(2):
        deployment.tick()
        time.passes(MINUTE)
    deployment.cursor = None
    deployment.tick()

    reported = [before.job_id, None, after.job_id]
    assert deployment.reported_all(STREAMS) == dict.fromkeys(STREAMS, reported)
    run_keys = {request.run_key for tick in deployment.ticks for request in tick.requests}
    assert len(run_keys) == 2


def test_what_ended_between_two_ticks_and_before_a_run_is_reported_as_well(
    either: AirbyteSimulator, deployment: Deployment, time: Time, shop: SimulatedConnection
) -> None:
    """The last materialization is the run's, and names no job: the history says what is missing."""
    before = external_sync(either, shop, time)
    time.passes(MINUTE)
    assert deployment.materialize(*STREAMS).success
    deployment.tick()
    deployment.tick()

    assert deployment.reported_all(STREAMS) == {name: [None, before.job_id] for name in STREAMS}
    assert requests_in(deployment) == 1


def test_a_runs_own_sync_turns_a_red_check_green(
    either: AirbyteSimulator, deployment: Deployment, time: Time, shop: SimulatedConnection
) -> None:
    """The run evaluates them itself, as their assets are selected with it: the sensor adds none."""
    either.fail(either.start_sync(shop), reason="password expired")
    time.passes(MINUTE)
    assert [passed for _, _, passed in deployment.tick().checked] == [False, False]
    time.passes(MINUTE)
    assert deployment.materialize(*STREAMS).success

    ticks = [deployment.tick() for _ in range(2)]
    deployment.cursor = None
    ticks.append(deployment.tick())

    assert [tick.checked for tick in ticks] == [[], [], []]
    assert [is_green(deployment, name) for name in STREAMS] == [True, True]
    assert deployment.reported_all(STREAMS) == {name: [None] for name in STREAMS}
    assert requests_in(deployment) == 0


def test_a_run_that_followed_a_sync_begun_before_it_is_named_once_with_what_to_change(
    either: AirbyteSimulator,
    deployment: Deployment,
    time: Time,
    shop: SimulatedConnection,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whether the run has reported that sync cannot be known: lost would be worse than twice."""
    warned = []
    for _ in range(2):
        job = either.begin(either.start_sync(shop))
        time.passes(3 * MINUTE)
        run = deployment.materialize(*STREAMS)
        for _ in range(2):
            deployment.tick()
            time.passes(MINUTE)
        said = capsys.readouterr().err
        warned.append([run.run_id in line for line in said.splitlines() if "twice" in line])
        if len(warned) == 1:
            assert "import them from dagster_airbyte_sync in place of dagster_airbyte" in said
            assert shop.connection_id in said
        assert deployment.reported("orders")[-2:] == [None, job.job_id]

    assert warned == [[True], []]


def test_a_sync_that_is_known_to_be_the_runs_own_or_external_is_no_reason_to_warn(
    either: AirbyteSimulator,
    deployment: Deployment,
    time: Time,
    shop: SimulatedConnection,
    capsys: pytest.CaptureFixture[str],
) -> None:
    external_sync(either, shop, time)
    time.passes(MINUTE)
    deployment.materialize(*STREAMS)
    deployment.tick()
    time.passes(MINUTE)
    external_sync(either, shop, time)
    deployment.tick()

    assert "reported twice" not in capsys.readouterr().err
