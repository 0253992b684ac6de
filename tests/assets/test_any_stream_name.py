"""Streams may be called anything; Dagster may not be able to name an output after them."""

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteConnectionTableProps,
    AirbyteWorkspace,
    DagsterAirbyteTranslator,
    build_airbyte_assets_definitions,
    build_airbyte_definitions,
)
from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock
from helpers.deployment import deployed

ODD = ["Order Lines", "größe", "class", "a/b", "x->y", "config", "ORDERS", "a" * 300, "1st"]
CLASHING = ["order-lines", "order_lines", "order.lines"]


@pytest.mark.parametrize("sync", [True, False])
def test_every_stream_has_an_asset_of_its_own_name(sync: bool) -> None:
    with AirbyteSimulator() as airbyte:
        airbyte.add_connection("shop", streams=[*ODD, *CLASHING])
        workspace = AirbyteWorkspace(**airbyte.workspace_config())

        defs = build_airbyte_definitions(workspace, sync=sync, checks=sync is False)

        dg.Definitions.validate_loadable(defs)
        assert {key.path[0] for key in defs.resolve_all_asset_keys()} == {*ODD, *CLASHING}


def test_tables_of_odd_names_are_synced_and_reported_once() -> None:
    with (
        AirbyteSimulator(clock=RealClock()) as airbyte,
        dg.DagsterInstance.ephemeral() as instance,
    ):
        airbyte.add_connection("shop", streams=[*ODD, *CLASHING], sync_seconds=0.1)
        deployment = deployed(airbyte, instance, source_assets=True)

        assert deployment.materialize(*ODD, *CLASHING).success
        deployment.tick()

        reported = deployment.reported_all([*ODD, *CLASHING])
        assert {name: len(jobs) for name, jobs in reported.items()} == dict.fromkeys(reported, 1)


class WithUpstream(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        return (
            super().get_asset_spec(props).replace_attributes(deps=[f"raw_{len(props.stream_name)}"])
        )


def test_what_a_translator_makes_upstream_stays_upstream() -> None:
    with AirbyteSimulator() as airbyte:
        airbyte.add_connection("shop", streams=["Order Lines", "users"])

        (assets,) = build_airbyte_assets_definitions(
            workspace=AirbyteWorkspace(**airbyte.workspace_config()),
            dagster_airbyte_translator=WithUpstream(),
        )

        assert {
            key.to_user_string(): {dep.to_user_string() for dep in deps}
            for key, deps in assets.asset_deps.items()
        } == {"Order Lines": {"raw_11"}, "users": {"raw_5"}}


class BelowItsNamesake(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        above = dg.AssetDep(["app", props.stream_name], partition_mapping=dg.LastPartitionMapping())
        return super().get_asset_spec(props).replace_attributes(deps=[above])


@pytest.mark.parametrize("streams", [*([name] for name in ODD), ["order-lines", "order_lines"]])
def test_what_is_above_a_table_may_be_called_anything_too(streams: list[str]) -> None:
    with AirbyteSimulator() as airbyte:
        airbyte.add_connection("shop", streams)
        (made,) = build_airbyte_assets_definitions(
            workspace=AirbyteWorkspace(**airbyte.workspace_config()),
            dagster_airbyte_translator=BelowItsNamesake(),
        )
    for name in streams:
        above = dg.AssetKey(["app", name])
        assert made.asset_deps[dg.AssetKey(name)] == {above}
        assert made.get_partition_mapping(above) == dg.LastPartitionMapping()


class BelowAFile(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        return super().get_asset_spec(props).replace_attributes(deps=[["files", "2024/größe.csv"]])


def test_so_may_what_is_above_a_table_of_a_plain_name() -> None:
    with AirbyteSimulator() as airbyte:
        airbyte.add_connection("shop", ["orders"])
        (made,) = build_airbyte_assets_definitions(
            workspace=AirbyteWorkspace(**airbyte.workspace_config()),
            dagster_airbyte_translator=BelowAFile(),
        )
    assert made.asset_deps[dg.AssetKey("orders")] == {dg.AssetKey(["files", "2024/größe.csv"])}


class InWarehouse(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        return super().get_asset_spec(props).with_io_manager_key("warehouse")


class AfterItsSource(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        source = dg.AssetDep("source", partition_mapping=dg.LastPartitionMapping())
        return super().get_asset_spec(props).replace_attributes(deps=[source])


@pytest.mark.parametrize("streams", [["orders"], ["orders", "order lines"]], ids=["plain", "odd"])
def test_a_partition_mapping_is_kept_whatever_the_names(streams: list[str]) -> None:
    with AirbyteSimulator() as airbyte:
        airbyte.add_connection("shop", streams)
        (made,) = build_airbyte_assets_definitions(
            workspace=AirbyteWorkspace(**airbyte.workspace_config()),
            dagster_airbyte_translator=AfterItsSource(),
        )
    assert made.get_partition_mapping(dg.AssetKey("source")) == dg.LastPartitionMapping()


def test_an_io_manager_is_kept_whatever_the_names() -> None:
    with AirbyteSimulator() as airbyte:
        airbyte.add_connection("plain", ["orders"])
        airbyte.add_connection("odd", ["class", "order lines"])
        made = build_airbyte_assets_definitions(
            workspace=AirbyteWorkspace(**airbyte.workspace_config()),
            dagster_airbyte_translator=InWarehouse(),
        )
    keys = [output.io_manager_key for each in made for output in each.op.output_defs]
    assert keys == ["warehouse"] * 3
