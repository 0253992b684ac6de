"""Runs that wait, and runs that nobody knows of yet, are asked for in the end."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace, Connection, load_airbyte_asset_specs
from dagster_airbyte_sync.resources import OutOfTime
from dagster_airbyte_sync.sensors import build_airbyte_polling_sensor, runs_that_follow, tick
from dagster_airbyte_sync.sensors.decision import Limits
from dagster_airbyte_sync.sensors.run_requests.runnable import Runnable
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.deployment import Deployment, Tick, deployed
from helpers.downstream import DOWNSTREAM, funnel, names, revenue

Deploy = Callable[..., Deployment]
ALL = dg.AssetSelection.all()
OPTIONS = {"downstream": ALL, "start_from": timedelta(days=7)}


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    airbyte.add_connection("crm", streams=["leads"])
    return airbyte.add_connection("shop", streams=["orders", "users"])


@pytest.fixture
def waiting(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deploy: Deploy,
    monkeypatch: pytest.MonkeyPatch,
) -> Deployment:
    """A tick has reported the only sync of crm, and what follows it waits for a history."""
    monkeypatch.setattr(tick, "Limits", partial(Limits, events=10))
    deployment = deploy(*DOWNSTREAM, **OPTIONS)
    airbyte.run_sync(airbyte.connection("crm"))
    for _ in range(8):
        airbyte.advance(timedelta(hours=1))
        airbyte.run_sync(shop, rows=1)
    assert deployment.tick().requests == []
    return deployment


def until_at_rest(deployment: Deployment) -> list[Tick]:
    ticks = [deployment.tick()]
    while ticks[-1].events or ticks[-1].requests or "wait for" in (ticks[-1].summary or ""):
        ticks.append(deployment.tick())
    return ticks


def run_at_last(deployment: Deployment) -> set[str]:
    ticks = until_at_rest(deployment)
    return {name for tick in ticks for request in tick.requests for name in names(request)}


def test_what_waits_is_run_though_its_connection_cannot_be_read_any_more(
    airbyte: AirbyteSimulator, waiting: Deployment, instance: dg.DagsterInstance
) -> None:
    def raises_for_crm(connection: Connection) -> bool:
        if connection.name == "crm" and is_broken:
            raise ValueError("a bug of the user's")
        return True

    is_broken = False
    options = {**OPTIONS, "connection_selector_fn": raises_for_crm}
    broken = deployed(airbyte, instance, *DOWNSTREAM, **options)
    broken.cursor, is_broken = waiting.cursor, True

    assert "funnel" in run_at_last(broken)


def test_what_waits_is_run_though_somebody_has_reported_its_table_since(
    waiting: Deployment, instance: dg.DagsterInstance
) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization("leads"))

    assert "funnel" in run_at_last(waiting)


def test_what_waits_is_run_though_the_sensor_is_to_ask_sync_by_sync_from_now_on(
    airbyte: AirbyteSimulator, waiting: Deployment, instance: dg.DagsterInstance
) -> None:
    changed = deployed(airbyte, instance, *DOWNSTREAM, per_sync=True, **OPTIONS)
    changed.cursor = waiting.cursor

    assert "funnel" in run_at_last(changed)


@pytest.mark.parametrize("most_waiting", [60, 2])
def test_runs_for_which_there_was_no_time_are_asked_for_in_the_next_tick(
    airbyte: AirbyteSimulator, deploy: Deploy, monkeypatch: pytest.MonkeyPatch, most_waiting: int
) -> None:
    """As many as a cursor has room for."""
    connections = [airbyte.add_connection(f"c{n}", streams=[f"t{n}"]) for n in range(3)]

    @dg.asset(deps=["t0", "t1"])
    def report() -> None: ...

    monkeypatch.setattr(runs_that_follow, "MOST_WAITING", most_waiting)
    deployment = deploy(report, downstream=ALL)
    for connection in connections:
        airbyte.run_sync(connection)

    with monkeypatch.context() as patch:
        patch.setattr(Runnable, "_refusal", has_no_time)
        first = deployment.tick()

    assert len(first.materialized) == 3
    assert first.requests == []
    assert "the runs that follow wait for the next tick" in (first.summary or "")
    assert [names(request) for request in deployment.tick().requests] == [["report"]]


def has_no_time(runnable: Runnable, request: dg.RunRequest) -> str | None:
    raise OutOfTime("No time.")


def test_of_two_partitionings_the_run_that_could_not_be_created_is_asked_for_again(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    """Though partitions of both have the same name."""

    @dg.asset(
        deps=["orders"], partitions_def=dg.DailyPartitionsDefinition("2026-01-01", end_offset=1)
    )
    def one() -> None: ...

    @dg.asset(
        deps=["orders"], partitions_def=dg.DailyPartitionsDefinition("2026-02-01", end_offset=1)
    )
    def two() -> None: ...

    deployment = deploy(one, two, downstream=ALL)
    airbyte.run_sync(shop)
    first, second = deployment.tick(crash_after=100).requests
    assert deployment.start(first).success

    (again,) = deployment.tick().requests

    assert names(again) == names(second)
    assert again.run_key == second.run_key != first.run_key


def location(
    airbyte: AirbyteSimulator,
    instance: dg.DagsterInstance,
    table: str,
    asset: dg.AssetsDefinition,
) -> Deployment:
    """A code location with one table, and a sensor that is called as those of others are."""
    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    specs = load_airbyte_asset_specs(workspace)
    defs = dg.Definitions(
        [*(spec for spec in specs if spec.key == dg.AssetKey(table)), asset],
        sensors=[build_airbyte_polling_sensor(workspace=workspace, downstream=ALL)],
        resources={"airbyte": workspace},
    )
    return Deployment(airbyte, workspace, defs, instance)


def test_a_run_of_one_code_location_stands_for_none_of_another(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    """Each has some of a connection's tables, and one daemon dies behind its events."""
    shop = airbyte.add_connection("shop", streams=["orders", "leads"])
    one = location(airbyte, instance, "orders", revenue)
    other = location(airbyte, instance, "leads", funnel)
    airbyte.run_sync(shop)
    (request,) = one.tick().requests
    assert one.start(request).success

    other.tick(crash_after=100)

    assert [names(request) for request in other.tick().requests] == [["funnel"]]
