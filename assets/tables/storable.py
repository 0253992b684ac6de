"""What Dagster's databases cannot store. The daemon stores events unguarded: one that is refused
would fail the tick, and the next one with it, for ever."""

import logging
from collections.abc import Iterable

import dagster as dg

from dagster_airbyte_sync.assets.tables.table import Table

# The length of the column for asset keys in Dagster's tables on PostgreSQL and MySQL.
_LONGEST_KEY = 512


def why_not_storable(key: dg.AssetKey) -> str | None:
    """Why no event with this asset key can be stored; None if it can."""
    written = key.to_string()
    if len(written) > _LONGEST_KEY:
        return f"its key has {len(written)} characters, and Dagster stores {_LONGEST_KEY} at most"
    for part in key.path:
        if "\x00" in part:
            return "its key has a NUL character"
        if any("\ud800" <= letter <= "\udfff" for letter in part):
            return "its key has half a character (a lone surrogate)"
    return None


def storable(tables: Iterable[Table], log: logging.Logger) -> list[Table]:
    """The tables without those of which Dagster could not store an event: that would stop all."""
    kept = []
    for table in tables:
        reason = why_not_storable(table.key)
        if reason:
            log.warning("Nothing can be reported for the asset %r: %s", table.key, reason)
        else:
            kept.append(table)
    return kept
