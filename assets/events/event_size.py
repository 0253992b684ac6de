"""How large events are on their way to Dagster's daemon, without writing them: that would take a
third of a tick that reports a backlog."""

import json
from collections.abc import Iterable

import dagster as dg

from dagster_airbyte_sync.assets.events.sync_events import Event

# Characters of JSON around what is in it: an event, an entry of its metadata, a column of a table.
_EVENT, _ENTRY, _COLUMN = 500, 150, 240
# One for all: `json.dumps` with a setting makes one each time, which takes most of the time.
_ENCODER = json.JSONEncoder(default=str)


def size_of(events: Iterable[Event]) -> int:
    """Characters of these events as Dagster's JSON: not fewer, and hardly ever twice as many."""
    return sum(map(_size_of, events))


def _size_of(event: Event) -> int:
    tags = event.tags or {} if isinstance(event, dg.AssetMaterialization) else {}
    # That of a check is as new as Dagster 1.13.
    partition = getattr(event, "partition", None)
    words = (event.asset_key.to_string(), event.description, partition, *tags, *tags.values())
    entries = sum(_entry(name, value) for name, value in event.metadata.items())
    return _EVENT + sum(map(_written, words)) + entries


def _entry(name: str, value: dg.MetadataValue) -> int:
    if isinstance(value, dg.TableSchemaMetadataValue):
        return 2 * _ENTRY + len(name) + sum(map(_column, value.schema.columns))
    if isinstance(value, dg.TableColumnLineageMetadataValue):
        deps = value.column_lineage.deps_by_column
        return 2 * _ENTRY + len(name) + sum(_written(each) + _deps(deps[each]) for each in deps)
    return _ENTRY + len(name) + _written(value.value)


def _deps(deps: Iterable[dg.TableColumnDep]) -> int:
    return sum(
        _COLUMN + len(each.asset_key.to_string()) + _written(each.column_name) for each in deps
    )


def _column(column: dg.TableColumn) -> int:
    tags = column.tags or {}
    words = (column.name, column.type, column.description, *tags, *tags.values())
    return _COLUMN + sum(map(_written, words))


def _written(value: object) -> int:
    return 0 if value is None else len(_ENCODER.encode(value))
