"""A catalog keeps one of all columns that are alike, wherever it is read from."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from dagster_airbyte_sync import AirbyteWorkspace
from dagster_airbyte_sync.resources.records.catalog import Catalog, Connection, Stream
from dagster_airbyte_sync.resources.records.catalog_snapshot import read_snapshot, snapshot_of
from dagster_airbyte_sync.resources.records.columns import with_shared_columns
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedStream
from dagster_airbyte_sync.testing.wire.payload import JsonObject

TEXT: JsonObject = {"type": ["null", "string"]}
SCHEMA: JsonObject = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "name": dict(TEXT)},
}


def columns_of(catalog: Catalog) -> list[object]:
    """Of all streams, by name."""
    return [each[name] for each in _properties(catalog) for name in ("id", "name")]


def names_of_columns(catalog: Catalog) -> list[str]:
    """As each stream has them."""
    return [name for each in _properties(catalog) for name in each]


def _properties(catalog: Catalog) -> Iterator[dict[str, object]]:
    for connection in catalog.connections.values():
        for stream in connection.all_streams:
            properties = stream.json_schema["properties"]
            assert isinstance(properties, dict)
            yield properties


@pytest.fixture
def catalog(airbyte: AirbyteSimulator) -> Catalog:
    for name in ("shop", "crm"):
        airbyte.add_connection(name, [SimulatedStream(name, json_schema=SCHEMA)])
    return AirbyteWorkspace(**airbyte.workspace_config()).fetch_catalog()


def test_of_airbyte(catalog: Catalog) -> None:
    found = columns_of(catalog)

    assert found == [{"type": "integer"}, TEXT] * 2
    assert len(set(map(id, found))) == 2
    assert len(set(map(id, names_of_columns(catalog)))) == 2


def test_of_a_snapshot(catalog: Catalog) -> None:
    again = read_snapshot(snapshot_of(catalog))

    assert again == catalog
    assert len(set(map(id, columns_of(again)))) == 2
    assert len(set(map(id, names_of_columns(again)))) == 2


def test_columns_that_differ_only_in_the_type_of_a_value_stay_apart() -> None:
    values: list[object] = [1, 1.0, True, "1"]
    streams = [
        Stream(str(place), json_schema={"properties": {"c": {"default": value}}})
        for place, value in enumerate(values)
    ]
    connection = Connection(id="a", name="a", destination_id="", all_streams=tuple(streams))

    shared = with_shared_columns({"a": connection})

    assert repr(shared["a"]) == repr(connection)


@pytest.mark.parametrize("schema", [{}, {"properties": None}, {"properties": []}])
def test_a_schema_without_columns_is_left_as_it_is(schema: dict[str, object]) -> None:
    connection = Connection(
        id="a", name="a", destination_id="", all_streams=(Stream("s", json_schema=schema),)
    )

    assert with_shared_columns({"a": connection}) == {"a": replace(connection)}
