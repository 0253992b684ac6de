"""A table is the dbt source with its relation, as the warehouse sees it; all others stay."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteConnectionTableProps,
    AirbyteSettingsError,
    AirbyteWorkspace,
    DagsterAirbyteTranslator,
    DbtSourcesTranslator,
    DuplicateAssetKey,
    NamespacedTranslator,
    load_airbyte_asset_specs,
)
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedStream
from helpers.dbt_manifest import Source, manifest_of

SALES = Source("revenue", "shop", "raw", "sales")
TWO_DATABASES = manifest_of([SALES, Source("old", "archive", "raw", "sales")])


def props(
    table: str = "sales",
    destination_type: str | None = "postgres",
    database: str | None = "shop",
    schema: str | None = "raw",
    namespace: str | None = None,
) -> AirbyteConnectionTableProps:
    return AirbyteConnectionTableProps(
        table_name=table,
        stream_prefix=None,
        stream_name=table,
        json_schema={},
        connection_id="c",
        connection_name="shop",
        destination_type=destination_type,
        database=database,
        schema=schema,
        stream_namespace=namespace,
        table_schema=namespace or schema,
    )


def key(translator: DagsterAirbyteTranslator, of: AirbyteConnectionTableProps) -> str:
    return translator.get_asset_spec(of).key.to_user_string()


def test_a_table_has_the_key_of_its_source() -> None:
    assert key(DbtSourcesTranslator(manifest_of([SALES])), props()) == "revenue_source/sales"


def test_its_name_in_the_database_counts_and_not_the_one_in_dbt() -> None:
    translator = DbtSourcesTranslator(
        manifest_of([Source("losses", "shop", "raw", "refunds", "tbl_refunds")])
    )
    assert key(translator, props("tbl_refunds")) == "losses_source/refunds"
    assert key(translator, props("refunds")) == "refunds"


@pytest.mark.parametrize(
    "other", [props("visits"), props(schema="public"), props(database="dev"), props(schema=None)]
)
def test_what_is_no_source_keeps_its_key(other: AirbyteConnectionTableProps) -> None:
    translator = DbtSourcesTranslator(manifest_of([Source("r", "shop", "raw", "sales")]))
    assert key(translator, other) == other.table_name


def test_the_rest_of_the_asset_stays() -> None:
    usual = DagsterAirbyteTranslator().get_asset_spec(props())
    spec = DbtSourcesTranslator(manifest_of([SALES])).get_asset_spec(props())
    assert spec == usual.replace_attributes(key=dg.AssetKey(["revenue_source", "sales"]))


# What dbt says of the key


@pytest.mark.parametrize(
    ("meta", "config_meta", "expected"),
    [
        ({"dagster": {"asset_key": ["a", "b"]}}, {}, "a/b"),
        ({}, {"dagster": {"asset_key": ["a", "b"]}}, "a/b"),
        ({"dagster": {"asset_key": ["old"]}}, {"dagster": {"asset_key": ["new"]}}, "new"),
        ({"dagster": {"asset_key": ["a"]}}, {"owner": "ann"}, "revenue_source/sales"),
        ({"dagster": {"group": "x"}}, {}, "revenue_source/sales"),
        ({"dagster": {"asset_key": "a"}}, {}, "a"),
    ],
)
def test_the_key_is_the_one_that_dagster_dbt_gives(
    meta: Mapping[str, object], config_meta: Mapping[str, object], expected: str
) -> None:
    manifest = manifest_of([SALES])
    sources = manifest["sources"]
    assert isinstance(sources, dict)
    sources[SALES.id] |= {"meta": meta, "config": {"enabled": True, "meta": config_meta}}
    assert key(DbtSourcesTranslator(manifest), props()) == expected


def test_a_function_may_say_the_key() -> None:
    translator = DbtSourcesTranslator(
        manifest_of([SALES]),
        asset_key_fn=lambda source: dg.AssetKey(["lake", source["schema"], source["name"]]),
    )
    assert key(translator, props()) == "lake/raw/sales"


# Names as warehouses see them


@pytest.mark.parametrize(
    ("warehouse", "source", "table"),
    [
        ("snowflake", ("shop", "raw", "sales", False), ("SHOP", "RAW", "SALES")),
        ("snowflake", ("SHOP", "RAW", "SALES", False), ("shop", "raw", "sales")),
        ("snowflake", ("SHOP", "RAW", "SALES", True), ("shop", "raw", "Sales")),
        ("oracle", ("shop", "raw", "sales", False), ("shop", "raw", "Sales")),
        ("postgres", ("shop", "raw", "Sales", True), ("shop", "raw", "Sales")),
        ("postgres", ("Shop", "Raw", "Sales", False), ("shop", "raw", "sales")),
        ("postgres", ("shop", "raw", "order_lines", True), ("shop", "raw", "order-lines")),
        ("postgres", ("shop", "raw", "cafe_stock", True), ("shop", "raw", "café  stock")),
        ("redshift", ("shop", "raw", "sales", True), ("Shop", "RAW", "Sales")),
        ("databricks", ("shop", "raw", "SALES", True), ("shop", "raw", "sales")),
        ("duckdb", ("shop", "raw", "Sales", True), ("shop", "raw", "sales")),
        ("bigquery", ("shop-prod", "raw", "Sales", True), ("shop-prod", "raw", "Sales")),
        ("bigquery", ("shop", "raw", "_2026_sales", True), ("shop", "raw", "2026 sales")),
        ("snowflake", ("SHOP", "RAW", "_2FA", False), ("SHOP", "RAW", "2fa")),
        # MotherDuck has one schema, which needs no name.
        ("motherduck", ("my_db", "main", "sales", True), (None, None, "sales")),
        # MySQL has databases and no schemas, which is what dbt calls them.
        ("mysql", (None, "shop", "sales", True), ("shop", None, "sales")),
        # Either of them does not say the database.
        ("postgres", (None, "raw", "sales", True), ("shop", "raw", "sales")),
        ("postgres", ("shop", "raw", "sales", True), (None, "raw", "sales")),
    ],
)
def test_these_are_one_relation(
    warehouse: str,
    source: tuple[str | None, str, str, bool],
    table: tuple[str | None, str | None, str],
) -> None:
    database, schema, name, quotes = source
    written = Source("model", database, schema, name, quotes=quotes)
    translator = DbtSourcesTranslator(manifest_of([written], warehouse))
    of = props(table[2], warehouse, table[0], table[1])
    assert key(translator, of) == f"model_source/{name}"


@pytest.mark.parametrize(
    ("warehouse", "source", "table"),
    [
        ("snowflake", ("SHOP", "RAW", "sales", True), ("SHOP", "RAW", "SALES")),
        ("postgres", ("shop", "raw", "sales", True), ("shop", "raw", "Sales")),
        ("bigquery", ("shop", "raw", "sales", True), ("shop", "raw", "Sales")),
        ("mysql", (None, "shop", "sales", True), ("shop", None, "Sales")),
        ("postgres", ("dev", "raw", "sales", True), ("shop", "raw", "sales")),
    ],
)
def test_these_are_two_and_the_log_says_so_once(
    warehouse: str,
    source: tuple[str | None, str, str, bool],
    table: tuple[str | None, str | None, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    database, schema, name, quotes = source
    written = Source("model", database, schema, name, quotes=quotes)
    translator = DbtSourcesTranslator(manifest_of([written], warehouse))
    of = props(table[2], warehouse, table[0], table[1])
    assert [key(translator, of), key(translator, of)] == [of.table_name, of.table_name]
    (said,) = [each.getMessage() for each in caplog.records]
    assert "keeps its usual key: the dbt source source.shop.model_source.sales" in said
    assert written.relation_name in said


def test_in_motherduck_no_stream_has_a_schema_of_its_own() -> None:
    translator = DbtSourcesTranslator(manifest_of([SALES], "duckdb"))
    assert key(translator, props("sales", "motherduck", None, "raw", "public")) == (
        "revenue_source/sales"
    )


def test_a_relation_of_another_kind_of_warehouse_is_another(
    caplog: pytest.LogCaptureFixture,
) -> None:
    translator = DbtSourcesTranslator(manifest_of([SALES], "snowflake"))
    assert key(translator, props(destination_type="bigquery")) == "sales"
    assert not caplog.records


def test_a_manifest_without_relation_names_is_read_as_the_adapter_quotes() -> None:
    manifest = manifest_of([Source("m", "shop", "raw", "sales")], "snowflake")
    sources = manifest["sources"]
    assert isinstance(sources, dict)
    for source in sources.values():
        del source["relation_name"]
    assert key(DbtSourcesTranslator(manifest), props("sales", "snowflake")) == "m_source/sales"


# Several


def test_several_manifests_count_as_one(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(manifest_of([Source("stock", "shop", "raw", "stock")])))
    translator = DbtSourcesTranslator([manifest_of([SALES]), str(file)])
    assert key(translator, props()) == "revenue_source/sales"
    assert key(translator, props("stock")) == "stock_source/stock"


def test_two_projects_with_one_source_agree() -> None:
    translator = DbtSourcesTranslator([manifest_of([SALES]), manifest_of([SALES])])
    assert key(translator, props()) == "revenue_source/sales"


def test_a_table_that_is_two_sources_is_an_error_that_names_both() -> None:
    other = Source("profit", "shop", "raw", "sales")
    translator = DbtSourcesTranslator(manifest_of([SALES, other]))
    with pytest.raises(AirbyteSettingsError) as error:
        translator.get_asset_spec(props())
    assert "'shop.raw.sales' of connection 'shop' is several dbt sources" in str(error.value)
    assert "source.shop.revenue_source.sales ('revenue_source/sales')" in str(error.value)
    assert "source.shop.profit_source.sales ('profit_source/sales')" in str(error.value)


def test_one_that_may_be_in_either_of_two_databases_is_an_error_with_the_way_out() -> None:
    """To give them one key would make one asset of two tables."""
    translator = DbtSourcesTranslator(TWO_DATABASES)
    with pytest.raises(AirbyteSettingsError) as error:
        translator.get_asset_spec(props(database=None))
    assert "'raw.sales' of connection 'shop' may be several dbt sources" in str(error.value)
    assert '(\'revenue_source/sales\', "shop"."raw"."sales")' in str(error.value)
    assert "dataclasses.replace(props, database=...)" in str(error.value)
    assert "one key" not in str(error.value)


def test_that_way_out_works() -> None:
    class InArchive(DbtSourcesTranslator):
        def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
            return super().get_asset_spec(dataclasses.replace(props, database="archive"))

    assert key(InArchive(TWO_DATABASES), props(database=None)) == "old_source/sales"


def test_in_one_database_one_key_is_the_way_out_though_airbyte_does_not_say_which() -> None:
    other = Source("profit", "SHOP", "raw", "sales", quotes=False)
    translator = DbtSourcesTranslator(manifest_of([SALES, other]))
    with pytest.raises(AirbyteSettingsError, match="Give them one key"):
        translator.get_asset_spec(props(database=None))


def test_two_sources_with_one_key_are_none_of_our_business() -> None:
    two = [Source(each, "shop", "raw", "sales", asset_key=("sales",)) for each in ("a", "b")]
    assert key(DbtSourcesTranslator(manifest_of(two)), props()) == "sales"


def test_two_streams_of_one_relation_are_an_error_that_names_both() -> None:
    with AirbyteSimulator() as airbyte:
        lake = airbyte.add_destination(configuration={"database": "shop", "schema": "raw"})
        airbyte.add_connection(
            "all in one schema",
            [SimulatedStream("sales", "eu"), SimulatedStream("sales", "us")],
            destination=lake,
            namespace_definition="destination",
        )
        workspace = AirbyteWorkspace(**airbyte.workspace_config())
        translator = DbtSourcesTranslator(manifest_of([SALES]), base=NamespacedTranslator())
        with pytest.raises(
            DuplicateAssetKey, match=r"'revenue_source/sales'.*eu\.sales.*us\.sales"
        ):
            load_airbyte_asset_specs(workspace, dagster_airbyte_translator=translator)


# With a translator of one's own


class Grouped(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        return super().get_asset_spec(props).replace_attributes(group_name="airbyte")


def test_another_translator_makes_the_rest() -> None:
    translator = DbtSourcesTranslator(manifest_of([SALES]), base=Grouped())
    assert key(translator, props()) == "revenue_source/sales"
    assert {translator.get_asset_spec(props(each)).group_name for each in ("sales", "x")} == {
        "airbyte"
    }


def test_what_is_no_source_has_the_key_of_the_other_translator() -> None:
    users = Source("people", "shop", "crm", "users")
    translator = DbtSourcesTranslator(manifest_of([users]), base=NamespacedTranslator())
    assert key(translator, props("users", namespace="crm")) == "people_source/users"
    assert key(translator, props("users", namespace="audit")) == "audit/users"


# Mistakes


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            None,
            "cannot be read: No such file or directory. Give the manifest.json that `dbt parse`",
        ),
        ("{", "is not a dbt manifest: Expecting"),
        ("[]", "it has no 'sources'"),
        ('{"nodes": {}}', "it has no 'sources'"),
        ('{"sources": {"source.a.b": {"name": "b"}}}', "source.a.b has no 'source_name'"),
    ],
)
def test_a_file_that_is_no_manifest_is_an_error_that_names_it(
    tmp_path: Path, content: str | None, problem: str
) -> None:
    file = tmp_path / "manifest.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(AirbyteSettingsError) as error:
        DbtSourcesTranslator(file)
    assert str(file) in str(error.value)
    assert problem in str(error.value)


@pytest.mark.parametrize(("given", "problem"), [({}, "'sources'"), ([], "empty"), ([5], "not 5")])
def test_so_is_anything_else(given: object, problem: str) -> None:
    with pytest.raises(AirbyteSettingsError, match=problem):
        DbtSourcesTranslator(given)  # type: ignore[arg-type]


def test_a_base_that_is_a_class_is_an_error() -> None:
    with pytest.raises(AirbyteSettingsError, match=r"base=NamespacedTranslator\(\)"):
        DbtSourcesTranslator(manifest_of([SALES]), base=NamespacedTranslator)  # type: ignore[arg-type]
