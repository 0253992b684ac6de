"""Checks are an option of whatever makes assets that sync, with the same words and meaning."""

import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

import dagster_airbyte_sync as ours
from dagster_airbyte_sync import (
    AirbyteChecks,
    AirbyteResource,
    AirbyteWorkspace,
    airbyte_assets,
    build_airbyte_assets_definitions,
    build_airbyte_definitions,
    build_airbyte_polling_sensor,
    build_airbyte_sync_checks,
    load_airbyte_asset_specs,
    load_assets_from_airbyte_instance,
)
from dagster_airbyte_sync.assets.checks.check_settings import checks_in
from dagster_airbyte_sync.assets.sync import checks, reporting
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.resources import AirbyteError
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    RealClock,
    RecordedRequest,
    SimulatedConnection,
)
from helpers.deployment import Deployment, Tick
from helpers.simulated import host_and_port

# Of one table, by their names without "airbyte_".
USUAL = {"sync", "rows"}
ALL = {*USUAL, "schema", "connection"}
EVERY = AirbyteChecks(schema=True, connection=True)
# Dagster's databases have room for 512 characters in the column of keys.
LONG = "x" * 600

# What makes no assets that a run could sync, so that there is nothing to carry checks. Specs have
# theirs beside them.
WITHOUT = {
    "airbyte_source_asset",
    "build_airbyte_clear_job",
    "build_airbyte_failure_sensor",
    "build_airbyte_polling_sensor",
    "build_airbyte_queue_sensor",
    "build_airbyte_refresh_job",
    "build_airbyte_start_job",
    "build_airbyte_sync_schedule",
    "build_airbyte_when_all_sensor",
    "build_schedules_from_airbyte",
    "eager_on_new_rows",
    "freshness_from_airbyte_schedule",
    "load_airbyte_asset_specs",
    "load_airbyte_cloud_asset_specs",
    "put_back_schedules",
    "take_over_schedules",
}


def test_each_function_that_makes_assets_or_checks_takes_them() -> None:
    functions = {name for name in ours.__all__ if inspect.isfunction(getattr(ours, name))}
    takes = {n for n in functions if "checks" in inspect.signature(getattr(ours, n)).parameters}
    assert functions - takes == WITHOUT
    assert takes == {
        "airbyte_assets",
        "build_airbyte_assets_definitions",
        "build_airbyte_definitions",
        "build_airbyte_sync_checks",
        "load_assets_from_airbyte_instance",
    }
    assert "checks" in ours.AirbyteWorkspaceComponent.model_fields


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        yield airbyte


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=["orders", "users"], sync_seconds=0.05)


@pytest.fixture
def workspace(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> AirbyteWorkspace:
    return AirbyteWorkspace(
        **airbyte.workspace_config(), poll_interval=0.02, request_retry_delay=0.01
    )


def decorated(airbyte: AirbyteSimulator, workspace: AirbyteWorkspace, **options: Any) -> Any:
    [shop] = airbyte.connections

    @airbyte_assets(connection_id=shop.connection_id, workspace=workspace, **options)
    def sync_shop(
        context: dg.AssetExecutionContext, airbyte: dg.ResourceParam[AirbyteWorkspace]
    ) -> Iterator[object]:
        yield from airbyte.sync_and_poll(context=context)

    return [sync_shop]


def built(airbyte: AirbyteSimulator, workspace: AirbyteWorkspace, **options: Any) -> Any:
    return build_airbyte_assets_definitions(workspace=workspace, **options)


def former(airbyte: AirbyteSimulator, workspace: AirbyteWorkspace, **options: Any) -> Any:
    resource = AirbyteResource(
        **host_and_port(airbyte),
        workspace_id=airbyte.workspace_id,
        client_id=airbyte.client_id,
        client_secret=airbyte.client_secret,
        poll_interval=0.02,
        request_retry_delay=0.01,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [load_assets_from_airbyte_instance(resource, **options)]


CARRYING = (decorated, built, former)
Way = Callable[..., Sequence[Any]]
ways = pytest.mark.parametrize("way", CARRYING)


class Deploy:
    """Makes a deployment of what a way has made, with the sensor and its resource."""

    def __init__(
        self, airbyte: AirbyteSimulator, workspace: AirbyteWorkspace, instance: dg.DagsterInstance
    ) -> None:
        self.airbyte, self.workspace, self.instance = airbyte, workspace, instance

    def __call__(self, way: Way, **options: Any) -> Deployment:
        return self.of(way(self.airbyte, self.workspace, **options))

    def of(
        self, assets: Sequence[Any], beside: Sequence[dg.AssetChecksDefinition] = ()
    ) -> Deployment:
        defs = dg.Definitions(
            assets=assets,
            asset_checks=beside,
            sensors=[build_airbyte_polling_sensor(workspace=self.workspace)],
            resources={"airbyte": self.workspace},
        )
        deployment = Deployment(self.airbyte, self.workspace, defs, self.instance)
        deployment.tick()
        return deployment


@pytest.fixture
def deploy(airbyte: AirbyteSimulator, workspace: AirbyteWorkspace) -> Iterator[Deploy]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Deploy(airbyte, workspace, instance)


def defined(defs: dg.Definitions, table: str = "orders") -> set[str]:
    """The checks that a table has."""
    every = checks_in(defs.get_repository_def())
    own = (each for each in every if each.asset_key == dg.AssetKey(table))
    return {each.name.removeprefix("airbyte_") for each in own}


def evaluated(found: dg.ExecuteInProcessResult | Tick) -> dict[str, set[str]]:
    """Which checks were evaluated, by table."""
    events = (
        [each for each in found.events if isinstance(each, dg.AssetCheckEvaluation)]
        if isinstance(found, Tick)
        else found.get_asset_check_evaluations()
    )
    by_table: dict[str, set[str]] = {}
    for event in events:
        own = by_table.setdefault(event.asset_key.to_user_string(), set())
        own.add(event.check_name.removeprefix("airbyte_"))
    return by_table


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, set()),
        ({"checks": False}, set()),
        ({"checks": True}, USUAL),
        ({"checks": AirbyteChecks()}, USUAL),
        ({"checks": AirbyteChecks(rows=False)}, {"sync"}),
        ({"checks": EVERY}, ALL),
    ],
)
@ways
def test_the_option_means_the_same_and_who_comes_from_dagster_airbyte_has_none_unasked(
    airbyte: AirbyteSimulator,
    workspace: AirbyteWorkspace,
    way: Way,
    options: dict[str, Any],
    expected: set[str],
) -> None:
    defs = dg.Definitions(way(airbyte, workspace, **options), resources={"airbyte": workspace})
    assert (defined(defs), defined(defs, "users")) == (expected, expected)
    in_one_call = build_airbyte_definitions(workspace, **options)
    assert defined(in_one_call) == (expected if options else USUAL)


@ways
def test_a_run_evaluates_the_checks_of_what_it_materializes_and_the_sensor_adds_none(
    deploy: Deploy, way: Way
) -> None:
    deployment = deploy(way, checks=EVERY)
    result = deployment.materialize("orders", "users")
    assert result.success
    assert evaluated(result) == {"orders": ALL, "users": ALL}
    assert deployment.tick().events == []


def test_of_some_tables_only_their_checks_are_evaluated(deploy: Deploy) -> None:
    result = deploy(built, checks=True).materialize("orders")
    assert evaluated(result) == {"orders": USUAL}


@ways
def test_checks_by_hand_start_no_sync(deploy: Deploy, way: Way) -> None:
    deployment = deploy(way, checks=EVERY)
    checks = [dg.AssetCheckKey(dg.AssetKey("orders"), f"airbyte_{name}") for name in sorted(ALL)]
    job = dg.define_asset_job("by_hand", dg.AssetSelection.checks(*checks))
    defs = dg.Definitions.merge(deployment.defs, dg.Definitions(jobs=[job]))
    result = defs.resolve_job_def("by_hand").execute_in_process(instance=deployment.instance)
    assert evaluated(result) == {"orders": ALL}
    assert deployment.airbyte.jobs == []
    # Nor is one awaited of such a run, by schedules and the sensor.
    planned = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
    assert deployment.instance.get_records_for_run(result.run_id, of_type=planned).records == []


@ways
def test_the_sensor_evaluates_them_for_a_sync_that_somebody_else_started(
    deploy: Deploy, shop: SimulatedConnection, way: Way
) -> None:
    deployment = deploy(way, checks=EVERY)
    assert evaluated(deployment.ticks[0]) == {"orders": ALL - USUAL, "users": ALL - USUAL}
    deployment.airbyte.run_sync(shop, rows=3)
    assert evaluated(deployment.tick()) == {"orders": USUAL, "users": USUAL}


def test_it_evaluates_just_those_that_the_code_location_has_whoever_made_them(
    airbyte: AirbyteSimulator, deploy: Deploy, shop: SimulatedConnection
) -> None:
    crm = airbyte.add_connection("crm", streams=["leads"])
    erp = airbyte.add_connection("erp", streams=["bills"])
    hr = airbyte.add_connection("hr", streams=["people"])

    def named(name: str) -> dict[str, Any]:
        return {"workspace": deploy.workspace, "connection_selector_fn": lambda c: c.name == name}

    specs = load_airbyte_asset_specs(**named("erp"))
    in_one_call = build_airbyte_definitions(**named("hr"), sensor_name="of_hr", checks=EVERY)
    deployment = deploy.of(
        [
            *build_airbyte_assets_definitions(**named("shop"), checks=AirbyteChecks(rows=False)),
            *build_airbyte_assets_definitions(**named("crm")),
            *specs,
        ],
        build_airbyte_sync_checks(specs),
    )
    deployment.defs = dg.Definitions.merge(
        deployment.defs,
        dg.Definitions(assets=in_one_call.assets, asset_checks=in_one_call.asset_checks),
    )
    deployment.tick()
    for connection in (shop, crm, erp, hr):
        airbyte.run_sync(connection, rows=3)
    assert evaluated(deployment.tick()) == {
        "orders": {"sync"},
        "users": {"sync"},
        "bills": USUAL,
        "people": USUAL,
    }


def test_of_a_sync_that_fails_in_a_run_it_says_so_and_the_sensor_adds_none(
    airbyte: AirbyteSimulator, deploy: Deploy, shop: SimulatedConnection
) -> None:
    deployment = deploy(built, checks=True)
    airbyte.plan(shop, outcome="failed")
    result = deployment.materialize("orders", "users")
    assert not result.success
    assert said_of(deployment) == {"sync": "failed", "rows": "no_rows_yet"}
    assert evaluated(deployment.tick()) == {}


def said_of(deployment: Deployment) -> dict[str, str | None]:
    """What is stored of the checks of `orders`; None for what a run has only planned."""
    found: dict[str, str | None] = {}
    for name in sorted(USUAL):
        check = dg.AssetCheckKey(dg.AssetKey("orders"), f"airbyte_{name}")
        record = deployment.instance.get_latest_asset_check_evaluation_record(check)
        event = record.event.dagster_event if record and record.event else None
        said = event.event_specific_data if event else None
        metadata = said.metadata if isinstance(said, dg.AssetCheckEvaluation) else {}
        found[name] = keys.text_in(metadata, keys.VERDICT)
    return found


def test_an_airbyte_that_is_down_after_the_sync_fails_no_run_and_the_sensor_evaluates_them(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    """A retry of the step would sync once more."""
    deployment = deploy(built, checks=EVERY)
    # Only checks ask for that.
    airbyte.add_fault(Fault.status(500), path="/connections/get", times=None)
    result = deployment.materialize("orders", "users")
    assert result.success
    assert evaluated(result) == {"orders": USUAL, "users": USUAL}
    deployment.later += timedelta(minutes=5)
    assert evaluated(deployment.tick()) == {"orders": ALL - USUAL, "users": ALL - USUAL}


@pytest.fixture
def deployment_beside(deploy: Deploy) -> Deployment:
    specs = load_airbyte_asset_specs(deploy.workspace)
    assets = build_airbyte_assets_definitions(workspace=deploy.workspace)
    return deploy.of(assets, build_airbyte_sync_checks(specs, checks=EVERY))


def test_nor_does_it_where_they_are_beside_the_assets(
    airbyte: AirbyteSimulator,
    deployment_beside: Deployment,
    capfd: pytest.CaptureFixture[str],
) -> None:
    deployment = deployment_beside
    airbyte.add_fault(Fault.status(500), path="/connections/get", times=None)

    result = deployment.materialize("orders", "users")

    assert result.success
    assert evaluated(result) == {"orders": USUAL, "users": USUAL}
    assert "Not all checks of this sync are evaluated in this run." in capfd.readouterr().err
    deployment.later += timedelta(minutes=5)
    assert evaluated(deployment.tick()) == {"orders": ALL - USUAL, "users": ALL - USUAL}


def test_what_is_behind_an_airbyte_that_answers_none_of_them_the_sensor_says(
    airbyte: AirbyteSimulator, deployment_beside: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if it has seen the sync before the run came to its checks."""
    deployment = deployment_beside

    def unanswered(*_: object) -> Iterator[dg.AssetCheckResult]:
        deployment.tick()
        raise AirbyteError("Airbyte did not answer in 10 seconds")
        yield

    monkeypatch.setattr(checks, "evaluated", unanswered)
    assert deployment.materialize("orders").success
    assert said_of(deployment) == {"rows": None, "sync": None}

    deployment.later += timedelta(minutes=5)
    deployment.tick()

    assert None not in said_of(deployment).values()


def test_by_hand_one_that_gets_no_answer_fails(
    airbyte: AirbyteSimulator, deployment_beside: Deployment
) -> None:
    selected = dg.AssetSelection.checks_for_assets(dg.AssetKey("orders"))
    job = dg.define_asset_job("by_hand", selected)
    defs = dg.Definitions.merge(deployment_beside.defs, dg.Definitions(jobs=[job]))
    airbyte.add_fault(Fault.status(500), path="/connections/get", times=None)

    result = defs.resolve_job_def("by_hand").execute_in_process(
        instance=deployment_beside.instance, raise_on_error=False
    )

    assert not result.success


def test_nor_does_an_event_log_that_cannot_be_read(
    airbyte: AirbyteSimulator,
    deploy: Deploy,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    deployment = deploy(built, checks=EVERY, retry_policy=dg.RetryPolicy(max_retries=1))

    def broken(*_: object, **__: object) -> None:
        raise ConnectionError("the database is away")

    storage = type(deployment.instance.event_log_storage)
    with monkeypatch.context() as patched:
        patched.setattr(storage, "get_latest_asset_check_execution_by_key", broken)
        result = deployment.materialize("orders", "users")

    assert (result.success, evaluated(result), len(airbyte.jobs)) == (True, {}, 1)
    said = capfd.readouterr().err
    assert "Not all checks of this sync are evaluated in this run." in said
    assert "ConnectionError: the database is away" in said
    deployment.later += timedelta(minutes=5)
    assert evaluated(deployment.tick()) == {"orders": ALL, "users": ALL}


@ways
def test_a_table_that_dagster_cannot_store_has_none_and_fails_no_run(
    airbyte: AirbyteSimulator, deploy: Deploy, shop: SimulatedConnection, way: Way
) -> None:
    """A retry of the step would sync once more."""
    airbyte.update_connection(shop, streams=["orders", LONG])
    deploy.workspace.get_client().catalog(fresh=True)
    result = deploy(way, checks=EVERY).materialize("orders", LONG)
    assert (result.success, evaluated(result)) == (True, {"orders": ALL})


def test_nor_if_they_are_beside_it(
    airbyte: AirbyteSimulator, deploy: Deploy, shop: SimulatedConnection
) -> None:
    airbyte.update_connection(shop, streams=["orders", LONG])
    deploy.workspace.get_client().catalog(fresh=True)
    specs = load_airbyte_asset_specs(workspace=deploy.workspace)
    deployment = deploy.of(specs, build_airbyte_sync_checks(specs, checks=EVERY))
    every = dg.AssetSelection.checks_for_assets(*map(dg.AssetKey, ("orders", LONG)))
    job = dg.define_asset_job("by_hand", every)
    defs = dg.Definitions.merge(deployment.defs, dg.Definitions(jobs=[job]))
    result = defs.resolve_job_def("by_hand").execute_in_process(instance=deployment.instance)
    assert evaluated(result) == {"orders": ALL}


def test_a_step_that_outlives_its_run_evaluates_no_more(
    airbyte: AirbyteSimulator, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the sensor says in its place stays shown."""
    monkeypatch.setattr(reporting, "_LOOK_EVERY", 0)
    deployment = deploy(built, checks=EVERY)

    def end_the_run(request: RecordedRequest) -> None:
        if request.path.endswith("/connections/get"):
            [run] = deployment.instance.get_runs()
            deployment.instance.report_run_failed(run)

    airbyte.on_request(end_the_run)
    result = deployment.materialize("orders")
    assert (result.success, evaluated(result)) == (False, {"orders": USUAL})


NAMES = [
    "Order Lines",
    "order-lines",
    "order_lines",
    "order_lines_airbyte_sync",
    "class",
    "ünïcode",
]


@ways
def test_tables_of_any_name_carry_them(
    airbyte: AirbyteSimulator, deploy: Deploy, shop: SimulatedConnection, way: Way
) -> None:
    airbyte.update_connection(shop, streams=NAMES)
    deploy.workspace.get_client().catalog(fresh=True)
    deployment = deploy(way, checks=True)
    result = deployment.materialize(*NAMES)
    assert evaluated(result) == dict.fromkeys(NAMES, USUAL)
    assert deployment.tick().events == []
