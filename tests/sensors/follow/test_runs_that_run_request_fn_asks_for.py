"""What run_request_fn may ask for: whatever Dagster takes, and nothing that it would refuse."""

from collections.abc import Callable, Sequence

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteWorkspace,
    FinishedSync,
    load_airbyte_asset_specs,
)
from dagster_airbyte_sync.sensors import build_airbyte_polling_sensor
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.deployment import Deployment, version_of
from helpers.downstream import (
    DOWNSTREAM,
    by_region,
    names,
    needs_config,
    revenue,
    unrelated,
)

Deploy = Callable[..., Deployment]


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    airbyte.add_connection("crm", streams=["leads"])
    return airbyte.add_connection("shop", streams=["orders", "users"])


def test_run_request_fn_is_given_the_sync_and_its_keys(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    seen: list[tuple[int, list[str]]] = []

    def ask(sync: FinishedSync, keys: Sequence[dg.AssetKey]) -> dg.RunRequest:
        seen.append((sync.job.id, [key.to_user_string() for key in keys]))
        return dg.RunRequest(asset_selection=[dg.AssetKey("unrelated")], tags={"team": "sales"})

    deployment = deploy(*DOWNSTREAM, run_request_fn=ask)
    job = airbyte.run_sync(shop)

    (request,) = deployment.tick().requests

    assert seen == [(job.job_id, ["orders", "users"])]
    assert names(request) == ["unrelated"]
    assert request.tags["team"] == "sales"
    assert request.run_key == f"airbyte:{airbyte.workspace_id}:{version_of(job)}"


def not_runnable(*_: object) -> dg.RunRequest:
    return dg.RunRequest(asset_selection=[dg.AssetKey("no_such_asset")])


def no_selection(*_: object) -> dg.RunRequest:
    return dg.RunRequest()


def unknown_job(*_: object) -> dg.RunRequest:
    return dg.RunRequest(job_name="no_such_job")


def unknown_check(*_: object) -> dg.RunRequest:
    check = dg.AssetCheckKey(dg.AssetKey("revenue"), "no_such_check")
    return dg.RunRequest(asset_selection=[dg.AssetKey("revenue")], asset_check_keys=[check])


def wrong_type(*_: object) -> list[str]:
    return ["orders"]


def raises(*_: object) -> dg.RunRequest:
    raise KeyError("my own mistake")


@pytest.mark.parametrize(
    "ask", [not_runnable, no_selection, unknown_job, unknown_check, wrong_type, raises]
)
def test_a_request_dagster_would_refuse_is_left_out_and_the_sync_still_reported(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy, ask: Callable[..., object]
) -> None:
    deployment = deploy(*DOWNSTREAM, run_request_fn=ask)
    airbyte.run_sync(shop)

    first, second = deployment.tick(), deployment.tick()

    assert len(first.materialized) == 2
    assert (first.requests, second.events) == ([], [])


def test_a_bad_request_costs_no_good_one_beside_it(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    good = dg.RunRequest(asset_selection=[dg.AssetKey("revenue")])
    deployment = deploy(
        *DOWNSTREAM, run_request_fn=lambda *_: [not_runnable(), good, unknown_check()]
    )
    airbyte.run_sync(shop)

    assert [names(request) for request in deployment.tick().requests] == [["revenue"]]


@pytest.mark.parametrize(("check", "is_good"), [("is_positive", True), ("no_such_check", False)])
def test_the_checks_that_a_request_names_must_be_in_its_job(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    check: str,
    is_good: bool,
) -> None:
    wanted = dg.AssetCheckKey(revenue.key, check)
    refresh = dg.define_asset_job("refresh", selection=["revenue"])
    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    sensor = build_airbyte_polling_sensor(
        workspace=workspace,
        jobs=[refresh],
        run_request_fn=lambda *_: dg.RunRequest(job_name="refresh", asset_check_keys=[wanted]),
    )

    @dg.asset_check(asset=revenue)
    def is_positive() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    defs = dg.Definitions(
        assets=[*load_airbyte_asset_specs(workspace), revenue],
        asset_checks=[is_positive],
        jobs=[refresh],
        sensors=[sensor],
        resources={"airbyte": workspace},
    )
    airbyte.run_sync(shop)

    tick = Deployment(airbyte, workspace, defs, instance).tick()

    assert len(tick.materialized) == 2
    assert len(tick.requests) == (1 if is_good else 0)


@pytest.mark.parametrize(
    ("asset", "partition_key", "config", "is_good"),
    [
        (by_region, "north", {}, True),
        (by_region, "west", {}, False),
        (by_region, None, {}, False),
        (revenue, "north", {}, False),
        (needs_config, None, {"ops": {"needs_config": {"config": {"region": "north"}}}}, True),
        (needs_config, None, {"ops": {"needs_config": {"config": {"region": 7}}}}, False),
    ],
)
def test_partition_and_config_are_checked_before_dagster_does(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deploy: Deploy,
    asset: dg.AssetsDefinition,
    partition_key: str | None,
    config: dict[str, object],
    is_good: bool,
) -> None:
    def ask(sync: FinishedSync, keys: Sequence[dg.AssetKey]) -> dg.RunRequest:
        return dg.RunRequest(
            asset_selection=[asset.key], partition_key=partition_key, run_config=config
        )

    deployment = deploy(revenue, needs_config, by_region, run_request_fn=ask)
    airbyte.run_sync(shop)

    tick = deployment.tick()

    assert len(tick.materialized) == 2
    assert len(tick.requests) == (1 if is_good else 0)


@dg.asset_check(asset=revenue)
def is_positive() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def test_run_request_fn_may_ask_for_checks_alone_and_for_a_range_of_partitions(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    """All after the first two are refused here, as Dagster would refuse them, or run everything."""
    check = dg.AssetCheckKey(revenue.key, "is_positive")
    north, south = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"

    def ask(sync: FinishedSync, keys: Sequence[dg.AssetKey]) -> list[dg.RunRequest]:
        tags = {north: "north", south: "south"}
        return [
            dg.RunRequest(asset_selection=[], asset_check_keys=[check]),
            dg.RunRequest(asset_selection=[by_region.key], tags=tags),
            dg.RunRequest(asset_selection=[by_region.key], tags={**tags, south: "west"}),
            dg.RunRequest(asset_selection=[revenue.key], tags=tags),
            dg.RunRequest(asset_selection=[by_region.key], tags={north: "north"}),
            dg.RunRequest(asset_selection=[by_region.key], partition_key="north", tags=tags),
            dg.RunRequest(asset_selection=[by_region.key], tags={north: "south", south: "north"}),
            dg.RunRequest(asset_check_keys=[check]),
        ]

    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    defs = dg.Definitions(
        assets=[*load_airbyte_asset_specs(workspace), revenue, by_region],
        asset_checks=[is_positive],
        sensors=[build_airbyte_polling_sensor(workspace=workspace, run_request_fn=ask)],
        resources={"airbyte": workspace},
    )
    airbyte.run_sync(shop)

    of_checks, of_range = Deployment(airbyte, workspace, defs, instance).tick().requests

    assert (of_checks.asset_selection, of_checks.asset_check_keys) == ([], [check])
    assert of_range.tags[south] == "south"


def test_run_request_fn_may_name_the_jobs_it_was_given(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    refresh = dg.define_asset_job("refresh", selection=["unrelated"])
    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    sensor = build_airbyte_polling_sensor(
        workspace=workspace,
        jobs=[refresh],
        run_request_fn=lambda sync, keys: dg.RunRequest(job_name="refresh"),
    )
    defs = dg.Definitions(
        [*load_airbyte_asset_specs(workspace), unrelated],
        sensors=[sensor],
        jobs=[refresh],
        resources={"airbyte": workspace},
    )
    deployment = Deployment(airbyte, workspace, defs, instance)
    airbyte.run_sync(shop)

    assert [request.job_name for request in deployment.tick().requests] == ["refresh"]


def test_an_asset_that_is_not_here_is_named(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deploy: Deploy,
    capsys: pytest.CaptureFixture[str],
) -> None:
    deployment = deploy(*DOWNSTREAM, run_request_fn=not_runnable)
    airbyte.run_sync(shop)
    deployment.tick()

    assert "it selects what this code location cannot run: no_such_asset" in capsys.readouterr().err


def test_a_partition_may_be_given_by_dagsters_own_tag(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    wish = dg.RunRequest(asset_selection=[by_region.key], tags={"dagster/partition": "north"})
    deployment = deploy(by_region, run_request_fn=lambda *_: wish)
    airbyte.run_sync(shop)

    (request,) = deployment.tick().requests

    assert deployment.start(request).success


@dg.daily_partitioned_config(start_date="2026-01-01")
def each_day(start: object, end: object) -> dict[str, object]:
    return {"ops": {"count": {"config": {"least": 1}}}}


@dg.op(config_schema={"least": int})
def count(context: dg.OpExecutionContext) -> None: ...


@dg.job(config=each_day)
def count_each_day() -> None:
    count()


def test_the_only_job_need_not_be_named_and_may_have_a_config_for_each_partition(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    sensor = build_airbyte_polling_sensor(
        workspace=workspace,
        jobs=[count_each_day],
        run_request_fn=lambda *_: dg.RunRequest(partition_key="2026-01-02"),
    )
    defs = dg.Definitions(
        load_airbyte_asset_specs(workspace),
        jobs=[count_each_day],
        sensors=[sensor],
        resources={"airbyte": workspace},
    )
    airbyte.run_sync(shop)

    (request,) = Deployment(airbyte, workspace, defs, instance).tick().requests

    assert (request.job_name, request.partition_key) == ("count_each_day", "2026-01-02")
