"""What the syncs of a time come to, by connection. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil

from dagster_airbyte_sync.cli.health.history.rows import HistoryRow, known_sum
from dagster_airbyte_sync.cli.health.reported import Reported
from dagster_airbyte_sync.resources import Connection, Job, JobStatus
from dagster_airbyte_sync.resources.schedules.lateness import longest_wait


@dataclass(frozen=True)
class Spread:
    """How long something took: half of the times no longer than `p50`, 19 of 20 than `p95`.

    Each is a time that occurred: of few values `p95` is the longest.
    """

    p50: timedelta
    p95: timedelta
    longest: timedelta


@dataclass(frozen=True)
class ConnectionReport:
    """The syncs and refreshes of one connection; clears do not count.

    `success_rate` is of those that succeeded or failed: 0 to 1, None if there are none, and what
    was cancelled says nothing. `duration` is of those that succeeded, `queue` the time from
    creation to first attempt. `late` says how often more time than the schedule allows passed
    between two successes, `latest` the longest time beyond that, and `longest_gap` is between two
    successes, or one and an end of the time: at least so long if there are fewer than two.
    `rows` is None if no sync says how many it moved.
    """

    connection: Connection
    syncs: int
    succeeded: int
    failed: int
    cancelled: int
    rows: int | None
    success_rate: float | None
    duration: Spread | None
    queue: Spread | None
    late: int | None
    latest: timedelta | None
    longest_gap: timedelta
    unreported: int | None


@dataclass(frozen=True)
class LeftOut:
    """What a history of the same time has beside the syncs and refreshes of the connections."""

    deleted_connections: int
    clears: int


def left_out_of(rows: Iterable[HistoryRow], connections: Mapping[str, Connection]) -> LeftOut:
    """How many jobs of connections that are gone there are, and of the others how many clears."""
    jobs = [row.job for row in rows]
    own = [job for job in jobs if job.connection_id in connections]
    clears = sum(not job.type.writes_tables for job in own)
    return LeftOut(deleted_connections=len(jobs) - len(own), clears=clears)


def spread_of(times: Iterable[timedelta]) -> Spread | None:
    """None of no values. What is negative, as a clock was set, counts as no time at all."""
    ordered = sorted(max(each, timedelta(0)) for each in times)
    if not ordered:
        return None
    return Spread(_rank(ordered, 50), _rank(ordered, 95), ordered[-1])


def _rank(ordered: Sequence[timedelta], percent: int) -> timedelta:
    """The nearest rank: the smallest value that so many percent of them do not exceed."""
    # In whole numbers: 0.95 * 20 is not quite 19.
    return ordered[max(ceil(len(ordered) * percent / 100), 1) - 1]


def reports_of(
    rows: Iterable[HistoryRow],
    connections: Mapping[str, Connection],
    since: datetime,
    until: datetime,
) -> list[ConnectionReport]:
    """One for each of the connections, the worst first: by success rate, then by how often late."""
    by_connection: dict[str, list[HistoryRow]] = {}
    for row in rows:
        if row.job.type.writes_tables:
            by_connection.setdefault(row.job.connection_id, []).append(row)
    made = [
        _report(connection, by_connection.get(each, []), since, until)
        for each, connection in connections.items()
    ]
    return sorted(made, key=_badness)


def _badness(report: ConnectionReport) -> tuple[bool, float, int, bool, str]:
    """What is not known comes last, and what has not synced before it."""
    rate = 1.0 if report.success_rate is None else report.success_rate
    return (
        not report.syncs and not report.late,
        rate,
        -(report.late or 0),
        not report.syncs,
        report.connection.name,
    )


def _report(
    connection: Connection, rows: Sequence[HistoryRow], since: datetime, until: datetime
) -> ConnectionReport:
    jobs = [row.job for row in rows]
    succeeded = [job for job in jobs if job.succeeded]
    failed, cancelled = _count(jobs, JobStatus.FAILED), _count(jobs, JobStatus.CANCELLED)
    decided = len(succeeded) + failed
    gaps = _gaps(connection, succeeded, since, until)
    beyond = _beyond(connection, gaps)
    is_known = not any(row.reported is Reported.UNKNOWN for row in rows)
    missing = sum(row.reported in (Reported.NO, Reported.PARTLY) for row in rows)
    return ConnectionReport(
        connection=connection,
        syncs=len(jobs),
        succeeded=len(succeeded),
        failed=failed,
        cancelled=cancelled,
        rows=known_sum(job.rows for job in jobs),
        success_rate=len(succeeded) / decided if decided else None,
        duration=spread_of(job.duration for job in succeeded if job.duration is not None),
        queue=spread_of(_queued(jobs)),
        late=None if beyond is None else len(beyond),
        latest=max(beyond or (), default=None),
        longest_gap=max(gaps, default=timedelta(0)),
        unreported=missing if is_known or missing else None,
    )


def _count(jobs: Iterable[Job], status: JobStatus) -> int:
    return sum(job.status is status for job in jobs)


def _queued(jobs: Iterable[Job]) -> list[timedelta]:
    return [job.started_at - job.created_at for job in jobs if job.started_at and job.created_at]


def _gaps(
    connection: Connection, succeeded: Iterable[Job], since: datetime, until: datetime
) -> list[timedelta]:
    """The times between successes, and from the ends of the time to the first and last of them.

    What was created later begins with its creation; what is paused now ends with its last success.
    """
    ends = sorted(job.ended_at for job in succeeded if job.ended_at)
    begin = max(since, connection.created_at or since)
    edges = [*ends, until] if connection.is_active or not ends else ends
    # A connection that was restored from a backup may be newer than its syncs.
    ordered = [min(begin, edges[0]), *edges]
    return [after - before for before, after in pairwise(ordered)]


def _beyond(connection: Connection, gaps: Iterable[timedelta]) -> list[timedelta] | None:
    """By how much gaps were longer than the schedule allows; None if it allows any.

    That is the schedule as it is now: Airbyte keeps no earlier ones.
    """
    limit = longest_wait(connection.schedule) if connection.is_active else None
    return None if limit is None else [gap - limit for gap in gaps if gap > limit]
