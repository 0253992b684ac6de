"""Where the cursor goes after a tick. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from dagster_airbyte_sync.resources import Job
from dagster_airbyte_sync.sensors.cursor.cursor import OVERLAP, Cursor, begin_of
from dagster_airbyte_sync.sensors.cursor.pending import (
    FIRST_OF_ALL,
    JobKey,
    Pending,
    Reason,
    end_of,
    job_key,
)
from dagster_airbyte_sync.sensors.decision import Decision
from dagster_airbyte_sync.sensors.reading.scan import Scan

# Airbyte's servers may disagree by so much without a step back: the overlap has room for it.
_DISAGREEMENT = timedelta(minutes=2)
_SECOND = timedelta(seconds=1)
# Each takes up to 70 bytes of the cursor.
MOST_PENDING = 800


def move(
    cursor: Cursor,
    scan: Scan,
    decision: Decision,
    now: int,
    server_time: datetime,
    start_from: datetime | timedelta = timedelta(0),
) -> Cursor:
    """The cursor after a tick.

    `now` is Dagster's clock in epoch seconds. `server_time` is Airbyte's: no job can have ended
    later, so an end beyond it is one machine's wrong clock and must not draw the cursor along.
    """
    server_time = server_time.replace(microsecond=0)
    read = _before(scan.jobs, {job_key(job) for job in decision.left})
    step_back = _step_back(cursor, now, server_time)
    if step_back:
        cursor = _gone_back(cursor, step_back, start_from)
    since = cursor.since if step_back else _since(cursor.since, read, server_time)
    reached = server_time if since != cursor.since else cursor.reached or server_time
    waiting = {job_key(job) for job in decision.waiting}
    waiting |= {job_key(job) for job in scan.jobs if job.connection_id in cursor.parked}
    # What others report needs no name: it is passed over whenever it is read.
    own = {job_key(job) for job in read if job.connection_id not in scan.others}
    if step_back:
        # The others were passed over as they ended before a floor that is not where it was.
        own &= {job_key(job) for job in scan.new}
    done = cursor.done | (own - waiting)
    if decision.left or not scan.complete:
        floor = _floor_of_cut(cursor, since, read, server_time)
    else:
        floor = _floor(cursor, since, server_time - reached)
    floor, pending = _bounded(floor, _pending(cursor, scan, decision, now, server_time))
    resumed_at = _resumed_at(cursor, floor, start_from)
    moved = replace(
        cursor,
        since=since,
        floor=floor,
        reached=reached,
        resumed_at=resumed_at,
        unreported_from=resumed_at and cursor.unreported_from,
        skew=_skew(cursor, now, server_time),
        done=frozenset(),
        pending=pending,
    )
    return replace(moved, done=_still_needed(done, scan, moved))


def _resumed_at(
    cursor: Cursor, floor: datetime, start_from: datetime | timedelta
) -> datetime | None:
    """Kept as long as a job may come that is older than `start_from` was."""
    at = cursor.resumed_at
    return None if at is None or floor >= begin_of(start_from, at) else at


def _step_back(cursor: Cursor, now: int, server_time: datetime) -> timedelta:
    """How far Airbyte's clock was set back since the last tick; zero if it goes as it did.

    It seems so, too, if Dagster's clock was set ahead, which only costs a second reading.
    """
    lost = 0 if cursor.skew is None else cursor.skew - _seconds_ahead(now, server_time)
    back = max(timedelta(seconds=lost), cursor.since - server_time)
    return back if back > _DISAGREEMENT else timedelta(0)


def _gone_back(cursor: Cursor, back: timedelta, start_from: datetime | timedelta) -> Cursor:
    """The cursor by a clock that was set back: jobs now end at times that were read already."""
    since = cursor.since - back
    is_relative = isinstance(start_from, timedelta)
    return replace(
        cursor,
        begin=cursor.begin - back if is_relative else cursor.begin,
        resumed_at=cursor.resumed_at and cursor.resumed_at - back,
        unreported_from=cursor.unreported_from and cursor.unreported_from - back,
        since=since,
        floor=min(cursor.floor - back, since - OVERLAP),
        reached=None,
        skew=None,
        workspaces=cursor.workspaces and cursor.workspaces.set_back(back),
    )


def _skew(cursor: Cursor, now: int, server_time: datetime) -> int:
    skew = _seconds_ahead(now, server_time)
    if cursor.skew is None or abs(skew - cursor.skew) > _DISAGREEMENT.total_seconds():
        return skew
    return cursor.skew


def _seconds_ahead(now: int, server_time: datetime) -> int:
    return round(server_time.timestamp()) - now


def _floor_of_cut(
    cursor: Cursor, since: datetime, read: Sequence[Job], server_time: datetime
) -> datetime:
    """What ended before is done, unless it waits, after a tick that did not come to the newest job.

    The floor may lie far before `since`: it follows only what was read. Nothing is committed so
    late that minutes of the past need be read again: a tick may not come to the end of them.
    """
    read_to = min(since, end_of(read[-1])) if read else cursor.floor
    return max(cursor.floor, min(read_to, server_time - OVERLAP))


def _floor(cursor: Cursor, since: datetime, quiet: timedelta) -> datetime:
    """What ended before is done, unless it waits.

    A job that is committed late may have an end before `since`. But once nothing new has come for
    as long as that takes, the last minutes need no reading again: an idle tick is one request,
    though thousands of jobs ended in them.
    """
    return max(cursor.floor, min(since - OVERLAP + max(quiet, timedelta(0)), since + _SECOND))


def _before(jobs: tuple[Job, ...], stop: set[JobKey]) -> list[Job]:
    first = next((place for place, job in enumerate(jobs) if job_key(job) in stop), len(jobs))
    return list(jobs[:first])


def _since(since: datetime, read: Iterable[Job], server_time: datetime) -> datetime:
    return max((end for end in map(end_of, read) if since < end <= server_time), default=since)


def _pending(
    cursor: Cursor, scan: Scan, decision: Decision, now: int, server_time: datetime
) -> dict[str, Pending]:
    """With which job each connection waits from now on: the first that waits, or that this tick did
    not come to where some waited before."""
    waiting = {job_key(job) for job in decision.waiting}
    waiting |= {job_key(job) for job in decision.left if job.connection_id in cursor.pending}
    first: dict[str, Pending] = {}
    for job in scan.jobs:
        if job_key(job) in waiting or _is_late(cursor, job):
            first.setdefault(job.connection_id, _as_pending(cursor, decision, job, now))
    return {**_kept(cursor, scan, server_time), **first}


def _is_late(cursor: Cursor, job: Job) -> bool:
    """Whether the job of a parked connection is not done though it ended before its place.

    It was committed late, or Airbyte's clock was set back.
    """
    is_parked = job.connection_id in cursor.parked
    return is_parked and not cursor.is_pending(job) and not cursor.knows(job)


def _kept(cursor: Cursor, scan: Scan, server_time: datetime) -> dict[str, Pending]:
    """The connections that are parked, and where the scan was cut, those that wait otherwise.

    Of these what was read is done, also if they have no job in it, so they wait for what ends from
    the last job on: more may have ended with it. History is not read again before that; but of the
    last minutes it may still lack a job that is committed late.
    """
    if scan.complete:
        return {key: cursor.pending[key] for key in cursor.parked}
    read_to = min(end_of(scan.jobs[-1]), server_time - OVERLAP) if scan.jobs else FIRST_OF_ALL
    return {
        key: first if key in cursor.parked else first.moved_to(read_to)
        for key, first in cursor.pending.items()
    }


def _as_pending(cursor: Cursor, decision: Decision, job: Job, now: int) -> Pending:
    """The job, and since when it waits; the grace of a run begins when that is seen to be over."""
    before = cursor.pending.get(job.connection_id)
    if job.connection_id in decision.unreadable | cursor.parked:
        reason = Reason.UNREADABLE
    else:
        reason = Reason.GRACE if job_key(job) in decision.graced else Reason.RUN
    first = Pending(job_key(job), end_of(job), now, reason)
    if before is None or before.job != first.job:
        return first
    begins_grace = reason is Reason.GRACE and before.reason is not Reason.GRACE
    return first if begins_grace else replace(first, since=before.since)


def _bounded(
    floor: datetime, pending: Mapping[str, Pending]
) -> tuple[datetime, Mapping[str, Pending]]:
    """As many as a cursor has room for; history is read again from the first of the others."""
    by_end = sorted(pending.items(), key=lambda item: item[1].ended_at)
    kept, others = by_end[:MOST_PENDING], by_end[MOST_PENDING:]
    return min([floor, *(each.ended_at for _, each in others)]), dict(kept)


def _still_needed(done: frozenset[JobKey], scan: Scan, moved: Cursor) -> frozenset[JobKey]:
    """Of the done jobs those that the next tick reads again, as far as this one knows, and would
    not know as done without their names."""
    read = {job_key(job) for job in scan.jobs}
    known = {job_key(job) for job in scan.jobs if moved.knows(job)}
    return (done & read if scan.complete else done) - known
