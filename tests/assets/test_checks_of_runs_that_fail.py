"""A run that fails has planned checks that are never evaluated: they say again what was known."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteChecks,
    AirbyteConnectionTableProps,
    AirbyteWorkspace,
    DagsterAirbyteTranslator,
    build_airbyte_assets_definitions,
    build_airbyte_definitions,
)
from dagster_airbyte_sync.assets.checks.check_settings import CHECKS_OF_SYNCS
from dagster_airbyte_sync.assets.event_log.evaluations import last_said
from dagster_airbyte_sync.assets.events import said_before
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, RealClock, SimulatedConnection
from helpers.deployment import Deployment, deployed

Deploy = Callable[..., Deployment]
ALL = AirbyteChecks(schema=True, connection=True)
BUSY = "Airbyte is already running a job on this connection"


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        yield airbyte


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=["orders", "users"], sync_seconds=0.01)


@pytest.fixture
def deploy(airbyte: AirbyteSimulator) -> Iterator[Deploy]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield partial(deployed, airbyte, instance)


@pytest.fixture
def deployment(deploy: Deploy, shop: SimulatedConnection) -> Deployment:
    deployment = deploy(checks=ALL)
    deployment.tick()
    return deployment


class Partitioned(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        daily = dg.DailyPartitionsDefinition("2026-01-01", end_offset=1)
        return super().get_asset_spec(props).replace_attributes(partitions_def=daily)


def shown(deployment: Deployment, table: str = "orders") -> dict[str, str | None]:
    """What Dagster shows of each check: the word for what it says, or None for what a run has
    planned and not evaluated."""
    checks = [dg.AssetCheckKey(dg.AssetKey(table), name) for name in ALL.names]
    storage = deployment.instance.event_log_storage
    latest = storage.get_latest_asset_check_execution_by_key(checks)
    found: dict[str, str | None] = {}
    for check, record in latest.items():
        event = record.event.dagster_event if record.event else None
        said = event.event_specific_data if event else None
        metadata = said.metadata if isinstance(said, dg.AssetCheckEvaluation) else {}
        found[check.name.removeprefix("airbyte_")] = keys.text_in(metadata, keys.VERDICT)
    return found


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    (failed,) = [each for each in result.all_events if each.is_step_failure]
    error = failed.step_failure_data.error
    assert error
    return str(error)


def busy(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> None:
    airbyte.begin(airbyte.start_sync(shop))


def paused(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> None:
    airbyte.update_connection(shop, status="inactive")


def down(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> None:
    airbyte.add_fault(Fault.status(503), times=None)


@pytest.mark.parametrize("trouble", [busy, paused, down])
def test_a_run_that_starts_no_sync_leaves_each_check_as_it_was(
    airbyte: AirbyteSimulator,
    deployment: Deployment,
    shop: SimulatedConnection,
    trouble: Callable[[AirbyteSimulator, SimulatedConnection], None],
) -> None:
    airbyte.run_sync(shop, rows=7)
    deployment.tick()
    before = shown(deployment)
    assert before == {
        "sync": "succeeded",
        "rows": "first",
        "schema": "unchanged",
        "connection": "active",
    }
    trouble(airbyte, shop)

    result = deployment.materialize("orders")

    assert not result.success
    assert shown(deployment) == shown(deployment, "users") == before
    # Nothing of what the run had not planned.
    assert [each.asset_key for each in deployment.said_in(result)] == [dg.AssetKey("orders")] * 4


def test_what_another_run_is_about_to_evaluate_is_left_to_it(
    airbyte: AirbyteSimulator, deployment: Deployment, shop: SimulatedConnection
) -> None:
    deployment.plan("users")
    busy(airbyte, shop)

    assert not deployment.materialize("orders").success

    assert set(shown(deployment, "users").values()) == {None}
    assert None not in shown(deployment).values()


def test_what_is_said_again_is_the_same_in_all_that_people_see(
    airbyte: AirbyteSimulator, deployment: Deployment, shop: SimulatedConnection
) -> None:
    airbyte.fail(airbyte.start_sync(shop), reason="disk full")
    stored = {
        event.check_name: event
        for event in deployment.tick().events
        if isinstance(event, dg.AssetCheckEvaluation) and event.asset_key == dg.AssetKey("orders")
    }
    busy(airbyte, shop)

    said = deployment.said_in(deployment.materialize("orders"))

    again = {each.check_name: each for each in said}
    for name in CHECKS_OF_SYNCS:
        assert again[name] == stored[name]


def test_a_run_of_a_partition_leaves_each_check_as_it_was(
    airbyte: AirbyteSimulator, deploy: Deploy, shop: SimulatedConnection
) -> None:
    deployment = deploy(checks=ALL, dagster_airbyte_translator=Partitioned())
    deployment.tick()
    airbyte.run_sync(shop, rows=7)
    deployment.tick()
    before = shown(deployment)
    busy(airbyte, shop)
    today = f"{airbyte.now:%Y-%m-%d}"

    run = dg.RunRequest(asset_selection=[dg.AssetKey("orders")], partition_key=today)
    assert not deployment.start(run).success

    assert shown(deployment) == before


def test_where_nothing_was_ever_said_it_says_that_and_the_next_sync_what_it_finds(
    airbyte: AirbyteSimulator, deploy: Deploy, shop: SimulatedConnection
) -> None:
    deployment = deploy(checks=True)
    deployment.tick()
    busy(airbyte, shop)
    assert not deployment.materialize("orders").success
    assert shown(deployment) == {"sync": "no_sync_yet", "rows": "no_rows_yet"}
    assert shown(deployment, "users") == {}

    airbyte.succeed(airbyte.jobs[-1], rows=7)
    deployment.tick()
    assert shown(deployment) == shown(deployment, "users") == {"sync": "succeeded", "rows": "first"}


def test_a_run_whose_sync_fails_says_so_as_the_sensor_would_and_the_rest_as_it_was(
    airbyte: AirbyteSimulator, deployment: Deployment, shop: SimulatedConnection
) -> None:
    airbyte.run_sync(shop, rows=7)
    deployment.tick()
    before = shown(deployment)
    airbyte.plan(shop, outcome="failed", reason="disk full")

    result = deployment.materialize("orders")

    assert not result.success
    assert shown(deployment) == {**before, "sync": "failed"}
    # Of the other table, which the run did not ask for.
    (by_sensor,) = deployment.tick().events
    assert isinstance(by_sensor, dg.AssetCheckEvaluation)
    assert by_sensor.asset_key == dg.AssetKey("users")
    of_run = by_name(deployment.said_in(result))["airbyte_sync"]
    assert body(of_run) == body(by_sensor)
    assert "disk full" in str(of_run.description)
    assert shown(deployment) == shown(deployment, "users") == {**before, "sync": "failed"}


def test_where_syncs_failed_before_it_counts_on(
    airbyte: AirbyteSimulator, deployment: Deployment, shop: SimulatedConnection
) -> None:
    airbyte.fail(airbyte.start_sync(shop))
    deployment.tick()
    airbyte.plan(shop, outcome="failed")

    said = by_name(deployment.said_in(deployment.materialize("orders")))

    assert keys.int_in(said["airbyte_sync"].metadata, keys.FAILURES_IN_A_ROW) == 2


def test_a_run_whose_first_sync_fails_and_the_sensor_say_the_same(
    airbyte: AirbyteSimulator, deploy: Deploy, shop: SimulatedConnection
) -> None:
    deployment = deploy(checks=True)
    deployment.tick()
    airbyte.plan(shop, outcome="failed", reason="disk full")

    of_run = deployment.said_in(deployment.materialize("orders"))
    by_sensor = deployment.tick().events

    assert {event.asset_key for event in by_sensor} == {dg.AssetKey("users")}
    assert len(by_sensor) == len(of_run) == 2
    for event in by_sensor:
        assert isinstance(event, dg.AssetCheckEvaluation)
        assert body(event) == body(by_name(of_run)[event.check_name])
    expected = {"sync": "failed", "rows": "no_rows_yet"}
    assert shown(deployment) == shown(deployment, "users") == expected


def by_name(said: Sequence[dg.AssetCheckEvaluation]) -> dict[str, dg.AssetCheckEvaluation]:
    return {each.check_name: each for each in said}


def body(event: dg.AssetCheckEvaluation) -> tuple[object, ...]:
    return event.passed, event.severity, event.description, event.metadata


@pytest.mark.parametrize("carried", [True, False], ids=["carried", "beside"])
def test_of_a_sync_that_fails_in_part_it_says_what_is_complete(
    airbyte: AirbyteSimulator, deploy: Deploy, shop: SimulatedConnection, *, carried: bool
) -> None:
    """Where the checks are beside the assets, only a code location knows their settings."""
    settings = airbyte.workspace_config()
    workspace = AirbyteWorkspace(**settings, poll_interval=0.02, partial_success=True)
    defs = build_airbyte_definitions(workspace, checks=not carried)
    if carried:
        assets = build_airbyte_assets_definitions(workspace=workspace, checks=True)
        defs = dg.Definitions(assets, sensors=defs.sensors, resources={"airbyte": workspace})
    deployment = Deployment(airbyte, workspace, defs, deploy().instance)
    deployment.tick()
    airbyte.run_sync(shop, rows={"orders": 0, "users": 7})
    deployment.tick()
    airbyte.plan(shop, outcome="failed", rows=7, completed=["orders"])

    assert not deployment.materialize("orders", "users").success

    complete = {"sync": "partial", "rows": "first"}
    assert shown(deployment) == (complete if carried else {**complete, "rows": None})
    assert shown(deployment, "users") == {"sync": "failed", "rows": "first"}
    assert len(deployment.tick().events) == (0 if carried else 1)
    assert shown(deployment) == complete


def test_of_an_attempt_that_is_tried_again_nothing_is_said(
    airbyte: AirbyteSimulator, deploy: Deploy, shop: SimulatedConnection
) -> None:
    deployment = deploy(checks=True, retry_policy=dg.RetryPolicy(max_retries=1))
    deployment.tick()
    airbyte.plan(shop, outcome="failed")

    result = deployment.materialize("orders")

    assert result.success
    assert deployment.said_in(result) == result.get_asset_check_evaluations()
    assert shown(deployment) == {"sync": "succeeded", "rows": "first"}


@pytest.mark.parametrize("trouble", [busy, paused, down])
def test_of_several_attempts_the_last_says_it_once(
    airbyte: AirbyteSimulator,
    deploy: Deploy,
    shop: SimulatedConnection,
    trouble: Callable[[AirbyteSimulator, SimulatedConnection], None],
) -> None:
    deployment = deploy(checks=True, retry_policy=dg.RetryPolicy(max_retries=2))
    deployment.tick()
    airbyte.run_sync(shop, rows=7)
    deployment.tick()
    trouble(airbyte, shop)

    result = deployment.materialize("orders")

    assert not result.success
    assert len(deployment.said_in(result)) == 2
    assert shown(deployment) == {"sync": "succeeded", "rows": "first"}


def test_whether_syncs_succeeded_is_said_first_of_all_tables(
    airbyte: AirbyteSimulator, deployment: Deployment, shop: SimulatedConnection
) -> None:
    airbyte.run_sync(shop, rows=7)
    deployment.tick()
    busy(airbyte, shop)

    said = deployment.said_in(deployment.materialize("orders", "users"))

    assert [each.check_name for each in said[:2]] == ["airbyte_sync"] * 2
    assert len(said) == 8


def test_a_terminated_run_leaves_each_check_as_it_was(
    airbyte: AirbyteSimulator,
    deployment: Deployment,
    shop: SimulatedConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    airbyte.run_sync(shop, rows=7)
    deployment.tick()
    before = shown(deployment)

    def terminate(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dagster_airbyte_sync.assets.sync.step.follow", terminate)
    assert not deployment.materialize("orders").success

    assert shown(deployment) == before


@pytest.mark.parametrize("end", [KeyboardInterrupt(), dg.Failure("over", allow_retries=False)])
def test_what_nobody_tries_again_says_it_whatever_the_policy(
    airbyte: AirbyteSimulator,
    deploy: Deploy,
    shop: SimulatedConnection,
    monkeypatch: pytest.MonkeyPatch,
    end: BaseException,
) -> None:
    deployment = deploy(checks=True, retry_policy=dg.RetryPolicy(max_retries=1))
    deployment.tick()

    def terminate(*_: object) -> None:
        raise end

    monkeypatch.setattr("dagster_airbyte_sync.assets.sync.step.follow", terminate)
    assert not deployment.materialize("orders").success

    assert shown(deployment) == {"sync": "no_sync_yet", "rows": "no_rows_yet"}


def test_how_a_connection_stands_is_looked_up_once_for_all_of_its_tables(
    airbyte: AirbyteSimulator,
    deploy: Deploy,
    shop: SimulatedConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deployment = deploy(checks=AirbyteChecks(rows=False, connection=True))
    deployment.tick()
    busy(airbyte, shop)
    asked: list[str] = []

    def counted(
        instance: dg.DagsterInstance, check: dg.AssetCheckKey, connection_id: str
    ) -> object:
        asked.append(check.name)
        return last_said(instance, check, connection_id)

    monkeypatch.setattr(said_before, "last_said", counted)
    said = deployment.said_in(deployment.materialize("orders", "users"))

    assert asked == ["airbyte_sync", "airbyte_sync", "airbyte_connection"]
    assert [each.asset_key.to_user_string() for each in said[2:]] == ["orders", "users"]


def test_an_event_log_that_cannot_be_read_hides_not_why_the_run_failed(
    airbyte: AirbyteSimulator,
    deployment: Deployment,
    shop: SimulatedConnection,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    busy(airbyte, shop)

    def broken(*_: object, **__: object) -> None:
        raise ConnectionError("the database is away")

    storage = type(deployment.instance.event_log_storage)
    monkeypatch.setattr(storage, "get_latest_asset_check_execution_by_key", broken)

    result = deployment.materialize("orders")

    assert BUSY in failure_of(result)
    assert "The results of the checks before this run cannot be read: the database is away" in (
        capfd.readouterr().err
    )


def test_a_later_run_that_succeeds_has_the_last_word(
    airbyte: AirbyteSimulator, deployment: Deployment, shop: SimulatedConnection
) -> None:
    airbyte.fail(airbyte.start_sync(shop))
    deployment.tick()
    airbyte.begin(airbyte.start_sync(shop))
    assert not deployment.materialize("orders").success
    assert shown(deployment)["sync"] == "failed"
    airbyte.succeed(airbyte.jobs[-1], rows=7)

    assert deployment.materialize("orders").success

    assert (shown(deployment)["sync"], shown(deployment)["rows"]) == ("succeeded", "first")
