"""What Dagster would not run together costs no other run, and never the reports."""

from collections.abc import Callable, Iterator

import dagster as dg
import pytest

from dagster_airbyte_sync.sensors.run_requests.downstream import Downstream
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.deployment import Deployment
from helpers.downstream import Wanted, names, needs_config, revenue

Deploy = Callable[..., Deployment]
ALL = dg.AssetSelection.all()
DAILY = dg.DailyPartitionsDefinition("2026-01-01", end_offset=1)
LATER = dg.DailyPartitionsDefinition("2026-02-01", end_offset=1)
HOURLY = dg.HourlyPartitionsDefinition("2026-01-01-00:00", end_offset=1)


@dg.multi_asset(
    specs=[
        dg.AssetSpec("by_day", deps=["orders"], partitions_def=DAILY, skippable=True),
        dg.AssetSpec("by_hour", deps=["orders"], partitions_def=HOURLY, skippable=True),
    ],
    can_subset=True,
)
def of_two_partitionings(
    context: dg.AssetExecutionContext,
) -> Iterator[dg.MaterializeResult[None]]:
    yield from (
        dg.MaterializeResult(key) for key in context.op_execution_context.selected_asset_keys
    )


def test_a_function_may_make_assets_of_two_partitionings(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    deployment = deploy(of_two_partitionings, revenue, downstream=ALL)
    airbyte.run_sync(shop)

    requests = deployment.tick().requests

    assert sorted(map(names, requests)) == [["by_day"], ["by_hour"], ["revenue"]]
    assert all(deployment.start(request).success for request in requests)


@dg.multi_asset(
    specs=[dg.AssetSpec("plain", deps=["orders"]), dg.AssetSpec("dated", partitions_def=LATER)]
)
def plain_with_dated() -> tuple[None, None]:
    return None, None


@dg.asset(deps=["orders"], partitions_def=DAILY)
def by_day_alone() -> None: ...


def test_what_cannot_be_run_without_other_partitions_is_left_out_alone(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deploy: Deploy,
    capsys: pytest.CaptureFixture[str],
) -> None:
    selection = dg.AssetSelection.assets("plain", "by_day_alone", "revenue")
    deployment = deploy(plain_with_dated, by_day_alone, revenue, downstream=selection)
    airbyte.run_sync(shop)

    (request,) = deployment.tick().requests

    assert names(request) == ["by_day_alone", "revenue"]
    assert "plain. It cannot be run without assets that have other partitions." in (
        capsys.readouterr().err
    )
    assert deployment.start(request).success


def test_whatever_dagster_raises_costs_a_run_and_no_report(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deploy: Deploy,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails(*_: object) -> None:
        raise dg.DagsterInvariantViolationError("an error of tomorrow's Dagster")

    monkeypatch.setattr(Downstream, "_checked", fails)
    deployment = deploy(revenue, downstream=ALL)
    airbyte.run_sync(shop)

    tick = deployment.tick()

    assert len(tick.materialized) == 2
    assert tick.requests == []
    assert "Dagster would refuse it: an error of tomorrow's Dagster" in capsys.readouterr().err


def test_a_reason_is_given_once_however_often_it_comes(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deploy: Deploy,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wish = dg.RunRequest(asset_selection=[needs_config.key])
    deployment = deploy(needs_config, run_request_fn=lambda *_: wish, downstream=ALL)

    for _ in range(3):
        airbyte.run_sync(shop)
        deployment.tick()

    said = capsys.readouterr().err
    assert said.count("needs_config. Dagster would refuse it: ") == 1
    assert said.count("nor for others like it") == 1
    assert "Traceback" not in said


@dg.multi_asset(
    specs=[dg.AssetSpec("a", deps=["orders"]), dg.AssetSpec("b", deps=["leads"])], can_subset=True
)
def two_that_need_config(
    context: dg.AssetExecutionContext, config: Wanted
) -> Iterator[dg.MaterializeResult[None]]:
    yield from (dg.MaterializeResult(key) for key in context.selected_asset_keys)


@dg.asset(deps=["leads"])
def fine() -> None: ...


def test_what_was_refused_once_takes_nothing_with_it_later(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    """Another output of the same function is refused as well, without a look."""
    crm = airbyte.add_connection("crm", streams=["leads"])
    deployment = deploy(two_that_need_config, fine, downstream=ALL)
    airbyte.run_sync(shop)
    assert deployment.tick().requests == []
    airbyte.run_sync(crm)

    assert [names(request) for request in deployment.tick().requests] == [["fine"]]
