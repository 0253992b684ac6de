"""Columns of streams, as Airbyte's JSON schemas have them."""

from collections.abc import Mapping
from dataclasses import replace

from dagster_airbyte_sync.resources.records.catalog import Connection, Stream


def with_shared_columns(connections: Mapping[str, Connection]) -> dict[str, Connection]:
    """The same connections with one of all columns that are alike.

    A workspace may have a million columns, of some dozens of kinds, and they would be most of what
    its catalog takes of memory.
    """
    known: dict[str, object] = {}
    return {
        connection_id: replace(
            connection,
            all_streams=tuple(_sharing(stream, known) for stream in connection.all_streams),
        )
        for connection_id, connection in connections.items()
    }


def _sharing(stream: Stream, known: dict[str, object]) -> Stream:
    properties = stream.json_schema.get("properties")
    if not isinstance(properties, Mapping):
        return stream
    # Written out, as dicts are no keys; values that differ are never written alike.
    shared = {name: known.setdefault(repr(each), each) for name, each in properties.items()}
    return replace(stream, json_schema={**stream.json_schema, "properties": shared})
