"""A stream without an asset here: newer than the definitions, left out, or another location's."""

from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteConnectionTableProps,
    AirbyteWorkspace,
    DagsterAirbyteTranslator,
    build_airbyte_assets_definitions,
    build_airbyte_polling_sensor,
    build_airbyte_sync_checks,
    load_airbyte_asset_specs,
)
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.deployment import Deployment

NEWER = "newer than the definitions"


def workspace_of(airbyte: AirbyteSimulator) -> AirbyteWorkspace:
    return AirbyteWorkspace(
        **airbyte.workspace_config(), poll_interval=0.02, request_retry_delay=0.01
    )


def with_only(airbyte: AirbyteSimulator, instance: dg.DagsterInstance, *names: str) -> Deployment:
    """A code location that has these tables of the workspace only, with a sensor of its own."""
    workspace = workspace_of(airbyte)
    specs = load_airbyte_asset_specs(workspace)
    mine = [spec for spec in specs if spec.key.to_user_string() in names]
    sensor = f"sensor_of_{'_'.join(names)}"
    defs = dg.Definitions(
        assets=mine,
        asset_checks=build_airbyte_sync_checks(mine),
        sensors=[build_airbyte_polling_sensor(workspace=workspace, name=sensor)],
        resources={"airbyte": workspace},
    )
    return Deployment(airbyte, workspace, defs, instance, sensor=sensor)


def test_two_code_locations_share_a_connection_and_each_reports_its_own_tables(
    either: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    shop = either.add_connection("shop", streams=["orders", "users"])
    ours = with_only(either, instance, "orders")
    theirs = with_only(either, instance, "users")
    for each in (ours, theirs):
        each.tick()
    failed = either.fail(either.start_sync(shop))
    first = (ours.tick().checked, theirs.tick().checked)
    for each in (ours, theirs):
        each.later += timedelta(minutes=20)
    either.advance(timedelta(minutes=20))
    job = either.run_sync(shop, rows=1)

    ticks = ours.tick(), theirs.tick()

    assert first == ([("orders", failed.job_id, False)], [("users", failed.job_id, False)])
    assert [tick.materialized for tick in ticks] == [
        [("orders", job.job_id)],
        [("users", job.job_id)],
    ]
    assert [tick.checked for tick in ticks] == [
        [("orders", job.job_id, True)],
        [("users", job.job_id, True)],
    ]


def test_a_table_that_was_left_out_is_not_reported_and_not_warned_of(
    either: AirbyteSimulator, instance: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = either.add_connection("shop", streams=["orders", "users", "salaries"])
    deployment = with_only(either, instance, "orders", "users")
    deployment.tick()
    job = either.run_sync(shop, rows=1)

    tick = deployment.tick()

    assert tick.materialized == [("orders", job.job_id), ("users", job.job_id)]
    assert NEWER not in capsys.readouterr().err


def test_beside_one_that_was_left_out_a_newer_one_is_reported(
    either: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    shop = either.add_connection("shop", streams=["orders", "salaries"])
    deployment = with_only(either, instance, "orders")
    deployment.tick()
    deployment.wait(timedelta(hours=2))
    either.update_connection(shop, streams=["orders", "returns", "salaries"])
    job = either.run_sync(shop, rows=1)

    tick = deployment.tick()

    assert tick.materialized == [("orders", job.job_id), ("returns", job.job_id)]


def test_a_run_reports_no_table_that_was_left_out(
    either: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    either.add_connection("shop", streams=["orders", "salaries"], sync_seconds=0)
    workspace = workspace_of(either)
    (orders, _) = load_airbyte_asset_specs(workspace)

    @dg.multi_asset(specs=[orders])
    def sync(context: dg.AssetExecutionContext, airbyte: AirbyteWorkspace):  # type: ignore[no-untyped-def]
        yield from airbyte.sync_and_poll(context)

    result = dg.materialize([sync], instance=instance, resources={"airbyte": workspace})

    made = [event.asset_key for event in result.get_asset_materialization_events()]
    assert made == [orders.key]


class Prefixed(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        return super().get_asset_spec(props).replace_attributes(key=["raw", props.table_name])


def test_a_newer_stream_gets_the_key_of_its_assets_translator_though_the_sensor_has_none(
    either: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    shop = either.add_connection("shop", streams=["orders"])
    workspace = workspace_of(either)
    defs = dg.Definitions(
        assets=build_airbyte_assets_definitions(
            workspace=workspace, dagster_airbyte_translator=Prefixed()
        ),
        sensors=[build_airbyte_polling_sensor(workspace=workspace)],
        resources={"airbyte": workspace},
    )
    deployment = Deployment(either, workspace, defs, instance)
    deployment.tick()
    deployment.wait(timedelta(hours=2))
    either.update_connection(shop, streams=["orders", "returns"])
    job = either.run_sync(shop, rows=1)

    tick = deployment.tick()

    assert tick.materialized == [("raw/orders", job.job_id), ("raw/returns", job.job_id)]
