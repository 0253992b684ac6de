"""What a sensor's cursor says, for people; and the cursor that reads on from a time. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from enum import Enum

from dagster_airbyte_sync.resources import Job
from dagster_airbyte_sync.sensors.cursor.cursor import (
    Cursor,
    UnreadableCursor,
    first_cursor,
    read_cursor,
)
from dagster_airbyte_sync.sensors.cursor.pending import Pending, Reason

__all__ = [
    "Bookmark",
    "ReasonToWait",
    "UnreadableCursor",
    "WaitingConnection",
    "bookmark_at",
    "bookmark_of",
]


class ReasonToWait(str, Enum):
    """Why a connection's syncs are not reported yet."""

    RUN = "a Dagster run should report it, or the last tick could not find out what to report"
    GRACE = "the run that followed it is over, but its step may still report it"
    UNREADABLE = "the connection's tables cannot be known"


@dataclass(frozen=True)
class WaitingConnection:
    """The job with which a connection waits; `since` is None where an old cursor does not say."""

    connection_id: str
    job_id: int
    ended_at: datetime
    since: datetime | None
    reason: ReasonToWait


@dataclass(frozen=True)
class Bookmark:
    """How far history is read, and what waits. Times are Airbyte's clock, `since` are Dagster's.

    What ended before `begin` is never reported, and the next tick reads from `read_from` on.
    `waiting_runs` has the first sync by connection id after which runs wait, since `runs_since`.
    """

    read_up_to: datetime
    read_from: datetime
    begin: datetime
    waiting: tuple[WaitingConnection, ...]
    waiting_runs: dict[str, int]
    runs_since: datetime | None
    is_new: Callable[[Job], bool]


def bookmark_of(text: str, workspace_id: str) -> Bookmark:
    """What the cursor says. Raises UnreadableCursor."""
    cursor = read_cursor(text, workspace_id)
    first = cursor.runs.first if cursor.runs else {}
    pending = sorted(cursor.pending.items(), key=lambda item: item[1].ended_at)
    return Bookmark(
        read_up_to=cursor.since,
        read_from=cursor.read_from,
        begin=cursor.begin,
        waiting=tuple(_waiting(connection_id, each) for connection_id, each in pending),
        waiting_runs={connection_id: job_id for connection_id, (job_id, _) in first.items()},
        runs_since=_moment(cursor.runs.since) if cursor.runs else None,
        is_new=lambda job: not cursor.knows(job) and job.connection_id not in cursor.parked,
    )


def _waiting(connection_id: str, pending: Pending) -> WaitingConnection:
    since = _moment(pending.since) if pending.since else None
    reason = _REASONS[pending.reason]
    return WaitingConnection(connection_id, pending.job[0], pending.ended_at, since, reason)


_REASONS = {
    Reason.RUN: ReasonToWait.RUN,
    Reason.GRACE: ReasonToWait.GRACE,
    Reason.UNREADABLE: ReasonToWait.UNREADABLE,
}


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


def bookmark_at(moment: datetime, workspace_id: str, before: str | None) -> str:
    """The cursor that reads on from a time (Airbyte's clock); `before` is the sensor's present one.

    The runs that wait stay: what they follow is reported, and will not be again.
    """
    cursor = first_cursor(workspace_id, moment.astimezone(timezone.utc).replace(microsecond=0))
    known = _readable(before, workspace_id)
    return replace(cursor, runs=known.runs if known else None).to_text()


def _readable(text: str | None, workspace_id: str) -> Cursor | None:
    try:
        return read_cursor(text, workspace_id) if text else None
    except UnreadableCursor:
        return None
