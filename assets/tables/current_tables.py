"""What Airbyte says of a connection's tables now: definitions and catalog may be minutes old."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from dagster_airbyte_sync.assets.tables.table import Table, as_synced_by
from dagster_airbyte_sync.resources import AirbyteError, Connection

# Reads one connection by its id, from Airbyte and not from what is remembered.
ReadConnection = Callable[[str], Connection]


def as_synced_now(
    read_connection: ReadConnection, tables: Sequence[Table], log: logging.Logger
) -> list[Table]:
    """Tables of one connection as it syncs them now; it is read once.

    If Airbyte does not answer they are as they were, and none is known to be alone.
    """
    try:
        connection = read_connection(tables[0].connection_id)
    except AirbyteError as error:
        log.warning("Airbyte does not say which streams it syncs now: %s", error)
    else:
        # Of a connection that syncs nothing at all there would be no job.
        if connection.selected_streams:
            return as_synced_by(connection, tables)
    return [replace(table, is_alone=False) for table in tables]
