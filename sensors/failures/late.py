"""Which connections are late: no sync made their tables fresh for longer than it may take."""

import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import dagster as dg

from dagster_airbyte_sync.assets.sync.progress import duration_text
from dagster_airbyte_sync.assets.tables.table import Table, group_by_connection, table_of_spec

# Seconds between two looks.
LOOK_EVERY = 300
# For so long a sensor that was off does not look: the one that reports syncs was off as well, and
# has a history to catch up on.
_FIRST_WAIT = 600

# A time, or True for each table's own freshness policy.
LateAfter = timedelta | bool


@dataclass(frozen=True)
class LateConnection:
    """A connection whose tables were last materialized at `last` (Dagster's clock, epoch seconds),
    which is longer ago than `limit`."""

    connection_id: str
    last: float
    limit: timedelta

    @property
    def mark(self) -> int:
        """A number that stands for it until the connection syncs again."""
        return zlib.crc32(f"{self.connection_id} {int(self.last)}".encode())

    @property
    def last_at(self) -> datetime:
        return datetime.fromtimestamp(int(self.last), timezone.utc)

    def reason(self, now: int) -> str:
        ago = duration_text(timedelta(seconds=now - self.last))
        return (
            f"No sync since {self.last_at:%Y-%m-%d %H:%M} UTC, {ago} ago;"
            f" it is late after {duration_text(self.limit)}"
        )


def first_look(now: int) -> int:
    """When a sensor that begins now, or was off, looks first (epoch seconds)."""
    return now + _FIRST_WAIT


def next_look(planned: int, now: int, interval: int) -> int:
    """When to look: now, if that is not in the future. `interval` is between ticks (seconds)."""
    was_off = now - planned > max(_FIRST_WAIT, 3 * interval)
    return first_look(now) if was_off else min(planned, first_look(now))


def tables_in(repository: dg.RepositoryDefinition) -> list[Table]:
    """The tables of this code location whose specs name their connection."""
    assets = repository.assets_defs_by_key
    specs = (each.get_asset_spec(key) for key, each in assets.items())
    return [table for spec in specs if (table := table_of_spec(spec))]


def last_materialized(
    instance: dg.DagsterInstance, keys: Collection[dg.AssetKey]
) -> dict[dg.AssetKey, float]:
    """When each was (epoch seconds), without those that never were; one query."""
    records = instance.get_asset_records(list(keys)) if keys else []
    entries = ((r.asset_entry.asset_key, r.asset_entry.last_materialization) for r in records)
    return {key: entry.timestamp for key, entry in entries if entry is not None}


def late_connections(
    tables: Iterable[Table],
    last: Mapping[dg.AssetKey, float],
    late_after: LateAfter,
    now: int,
) -> list[LateConnection]:
    """The connections whose newest table is older than the shortest limit of one of them.

    Not each table for itself: one that its connection does not sync any more would be late for
    ever, and hide how the others fare.
    """
    found = (
        _late(connection_id, own, last, late_after, now)
        for connection_id, own in sorted(group_by_connection(tables).items())
    )
    return [each for each in found if each]


def may_be_late(tables: Iterable[Table], late_after: LateAfter) -> bool:
    """Whether anything says how old one of the tables may be."""
    return any(_limit(table, late_after) for table in tables)


def _late(
    connection_id: str,
    tables: Iterable[Table],
    last: Mapping[dg.AssetKey, float],
    late_after: LateAfter,
    now: int,
) -> LateConnection | None:
    known = [table for table in tables if table.key in last]
    limits = [limit for table in known if (limit := _limit(table, late_after))]
    if not limits:
        return None
    newest, limit = max(last[table.key] for table in known), min(limits)
    is_late = now - newest > limit.total_seconds()
    return LateConnection(connection_id, newest, limit) if is_late else None


def _limit(table: Table, late_after: LateAfter) -> timedelta | None:
    if isinstance(late_after, timedelta):
        return late_after
    # The classes of policies have no public names; only the one of a time window has this.
    window = getattr(table.spec.freshness_policy, "fail_window", None)
    return None if window is None else timedelta(seconds=window.to_timedelta().total_seconds())
