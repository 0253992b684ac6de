"""Runs of what lies downstream of a sync: once for each that the sensor reports."""

from collections.abc import Callable
from datetime import datetime, timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteSettingsError,
    AirbyteWorkspace,
    load_airbyte_asset_specs,
)
from dagster_airbyte_sync.sensors import build_airbyte_polling_sensor
from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock, SimulatedConnection
from helpers.deployment import Deployment, deployed, version_of
from helpers.downstream import DOWNSTREAM, by_region, forecast, names, needs_config, revenue

Deploy = Callable[..., Deployment]
ORDERS = dg.AssetKey("orders")


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    airbyte.add_connection("crm", streams=["leads"])
    return airbyte.add_connection("shop", streams=["orders", "users"])


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


def test_with_per_sync_each_of_two_syncs_requests_its_own_run(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    deployment = deploy(*DOWNSTREAM, downstream=dg.AssetSelection.all(), per_sync=True)
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
    assert "because their partitions are not times: by_region." in capsys.readouterr().err


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


def test_of_many_assets_only_those_that_need_config_are_left_out(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    many = [dg.asset(name=f"m{number:02}", deps=["orders"])(lambda: None) for number in range(40)]
    deployment = deploy(*many, needs_config, downstream=dg.AssetSelection.all())
    airbyte.run_sync(shop)

    (request,) = deployment.tick().requests

    assert names(request) == [asset.key.to_user_string() for asset in many]


def test_what_dagster_only_observes_is_not_run(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    with pytest.warns(dg.BetaWarning):

        @dg.multi_observable_source_asset(  # type: ignore[untyped-decorator]
            specs=[dg.AssetSpec("seen", deps=["orders"])]
        )
        def seen() -> None: ...

    deployment = deploy(revenue, seen, downstream=dg.AssetSelection.assets("seen", "revenue"))
    airbyte.run_sync(shop)

    assert [names(request) for request in deployment.tick().requests] == [["revenue"]]


@pytest.mark.parametrize("text", ["code_location:x", "table_name:x"])
def test_a_selection_that_works_in_dagsters_ui_alone_stops_no_report(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy, text: str
) -> None:
    deployment = deploy(revenue, downstream=dg.AssetSelection.from_string(text))
    airbyte.run_sync(shop)

    tick = deployment.tick()

    assert len(tick.materialized) == 2
    assert tick.requests == []


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
    assert "others cannot run without them: costs" in capsys.readouterr().err


def test_arguments_that_cannot_work_are_refused_in_one_sentence(
    airbyte: AirbyteSimulator,
) -> None:
    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    wrong: list[tuple[dict[str, object], str]] = [
        ({"minimum_interval_seconds": 0}, "at least 1"),
        ({"minimum_interval_seconds": "60"}, "minimum_interval_seconds is '60'"),
        ({"downstream": "revenue"}, "downstream is 'revenue': give an AssetSelection"),
        ({"start_from": datetime(2026, 1, 1)}, "no time zone"),
        ({"start_from": "2024"}, "start_from is '2024': give a time"),
        ({"start_from": timedelta(days=-1)}, "negative"),
        ({"per_sync": True}, "give downstream, too"),
        ({"only_with_rows": True}, "give downstream, too"),
        ({"partition_offset": -1}, "give downstream, too"),
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
