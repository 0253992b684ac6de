"""Run requests: once for each sync the sensor reports, and never one that Dagster would refuse."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteSettingsError,
    AirbyteWorkspace,
    FinishedSync,
    load_airbyte_asset_specs,
)
from dagster_airbyte_sync.sensors import build_airbyte_polling_sensor
from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock, SimulatedConnection
from helpers.deployment import Deployment, deployed, version_of

Deploy = Callable[..., Deployment]


@dg.asset(deps=["orders"])
def revenue() -> None: ...


@dg.asset(deps=[revenue, "leads"])
def forecast() -> None: ...


@dg.asset(deps=["leads"])
def funnel() -> None: ...


@dg.asset
def unrelated() -> None: ...


ORDERS = dg.AssetKey("orders")
DOWNSTREAM = (revenue, forecast, funnel, unrelated)


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    airbyte.add_connection("crm", streams=["leads"])
    return airbyte.add_connection("shop", streams=["orders", "users"])


def names(request: dg.RunRequest) -> list[str]:
    return sorted(key.to_user_string() for key in request.asset_selection or ())


def test_a_sync_requests_one_run_of_what_lies_downstream_of_its_tables(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    deployment = deploy(*DOWNSTREAM, downstream=dg.AssetSelection.all())
    job = airbyte.run_sync(shop)

    (request,) = deployment.tick().requests

    assert names(request) == ["forecast", "revenue"]
    assert request.run_key == f"airbyte:{airbyte.workspace_id}:{version_of(job)}"
    assert request.tags["dagster-airbyte/connection_id"] == shop.connection_id
    assert request.tags["dagster-airbyte/job_id"] == str(job.job_id)
    assert deployment.tick().requests == []


def test_only_selected_downstream_assets_are_run(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    deployment = deploy(*DOWNSTREAM, downstream=dg.AssetSelection.assets("revenue", "unrelated"))
    airbyte.run_sync(shop)

    assert [names(request) for request in deployment.tick().requests] == [["revenue"]]


def test_a_sync_with_nothing_downstream_requests_no_run(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    deployment = deploy(*DOWNSTREAM, downstream=dg.AssetSelection.assets("funnel"))
    airbyte.run_sync(shop)

    tick = deployment.tick()

    assert len(tick.materialized) == 2
    assert tick.requests == []


def test_what_depends_on_a_table_by_its_name_lies_downstream_as_dagster_shows_it(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    """dagster-dbt names the table of a source; Dagster then draws the edge, though keys differ."""
    specs = load_airbyte_asset_specs(AirbyteWorkspace(**airbyte.workspace_config()))
    table = next(spec.metadata["dagster/table_name"] for spec in specs if spec.key == ORDERS)
    source = dg.AssetDep(dg.AssetKey(["raw", "orders"]), metadata={"dagster/table_name": table})

    @dg.asset(deps=[source])
    def model() -> None: ...

    deployment = deploy(model, downstream=dg.AssetSelection.all())
    airbyte.run_sync(shop)

    assert [names(request) for request in deployment.tick().requests] == [["model"]]


def test_a_name_that_is_gone_stops_neither_the_reports_nor_the_other_runs(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deploy: Deploy,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Or one that lives in another code location: a sensor starts assets of its own only."""
    deployment = deploy(*DOWNSTREAM, downstream=dg.AssetSelection.assets("revenue", "gone"))
    airbyte.run_sync(shop)

    tick = deployment.tick()

    assert len(tick.materialized) == 2
    assert [names(request) for request in tick.requests] == [["revenue"]]
    assert "['gone'] were selected" in capsys.readouterr().err


def test_each_of_two_syncs_requests_its_own_run(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    deployment = deploy(*DOWNSTREAM, downstream=dg.AssetSelection.all())
    airbyte.run_sync(shop)
    airbyte.run_sync(airbyte.connection("crm"))

    requests = deployment.tick().requests

    assert sorted(map(names, requests)) == [["forecast", "funnel"], ["forecast", "revenue"]]
    assert len({request.run_key for request in requests}) == 2


def test_a_run_is_still_requested_if_the_daemon_died_after_the_events(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    deployment = deploy(*DOWNSTREAM, downstream=dg.AssetSelection.all())
    airbyte.run_sync(shop)

    died = deployment.tick(crash_after=2)
    tick = deployment.tick()

    assert tick.materialized == []
    assert [r.run_key for r in tick.requests] == [r.run_key for r in died.requests]


def test_a_sync_of_dagsters_own_requests_no_run() -> None:
    with (
        AirbyteSimulator(clock=RealClock()) as airbyte,
        dg.DagsterInstance.ephemeral() as instance,
    ):
        airbyte.add_connection("shop", streams=["orders"], sync_seconds=0.1)
        deployment = deployed(
            airbyte, instance, revenue, forecast, downstream=dg.AssetSelection.assets("revenue")
        )
        assert deployment.materialize("orders").success

        assert deployment.tick().requests == []


def test_failed_and_clearing_jobs_request_no_run(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    deployment = deploy(*DOWNSTREAM, downstream=dg.AssetSelection.all())
    airbyte.fail(airbyte.start_sync(shop), reason="no")
    airbyte.run_clear(shop)

    assert deployment.tick().requests == []


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


class Wanted(dg.Config):
    region: str


@dg.asset(deps=["orders"])
def needs_config(config: Wanted) -> None: ...


@dg.asset(deps=["orders"], partitions_def=dg.StaticPartitionsDefinition(["north", "south"]))
def by_region() -> None: ...


@pytest.mark.parametrize("asset", [needs_config, by_region], ids=["config", "partitions"])
def test_downstream_assets_that_need_more_than_a_sync_gives_are_left_out(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deploy: Deploy,
    asset: dg.AssetsDefinition,
) -> None:
    deployment = deploy(asset, downstream=dg.AssetSelection.assets(asset.key))
    airbyte.run_sync(shop)

    first, second = deployment.tick(), deployment.tick()

    assert len(first.materialized) == 2
    assert (first.requests, second.events) == ([], [])


def test_a_partitioned_asset_does_not_take_the_others_with_it(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deploy: Deploy,
    capsys: pytest.CaptureFixture[str],
) -> None:
    deployment = deploy(revenue, by_region, downstream=dg.AssetSelection.all())
    airbyte.run_sync(shop)

    assert [names(request) for request in deployment.tick().requests] == [["revenue"]]
    assert "because a sync has no partition: by_region." in capsys.readouterr().err


def test_an_asset_that_needs_config_does_not_take_the_others_with_it(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deploy: Deploy,
    capsys: pytest.CaptureFixture[str],
) -> None:
    deployment = deploy(revenue, needs_config, downstream=dg.AssetSelection.all())
    airbyte.run_sync(shop)

    assert [names(request) for request in deployment.tick().requests] == [["revenue"]]
    said = capsys.readouterr().err
    assert "needs_config. Dagster would refuse it: " in said
    assert "Missing required config" in said


@dg.multi_asset(specs=[dg.AssetSpec("margin", deps=["orders"]), dg.AssetSpec("costs")])
def margin_and_costs() -> tuple[None, None]:
    return None, None


def test_what_cannot_be_run_alone_is_run_with_its_neighbours(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deploy: Deploy,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As Dagster's UI and automation do: the sync is of one output's table only."""
    deployment = deploy(margin_and_costs, downstream=dg.AssetSelection.assets("margin"))
    airbyte.run_sync(shop)

    assert [names(request) for request in deployment.tick().requests] == [["costs", "margin"]]
    assert "cannot be run without: costs" in capsys.readouterr().err


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
    """The last two name a partition that is not there: nothing of them reaches Dagster."""
    check = dg.AssetCheckKey(revenue.key, "is_positive")
    north, south = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"

    def ask(sync: FinishedSync, keys: Sequence[dg.AssetKey]) -> list[dg.RunRequest]:
        tags = {north: "north", south: "south"}
        return [
            dg.RunRequest(asset_selection=[], asset_check_keys=[check]),
            dg.RunRequest(asset_selection=[by_region.key], tags=tags),
            dg.RunRequest(asset_selection=[by_region.key], tags={**tags, south: "west"}),
            dg.RunRequest(asset_selection=[revenue.key], tags=tags),
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


def test_arguments_that_cannot_work_are_refused_in_one_sentence(
    airbyte: AirbyteSimulator,
) -> None:
    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    wrong: list[tuple[dict[str, object], str]] = [
        ({"minimum_interval_seconds": 0}, "at least 1"),
        ({"start_from": datetime(2026, 1, 1)}, "no time zone"),
        ({"start_from": timedelta(days=-1)}, "negative"),
        (
            {
                "downstream": dg.AssetSelection.all(),
                "jobs": [dg.define_asset_job("j", selection="*")],
            },
            "not both",
        ),
    ]
    for arguments, said in wrong:
        with pytest.raises(AirbyteSettingsError, match=said):
            build_airbyte_polling_sensor(workspace=workspace, **arguments)  # type: ignore[arg-type]
