"""Which asset stands for which stream; never one for two."""

import dataclasses
from datetime import datetime, timezone

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteConnectionTableProps,
    AirbyteSettingsError,
    Connection,
    DagsterAirbyteTranslator,
    Destination,
    DuplicateAssetKey,
    Stream,
    StreamId,
)
from dagster_airbyte_sync.assets.tables.table import selected_tables, table_of_spec
from dagster_airbyte_sync.resources import Catalog


def catalog(*connections: Connection) -> Catalog:
    return Catalog(
        workspace_id="w",
        connections={connection.id: connection for connection in connections},
        destinations={"d": Destination("d", "warehouse", "postgres")},
        read_at=datetime(2026, 1, 1, tzinfo=timezone.utc),
    )


def connection(name: str, *streams: Stream, id: str | None = None) -> Connection:
    return Connection(id=id or name, name=name, destination_id="d", all_streams=streams)


class ByConnection(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        spec = super().get_asset_spec(props)
        parts = [props.connection_name, props.stream_namespace or "default", props.table_name]
        return spec.replace_attributes(key=dg.AssetKey(parts), metadata={})


def test_one_table_for_each_selected_stream() -> None:
    shop = connection("shop", Stream("orders"), Stream("drafts", selected=False))

    assert [table.stream for table in selected_tables(catalog(shop))] == [StreamId("orders")]


def test_two_streams_of_one_name_in_two_namespaces_are_an_error_that_names_both() -> None:
    shop = connection("shop", Stream("users", "public"), Stream("users", "audit"))

    with pytest.raises(DuplicateAssetKey) as error:
        selected_tables(catalog(shop))

    assert "public.users" in str(error.value)
    assert "audit.users" in str(error.value)
    assert "NamespacedTranslator()" in str(error.value)


def test_two_connections_that_write_one_key_are_an_error_that_names_both() -> None:
    one = connection("shop", Stream("users"), id="1")
    two = connection("crm", Stream("users"), id="2")

    with pytest.raises(DuplicateAssetKey, match=r"'shop' \(1\).*'crm' \(2\)"):
        selected_tables(catalog(one, two))


def test_a_selector_or_a_translator_is_the_way_out() -> None:
    one = connection("shop", Stream("users", "public"), Stream("users", "audit"), id="1")
    two = connection("crm", Stream("users", "public"), id="2")

    by_connection = selected_tables(catalog(one, two), ByConnection())
    only_crm = selected_tables(catalog(one, two), selector=lambda found: found.name == "crm")

    assert len({table.key for table in by_connection}) == 3
    assert [table.connection_id for table in only_crm] == ["2"]


def test_a_table_is_found_again_from_its_spec_whatever_the_translator_made_of_it() -> None:
    shop = connection("shop", Stream("users", "audit"))

    (table,) = selected_tables(catalog(shop), ByConnection())
    found = table_of_spec(table.spec)

    assert found is not None
    assert (found.connection_id, found.stream) == ("shop", StreamId("users", "audit"))


def test_a_spec_of_somebody_else_is_no_table() -> None:
    assert table_of_spec(dg.AssetSpec("orders")) is None


def test_streams_of_a_connection_are_found_by_name_or_by_both_where_it_is_not_unique() -> None:
    shop = connection(
        "shop", Stream("orders", "public"), Stream("users", "public"), Stream("users", "audit")
    )

    assert sorted(shop.streams) == ["audit.users", "orders", "public.users"]


class Grouped(DagsterAirbyteTranslator):
    """Groups by what one of the props says."""

    def __init__(self, prop: str) -> None:
        self._prop = prop

    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        group: str = getattr(props, self._prop)
        return super().get_asset_spec(props).replace_attributes(group_name=group)


# As Airbyte itself calls a connection.
ARROW = connection("Postgres → Snowflake", Stream("orders"), id="1")


def test_a_connection_has_a_name_that_dagster_takes_for_a_group() -> None:
    (table,) = selected_tables(catalog(ARROW), Grouped("connection_group"))
    assert table.spec.group_name == "postgres_snowflake"


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("Shop DB", "shop_db"),
        ("Müller → Snowflake", "m_ller_snowflake"),
        ("売上", "connection_443fb948"),
        ("在庫", "connection_ee34caad"),
        ("売上 → Snowflake", "snowflake_8592fd4d"),
        ("在庫 → Snowflake", "snowflake_11c15129"),
        ("Shop売上", "shop_81983d69"),
        ("→", "connection_16166003"),
        ("\ud800", "connection_fb3d4358"),
    ],
)
def test_names_in_other_scripts_are_different_groups(name: str, group: str) -> None:
    shop = connection(name, Stream("orders"), id="1")
    tagged = dataclasses.replace(shop, tags=(name,))
    (table,) = selected_tables(catalog(shop), Grouped("connection_group"))
    (of_tag,) = selected_tables(catalog(tagged), Grouped("tag_group"))
    assert table.spec.group_name == group
    assert of_tag.spec.group_name == group.replace("connection_", "tag_")


def test_a_group_that_dagster_refuses_is_reported_with_its_connection_and_the_way_out() -> None:
    with pytest.raises(
        AirbyteSettingsError,
        match=r"'orders' of connection 'Postgres → Snowflake' \(1\).*not a valid"
        r".*props\.connection_group is 'postgres_snowflake'",
    ):
        selected_tables(catalog(ARROW), Grouped("connection_name"))


class Owned(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        return super().get_asset_spec(props).replace_attributes(owners=["nobody"])


def test_anything_else_that_dagster_refuses_is_reported_with_its_connection_too() -> None:
    with pytest.raises(AirbyteSettingsError, match=r"'Postgres → Snowflake'.*nobody") as error:
        selected_tables(catalog(ARROW), Owned())
    assert "connection_group" not in str(error.value)
