"""Which columns a table has, and of which column of its stream each comes. Pure.

Airbyte syncs the selected fields, and its mappers change them one after the other; each changes
names as `schema` of its class in airbyte-platform does (`airbyte-mappers/transformations`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import dagster as dg

from dagster_airbyte_sync.assets.tables.translator import (
    AirbyteConnectionTableProps,
    column_schema,
)
from dagster_airbyte_sync.resources import FieldMapper

_TEXT = "string"
# What each kind of mapper makes of its column: the type, if that changes.
_NEW_NAME: Mapping[str, str | None] = {
    "field-renaming": None,
    "hashing": _TEXT,
    "encryption": _TEXT,
}
_LEAVES_OUT, _LEAVES_ALONE = "field-filtering", "row-filtering"


@dataclass(frozen=True)
class Column:
    """A column of a table, and the name of the stream's column that it comes from."""

    column: dg.TableColumn
    comes_from: str


def table_columns(props: AirbyteConnectionTableProps) -> dict[str, Column] | None:
    """The columns of a table by name; None if Airbyte does not say which columns there are, or does
    something to them that this package does not know."""
    columns = {
        each.name: Column(each, each.name)
        for each in column_schema(props.json_schema).columns
        if props.selected_fields is None or each.name in props.selected_fields
    }
    for mapper in props.mappers:
        if mapper.kind == _LEAVES_ALONE:
            continue
        if mapper.kind not in _NEW_NAME and mapper.kind != _LEAVES_OUT:
            return None
        _apply(mapper, columns)
    return columns or None


def _apply(mapper: FieldMapper, columns: dict[str, Column]) -> None:
    before = columns.pop(mapper.field or "", None)
    if before is None or not mapper.new_field or mapper.kind == _LEAVES_OUT:
        return
    kind = _NEW_NAME[mapper.kind] or before.column.type
    columns[mapper.new_field] = Column(
        dg.TableColumn(mapper.new_field, kind), comes_from=before.comes_from
    )


def lineage_of(columns: Mapping[str, Column], source: dg.AssetKey) -> dg.TableColumnLineage:
    """The columns, as those of an asset that come from columns of another."""
    return dg.TableColumnLineage(
        {name: [dg.TableColumnDep(source, each.comes_from)] for name, each in columns.items()}
    )


def schema_of(columns: Mapping[str, Column]) -> dg.TableSchema:
    return dg.TableSchema([columns[name].column for name in sorted(columns)])
