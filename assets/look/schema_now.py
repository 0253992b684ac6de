"""What has changed in the schema of a connection since the definitions were loaded. Pure."""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import dagster as dg

from dagster_airbyte_sync.assets.checks.verdict import Verdict
from dagster_airbyte_sync.assets.look.connection_now import (
    DELETED,
    HELD,
    ConnectionNow,
    Finding,
    Said,
    summed_up,
)
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.matching import Matched, match
from dagster_airbyte_sync.assets.tables.new_tables import KnownStreams, newer_than
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.assets.tables.translator import column_types
from dagster_airbyte_sync.resources import Stream, StreamId

# So many names are listed of each kind of change, and so much of each (characters).
_MOST_NAMES, _LONGEST_NAME = 10, 60


def schema_verdicts(tables: Sequence[Table], now: ConnectionNow) -> Mapping[dg.AssetKey, Said]:
    """What the check says of each table of the connection.

    A stream that is gone is said of its own table, and those that are new of the first one that is
    still synced: there is no table yet that could say it.
    """
    connection = now.connection
    if connection is None or connection.status == "deprecated":
        return dict.fromkeys((table.key for table in tables), summed_up([DELETED], _UNCHANGED))
    streams = {stream.id: stream for stream in connection.selected_streams}
    matched = match([table.stream for table in tables], streams)
    held = [HELD] if connection.breaking_change else []
    ordered = sorted(tables, key=lambda each: each.stream.sort_key())
    synced = [table for table in ordered if table.stream in matched.pairs]
    speaker = (synced or ordered)[0].key
    new = newer_than(tables, matched.strange)
    found: dict[dg.AssetKey, Said] = {}
    for table in tables:
        changes = list(_changes(table, streams, matched, now))
        if table.key == speaker:
            changes += _named("new streams", map(str, new))
        found[table.key] = summed_up([*held, *_as_finding(changes)], _UNCHANGED)
    return found


_UNCHANGED = Verdict("unchanged", "The schema is as it was when the definitions were loaded")

# A kind of change and the names of what has changed.
_Change = tuple[str, tuple[str, ...]]


def _changes(
    table: Table, streams: Mapping[StreamId, Stream], matched: Matched, now: ConnectionNow
) -> Iterator[_Change]:
    stream = matched.pairs.get(table.stream)
    if stream is None:
        # One that may be several is not gone, and a connection without any is not listed whole.
        is_unclear = any(each.name == table.stream.name for each in matched.unclear)
        if streams and not is_unclear:
            yield ("stream that is no longer synced", (str(table.stream),))
        return
    before = _columns_before(table)
    if before is None or not now.has_columns:
        return
    yield from _column_changes(before, column_types(streams[stream].json_schema))


def _columns_before(table: Table) -> Mapping[str, str] | None:
    known = table.spec.metadata.get(keys.KNOWN_STREAMS)
    return known.columns_of(table.stream) if isinstance(known, KnownStreams) else None


def _column_changes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[_Change]:
    both = before.keys() & after.keys()
    retyped = (
        f"{name} ({before[name]} to {after[name]})" for name in both if before[name] != after[name]
    )
    yield from _named("new columns", after.keys() - before.keys())
    yield from _named("removed columns", before.keys() - after.keys())
    yield from _named("columns of another type", retyped)


def _named(kind: str, names: Iterable[str]) -> list[_Change]:
    ordered = tuple(sorted(names))
    return [(kind, ordered)] if ordered else []


def _as_finding(changes: Sequence[_Change]) -> list[Finding]:
    if not changes:
        return []
    said = "; ".join(f"{kind}: {_listed(names)}" for kind, names in changes)
    # Another change is news, also where the names that differ are not listed.
    mark = zlib.crc32(repr(changes).encode("utf-8", "replace"))
    text = f"Since the definitions were loaded: {said}. Reload the code location to pick this up"
    return [Finding(f"changed_{mark:08x}", text)]


def _listed(names: Sequence[str]) -> str:
    shown = [_short(name) for name in names[:_MOST_NAMES]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..."
