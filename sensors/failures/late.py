"""Which connections are late: no sync was reported of their tables for longer than it may take."""

import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

import dagster as dg

from dagster_airbyte_sync.assets.sync.progress import duration_text
from dagster_airbyte_sync.assets.tables.keys import CONNECTION_CREATED_AT, time_in
from dagster_airbyte_sync.assets.tables.table import Table, group_by_connection, table_of_spec
from dagster_airbyte_sync.resources import Job, Pages
from dagster_airbyte_sync.resources.schedules.lateness import lateness
from dagster_airbyte_sync.sensors.failures.problem import ProblemKind, SyncProblem
from dagster_airbyte_sync.sensors.run_requests.arrival import tag_text

# Seconds between two looks.
LOOK_EVERY = 300
# For so long (seconds) a sensor that was off does not look: the one that reports syncs was off as
# well, and has a history to catch up on.
CATCH_UP = 600
# Later than any time (epoch seconds).
FOR_GOOD = 2**40

# A time, or True for each table's own freshness policy.
LateAfter = timedelta | bool


@dataclass(frozen=True)
class LateConnection:
    """A connection whose tables were last materialized at `last`, which at `now` is longer ago than
    `limit`. Both are Dagster's clock, in epoch seconds.

    One of which `never_synced` is true was created then.
    """

    connection_id: str
    last: float
    limit: timedelta
    now: int
    never_synced: bool = False

    @property
    def mark(self) -> int:
        """A number that stands for it until the connection is reported again."""
        return zlib.crc32(f"{self.connection_id} {int(self.last)}".encode())

    @property
    def key(self) -> str:
        """What makes a run for it one of its own."""
        return f"{ProblemKind.LATE.value}:{self.connection_id}:{int(self.last)}"

    def as_problem(self, connection_name: str, pages: Pages) -> SyncProblem:
        last_at = _time(int(self.last))
        ago = duration_text(timedelta(seconds=self.now - self.last))
        what = (
            "No sync of the connection was ever reported to Dagster; it was created at"
            if self.never_synced
            else "No sync has been reported to Dagster since"
        )
        return SyncProblem(
            kind=ProblemKind.LATE,
            connection_id=self.connection_id,
            connection_name=tag_text(connection_name),
            job_id=None,
            reason=(
                f"{what} {last_at:%Y-%m-%d %H:%M} UTC, {ago} ago;"
                f" it is late after {duration_text(self.limit)}"
            ),
            job_url=pages.connection(self.connection_id),
            ended_at=last_at,
        )


@dataclass(frozen=True)
class Look:
    """What a look found: the connections that are `late` and have had no run for it.

    `quiet` has the marks of the other late ones, and until when (epoch seconds) each wants no run.
    The next look is `again_at`, on Dagster's clock, too.
    """

    late: tuple[LateConnection, ...] = ()
    quiet: Mapping[int, int] = field(default_factory=dict)
    again_at: int | None = None


def next_look(planned: int | None, now: int, interval: int) -> int:
    """When to look: now, if that is not in the future. `interval` is between ticks (seconds)."""
    first = now + CATCH_UP
    if planned is None or now - planned > max(CATCH_UP, 3 * interval):
        return first
    return min(planned, first)


def still_quiet(
    quiet: Mapping[int, int], found: Iterable[LateConnection], now: int
) -> dict[int, int]:
    """The marks of those that are late and want no run yet."""
    marks = [each.mark for each in found]
    return {mark: quiet[mark] for mark in marks if quiet.get(mark, 0) > now}


def recent_sync(jobs: Iterable[Job], limit: timedelta, airbyte_now: datetime) -> Job | None:
    """What makes a connection not late, of its `jobs`, newest first: a sync that runs, for however
    long, or one that succeeded and ended no longer ago than `limit`.

    Only the newest job can be running: dead ones stay unfinished in Airbyte until the next start.
    """
    for place, job in enumerate(jobs):
        runs = place == 0 and job.type.writes_tables and not job.is_finished
        at = job.ended_at or job.began_at
        if runs or (job.wrote_tables and (at is None or airbyte_now - at <= limit)):
            return job
    return None


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
    ever, and hide how the others fare. Where none was ever materialized, the connection's creation
    counts.
    """
    groups = sorted(group_by_connection(tables).items())
    found = (_late(connection_id, own, last, late_after, now) for connection_id, own in groups)
    return [late for late in found if late]


def _late(
    connection_id: str,
    tables: Sequence[Table],
    last: Mapping[dg.AssetKey, float],
    late_after: LateAfter,
    now: int,
) -> LateConnection | None:
    known = [table for table in tables if table.key in last]
    limits = [limit for table in known or tables if (limit := _limit(table, late_after))]
    newest = max((last[table.key] for table in known), default=None)
    found = lateness(
        min(limits, default=None),
        None if newest is None else _time(newest),
        time_in(tables[0].spec.metadata, CONNECTION_CREATED_AT),
        _time(now),
    )
    if found is None:
        return None
    since = found.since.timestamp() if newest is None else newest
    return LateConnection(connection_id, since, found.limit, now, found.never_synced)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


def may_be_late(tables: Iterable[Table], late_after: LateAfter) -> bool:
    """Whether anything says how old one of the tables may be."""
    return any(_limit(table, late_after) for table in tables)


def _limit(table: Table, late_after: LateAfter) -> timedelta | None:
    if isinstance(late_after, timedelta):
        return late_after
    # The classes of policies have no public names; only the one of a time window has this.
    window = getattr(table.spec.freshness_policy, "fail_window", None)
    return None if window is None else timedelta(seconds=window.to_timedelta().total_seconds())
