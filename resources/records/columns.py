"""Columns of streams, as Airbyte's JSON schemas have them."""

import sys
from collections.abc import Mapping
from dataclasses import replace

from dagster_airbyte_sync.resources.records.catalog import Connection


class SharedColumns:
    """Keeps one of all columns that are alike.

    A workspace may have a million columns, of some dozens of kinds, and they would be most of what
    its catalog takes of memory.
    """

    def __init__(self) -> None:
        self._known: dict[str, object] = {}

    def of(self, schema: Mapping[str, object]) -> Mapping[str, object]:
        """The same schema, with columns that those of others share."""
        properties = schema.get("properties")
        if not isinstance(properties, Mapping):
            return schema
        keep = self._known.setdefault
        # Written out, as dicts are no keys; values that differ are never written alike.
        shared = {sys.intern(name): keep(repr(each), each) for name, each in properties.items()}
        return {**schema, "properties": shared}


def with_shared_columns(connections: Mapping[str, Connection]) -> dict[str, Connection]:
    """The same connections, which share columns."""
    columns = SharedColumns()
    return {
        connection_id: replace(
            connection,
            all_streams=tuple(
                replace(stream, json_schema=columns.of(stream.json_schema))
                for stream in connection.all_streams
            ),
        )
        for connection_id, connection in connections.items()
    }
