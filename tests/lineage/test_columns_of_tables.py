"""Which column of a table comes from which of its stream, where Airbyte says so."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace, load_airbyte_asset_specs
from dagster_airbyte_sync.resources import write_snapshot_file
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, SimulatedStream
from dagster_airbyte_sync.testing.wire.payload import JsonObject
from helpers import mappers

SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "email": {"type": ["null", "string"]},
        "age": {"type": "integer"},
        "address": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
ALL = {"address", "age", "email", "id"}


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        yield airbyte


def add_users(
    airbyte: AirbyteSimulator, *mapped: JsonObject, fields: tuple[str, ...] = ()
) -> AirbyteWorkspace:
    users = SimulatedStream(
        "users", json_schema=SCHEMA, mappers=mapped, selected_fields=fields, rows=1
    )
    airbyte.add_connection("shop", [users], source_name="Prod")
    return AirbyteWorkspace(**airbyte.workspace_config(), request_retry_delay=0)


def loaded(workspace: AirbyteWorkspace, snapshot: Path | None = None) -> list[dg.AssetSpec]:
    return list(load_airbyte_asset_specs(workspace, source_assets=True, snapshot=snapshot))


def lineage(spec: dg.AssetSpec) -> dict[str, list[str]]:
    """The columns above each column."""
    value = spec.metadata["dagster/column_lineage"]
    assert isinstance(value, dg.TableColumnLineage)
    every = [dep for deps in value.deps_by_column.values() for dep in deps]
    assert {dep.asset_key for dep in every} == {dg.AssetKey(["airbyte_sources", "prod", "users"])}
    return {
        name: [each.column_name for each in deps] for name, deps in value.deps_by_column.items()
    }


def columns(spec: dg.AssetSpec) -> dict[str, str]:
    schema = spec.metadata["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchema)
    return {column.name: column.type for column in schema.columns}


def test_each_column_comes_from_the_one_of_its_name(airbyte: AirbyteSimulator) -> None:
    table, source = loaded(add_users(airbyte))
    assert lineage(table) == {name: [name] for name in ALL}
    assert set(columns(table)) == set(columns(source)) == ALL


def test_a_field_that_is_not_selected_goes_nowhere(airbyte: AirbyteSimulator) -> None:
    table, source = loaded(add_users(airbyte, fields=("id", "email")))
    assert lineage(table) == {"id": ["id"], "email": ["email"]}
    assert set(columns(table)) == {"id", "email"}
    assert set(columns(source)) == ALL


@pytest.mark.parametrize(
    ("mapped", "gone", "new"),
    [
        ([mappers.renaming("age", "years")], "age", {"years": ("age", "integer")}),
        ([mappers.hashing("email")], "email", {"email_hashed": ("email", "string")}),
        ([mappers.encryption("age", "_x")], "age", {"age_x": ("age", "string")}),
        ([mappers.filtering("age")], "age", {}),
        ([mappers.row_filtering("age")], None, {}),
        ([mappers.renaming("nothing", "years")], None, {}),
        (
            [mappers.renaming("email", "mail"), mappers.hashing("mail", "#")],
            "email",
            {"mail#": ("email", "string")},
        ),
        ([mappers.renaming("email", "mail"), mappers.filtering("mail")], "email", {}),
    ],
)
def test_a_column_that_is_changed_on_its_way_comes_from_what_it_was(
    airbyte: AirbyteSimulator,
    mapped: list[JsonObject],
    gone: str | None,
    new: dict[str, tuple[str, str]],
) -> None:
    """Mappers are applied one after the other."""
    table, source = loaded(add_users(airbyte, *mapped))
    expected = {name: [name] for name in ALL - {gone}}
    assert lineage(table) == expected | {name: [before] for name, (before, _) in new.items()}
    assert set(columns(table)) == set(lineage(table))
    assert {name: columns(table)[name] for name in new} == {
        name: kind for name, (_, kind) in new.items()
    }
    assert set(columns(source)) == ALL


def test_of_a_mapper_that_is_not_known_nobody_says_what_it_does(airbyte: AirbyteSimulator) -> None:
    unheard: JsonObject = {"type": "field-splitting", "mapperConfiguration": {"targetField": "id"}}
    table, _ = loaded(add_users(airbyte, unheard))
    assert "dagster/column_lineage" not in table.metadata
    assert set(columns(table)) == ALL


def test_where_airbyte_has_no_columns_none_come_from_anywhere(airbyte: AirbyteSimulator) -> None:
    workspace = add_users(airbyte, mappers.hashing("email"))
    airbyte.add_fault(Fault.status(403), path="/v1/connections/list", times=None)
    table, source = loaded(workspace)
    assert "dagster/column_lineage" not in table.metadata
    assert [dep.asset_key for dep in table.deps] == [source.key]


def test_a_snapshot_has_them_too_and_no_keys(airbyte: AirbyteSimulator, tmp_path: Path) -> None:
    workspace = add_users(airbyte, mappers.encryption("email"), fields=("id", "email"))
    file = tmp_path / "airbyte.json"
    write_snapshot_file(workspace.fetch_catalog(), file)
    table, _ = loaded(workspace, file)
    assert lineage(table) == {"id": ["id"], "email_encrypted": ["email"]}
    assert mappers.AES_KEY not in file.read_text()
    assert mappers.AES_KEY not in repr(workspace.fetch_catalog())


def test_without_source_assets_tables_are_as_ever(airbyte: AirbyteSimulator) -> None:
    workspace = add_users(airbyte, mappers.hashing("email"), fields=("id", "email"))
    (table,) = load_airbyte_asset_specs(workspace)
    assert "dagster/column_lineage" not in table.metadata
    assert set(columns(table)) == ALL


def test_a_source_has_the_columns_that_any_of_its_connections_knows(
    airbyte: AirbyteSimulator,
) -> None:
    """Airbyte keeps, of a connection, only the fields that are selected there."""
    workspace = add_users(airbyte)
    some: JsonObject = {"type": "object", "properties": {"id": {}, "phone": {"type": "string"}}}
    other = airbyte.add_connection(
        "lake",
        [SimulatedStream("users", json_schema=some)],
        source_of=airbyte.connection("shop"),
        prefix="lake_",
    )
    assert other.source_id == airbyte.connection("shop").source_id
    *_, source = loaded(workspace)
    assert set(columns(source)) == ALL | {"phone"}
