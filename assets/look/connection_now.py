"""How a connection stands in Airbyte now: paused, locked, deleted, late, or stuck. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import dagster as dg

from dagster_airbyte_sync.assets.checks.duration_history import DurationHistory
from dagster_airbyte_sync.assets.checks.verdict import Verdict
from dagster_airbyte_sync.assets.look.timetable import Timetable
from dagster_airbyte_sync.resources import Connection, Job, JobStatus, JobType, duration_text
from dagster_airbyte_sync.resources.schedules.lateness import is_late, longest_wait

# Far longer than usual: so many times, and so much longer at least.
_TIMES, _AT_LEAST = 3, timedelta(minutes=30)
# What takes longer is stuck, where nothing is known of how long it usually takes.
_WITHOUT_HISTORY = timedelta(hours=24)
# Of Airbyte's reason for a status so many characters are shown.
_LONGEST_REASON = 300

_WAITING = (JobStatus.PENDING, JobStatus.QUEUED)


@dataclass(frozen=True)
class ConnectionNow:
    """What is known of a connection at one moment, `now`, beside its tables.

    `connection` is None if Airbyte does not have it any more. `unfinished` are its jobs that wait
    or run. The last sync that is known ended at `last_sync_end`; one that ended before
    `watched_since` would not be known; before `scheduled_since` none was due. All times are
    Airbyte's clock. `has_columns` is False where Airbyte does not list the columns of streams.
    """

    connection: Connection | None
    now: datetime
    unfinished: tuple[Job, ...] = ()
    last_sync_end: datetime | None = None
    watched_since: datetime | None = None
    durations: DurationHistory = field(default_factory=DurationHistory)
    has_columns: bool = True
    scheduled_since: datetime | None = None


class Said(NamedTuple):
    """What a check says of a connection, since when it is so, as far as Airbyte says, which job it
    is about, and by which timetable."""

    verdict: Verdict
    since: datetime | None = None
    job: Job | None = None
    timetable: Timetable | None = None


class Finding(NamedTuple):
    """One thing that is not as it should be; `word` names it in the verdict."""

    word: str
    text: str
    is_error: bool = False
    since: datetime | None = None
    job: Job | None = None


DELETED = Finding("deleted", "The connection was deleted in Airbyte", is_error=True)
HELD = Finding(
    "schema_held",
    "A breaking change of the source's schema waits for approval in Airbyte",
    is_error=True,
)


def connection_verdict(now: ConnectionNow) -> Said:
    """Whether Airbyte syncs the connection as it should."""
    found = [*_of_connection(now.connection), *_of_jobs(now), *_of_schedule(now)]
    return summed_up(
        found, Verdict("active", "Active in Airbyte: no sync is late, or takes unusually long")
    )


def summed_up(found: list[Finding], otherwise: Verdict) -> Said:
    """All that was found in one verdict; it fails if one of it does, and else warns."""
    if not found:
        return Said(otherwise)
    is_error = any(each.is_error for each in found)
    severity = dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN
    word, text = "+".join(each.word for each in found), "; ".join(each.text for each in found)
    verdict = Verdict(word, text, passed=False, severity=severity)
    jobs = (each.job for each in found if each.job)
    return Said(verdict, found[0].since, next(jobs, None))


def _of_connection(connection: Connection | None) -> Iterator[Finding]:
    if connection is None or connection.status == "deprecated":
        yield DELETED
        return
    if connection.breaking_change:
        yield HELD
    if not connection.is_active:
        yield _of_status(connection.status, connection.status_reason)


def _of_status(status: str, reason: str | None) -> Finding:
    why = f": {' '.join(reason.split())[:_LONGEST_REASON]}" if reason else ""
    if status == "inactive":
        return Finding("paused", f"Paused in Airbyte{why}")
    if status == "locked":
        return Finding("locked", f"Locked by Airbyte, which no longer syncs it{why}", is_error=True)
    return Finding(status, f"Airbyte calls the connection {status!r}{why}")


def _of_jobs(now: ConnectionNow) -> Iterator[Finding]:
    """The job that is far too long at it, if any: a connection runs one at a time."""
    stuck = (found for job in now.unfinished if (found := _stuck(job, now)))
    yield from sorted(stuck, key=lambda each: each.since or now.now)[:1]


def _stuck(job: Job, now: ConnectionNow) -> Finding | None:
    is_waiting = job.status in _WAITING
    since = job.created_at if is_waiting else job.began_at
    # A refresh or clear is no measure, and has none: it may read or drop everything.
    usual = now.durations.p95 if job.type is JobType.SYNC else None
    limit = _WITHOUT_HISTORY if usual is None else max(usual * _TIMES, usual + _AT_LEAST)
    if since is None or now.now - since <= limit:
        return None
    doing = "waiting" if is_waiting else "running"
    what = f"Job {job.id} ({job.type.value}) has been {doing}"
    than = (
        f"for longer than {duration_text(limit)}"
        if usual is None
        else f"although syncs usually take {duration_text(usual)} at most"
    )
    word = "waiting_long" if is_waiting else "running_long"
    return Finding(word, f"{what} since {clock_text(since)}, {than}", since=since, job=job)


def _of_schedule(now: ConnectionNow) -> Iterator[Finding]:
    connection = now.connection
    if connection is None or not connection.is_active or _syncs_in_time(now, connection):
        return
    due_from = _latest(connection.created_at, now.watched_since, now.scheduled_since)
    last = now.last_sync_end and _latest(now.last_sync_end, now.scheduled_since)
    late = is_late(connection.schedule, last, due_from, now.now)
    if late is None:
        return
    never = late.never_synced and due_from == connection.created_at
    what = "It has not synced since it was created at" if never else "No sync has ended since"
    yield Finding(
        "never_synced" if never else "late",
        f"{what} {clock_text(late.since)}: by its schedule it is late after"
        f" {duration_text(late.limit)}",
        since=late.since,
    )


def _latest(*moments: datetime | None) -> datetime | None:
    return max(filter(None, moments), default=None)


def _syncs_in_time(now: ConnectionNow, connection: Connection) -> bool:
    """Whether a sync is at it that began no longer ago than it may take to the next one's end."""
    limit = longest_wait(connection.schedule)
    begun: Iterable[datetime] = (
        job.began_at for job in now.unfinished if job.type.writes_tables and job.began_at
    )
    return limit is not None and any(now.now - each <= limit for each in begun)


def clock_text(moment: datetime) -> str:
    """A time as people write it, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
