"""Where a stream really lands: prefix, namespace and the destination's defaults together."""

import pytest

from dagster_airbyte_sync import Connection, DagsterAirbyteTranslator, Destination, Stream
from dagster_airbyte_sync.assets.tables.translator import table_props

POSTGRES = Destination("d", "warehouse", "postgres", database="dw", schema="public")
NO_DATABASE = Destination("d", "lake", "s3")


def connection(**settings: str | None) -> Connection:
    return Connection(id="c", name="shop", destination_id="d", **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "namespace", "expected"),
    [
        ({}, None, "dw.public.orders"),
        ({}, "audit", "dw.audit.orders"),
        ({"stream_prefix": "raw_"}, "audit", "dw.audit.raw_orders"),
        ({"namespace_definition": "destination"}, "audit", "dw.public.orders"),
        (
            {
                "namespace_definition": "custom_format",
                "namespace_format": "shop_${SOURCE_NAMESPACE}",
            },
            "audit",
            "dw.shop_audit.orders",
        ),
        (
            {
                "namespace_definition": "custom_format",
                "namespace_format": "shop_${SOURCE_NAMESPACE}",
            },
            None,
            "dw.shop_.orders",
        ),
        (
            {"namespace_definition": "custom_format", "namespace_format": "${SOURCE_NAMESPACE}"},
            None,
            "dw.public.orders",
        ),
        (
            {"namespace_definition": "custom_format", "namespace_format": None},
            "audit",
            "dw.public.orders",
        ),
    ],
)
def test_the_table_name_is_where_airbyte_writes(
    settings: dict[str, str | None], namespace: str | None, expected: str
) -> None:
    props = table_props(connection(**settings), Stream("orders", namespace), POSTGRES)

    assert props.fully_qualified_table_name == expected
    spec = DagsterAirbyteTranslator().get_asset_spec(props)
    assert spec.metadata["dagster/table_name"] == expected


def test_a_destination_without_database_or_schema_has_no_qualified_name() -> None:
    props = table_props(connection(), Stream("orders"), NO_DATABASE)

    assert props.fully_qualified_table_name is None
    spec = DagsterAirbyteTranslator().get_asset_spec(props)
    assert "dagster/table_name" not in spec.metadata


def test_the_key_is_prefix_and_stream_name_whatever_the_namespace() -> None:
    props = table_props(connection(stream_prefix="raw_"), Stream("orders", "audit"), POSTGRES)

    assert DagsterAirbyteTranslator().get_asset_spec(props).key.path == ["raw_orders"]


def test_kinds_are_airbyte_and_the_destination() -> None:
    translator = DagsterAirbyteTranslator()
    props = table_props(connection(), Stream("orders"), POSTGRES)

    assert translator.get_asset_spec(props).kinds == {"airbyte", "postgres"}


@pytest.mark.parametrize(
    ("json_schema", "columns"),
    [
        (
            {"properties": {"b": {"type": ["null", "string"]}, "a": {"type": "integer"}}},
            [("a", "integer"), ("b", "['null', 'string']")],
        ),
        ({"items": {"properties": {"a": {}}}}, [("a", "unknown")]),
        ({"properties": "broken"}, []),
        ({"properties": {"a": None}}, [("a", "unknown")]),
        ({}, []),
    ],
)
def test_columns_are_read_from_the_json_schema(
    json_schema: dict[str, object], columns: list[tuple[str, str]]
) -> None:
    props = table_props(connection(), Stream("orders", json_schema=json_schema), POSTGRES)
    schema = DagsterAirbyteTranslator().get_asset_spec(props).metadata["dagster/column_schema"]

    assert [(column.name, column.type) for column in schema.columns] == columns
