"""Where the cursor goes after a tick. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from dagster_airbyte_sync.resources import Job
from dagster_airbyte_sync.sensors.cursor.cursor import (
    MOST_APART,
    OVERLAP,
    Cursor,
    DoneJob,
    Place,
    begin_of,
    done_job,
    names_of,
)
from dagster_airbyte_sync.sensors.decide import Decision
from dagster_airbyte_sync.sensors.scan import Scan

# Airbyte's servers may disagree by so much without a step back: the overlap has room for it.
_DISAGREEMENT = timedelta(minutes=2)
_SECOND = timedelta(seconds=1)


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
    read = _before(scan.jobs, {job.id for job in decision.left})
    step_back = _step_back(cursor, now, server_time)
    if step_back:
        cursor = _gone_back(cursor, step_back, start_from)
    since = cursor.since if step_back else _since(cursor.since, read, server_time)
    reached = server_time if since != cursor.since else cursor.reached or server_time
    floor = _floor(cursor, scan, decision, since, server_time - reached)
    waiting = {job.id for job in decision.waiting}
    waiting |= {job.id for job in scan.jobs if job.connection_id in cursor.apart}
    done = cursor.done | {done_job(job) for job in read if job.id not in waiting}
    places = {**_places(scan, decision), **_late(cursor, scan)}
    apart = _apart(cursor, scan, decision, places, done)
    places = {key: job_id for key, job_id in places.items() if key not in apart}
    waits = [job for job in scan.jobs if job.id in places.values()]
    held = {done_job(job): _held_since(cursor, decision, job, now) for job in waits}
    if not scan.complete:
        held |= _unread(cursor, scan)
    return replace(
        cursor,
        since=since,
        floor=floor,
        reached=reached,
        resumed_at=_resumed_at(cursor, floor, start_from),
        skew=_skew(cursor, now, server_time),
        done=_still_needed(done, scan, floor, places),
        held=held,
        held_from=_held_from(cursor, scan, held),
        graced=decision.graced & {job_id for job_id, _ in held},
        apart=apart,
    )


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
        since=since,
        floor=min(cursor.floor - back, since - OVERLAP),
        reached=None,
        skew=None,
    )


def _skew(cursor: Cursor, now: int, server_time: datetime) -> int:
    skew = _seconds_ahead(now, server_time)
    if cursor.skew is None or abs(skew - cursor.skew) > _DISAGREEMENT.total_seconds():
        return skew
    return cursor.skew


def _seconds_ahead(now: int, server_time: datetime) -> int:
    return round(server_time.timestamp()) - now


def _floor(
    cursor: Cursor,
    scan: Scan,
    decision: Decision,
    since: datetime,
    quiet: timedelta,
) -> datetime:
    """What ended before is done, unless it waits.

    A job that is committed late may have an end before `since`. But once nothing new has come for
    as long as that takes, the last minutes need no reading again: an idle tick is one request,
    though thousands of jobs ended in them.
    """
    if decision.left or not scan.complete:
        return max(cursor.floor, since - OVERLAP)
    return max(cursor.floor, min(since - OVERLAP + max(quiet, timedelta(0)), since + _SECOND))


def _held_since(cursor: Cursor, decision: Decision, job: Job, now: int) -> int:
    """Since when the job waits; the grace of a run that is over begins when that is seen."""
    since = cursor.held_since(job)
    if since is None or (job.id in decision.graced and job.id not in cursor.graced):
        return now
    return since


def _before(jobs: tuple[Job, ...], stop: set[int]) -> list[Job]:
    first = next((place for place, job in enumerate(jobs) if job.id in stop), len(jobs))
    return list(jobs[:first])


def _since(since: datetime, read: Iterable[Job], server_time: datetime) -> datetime:
    ends = [job.ended_at for job in read if job.ended_at is not None]
    return max((end for end in ends if since < end <= server_time), default=since)


def _places(scan: Scan, decision: Decision) -> Mapping[str, int]:
    """The job of each connection from which on nothing is done, but for what is named as done.

    That is the first that waits, or that was not come to where some waited before. Where the scan
    was cut, more of these may follow what it read: the place is then the last job of what it read.
    """
    waiting = {job.id for job in decision.waiting}
    waiting |= {job.id for job in decision.left if job.connection_id in scan.behind}
    first: dict[str, int] = {}
    for job in scan.new:
        if job.id in waiting:
            first.setdefault(job.connection_id, job.id)
    if scan.complete:
        return first
    last = {job.connection_id: job.id for job in scan.jobs if job.connection_id in scan.behind}
    return {**last, **first}


def _late(cursor: Cursor, scan: Scan) -> Mapping[str, int]:
    """Of connections set apart the first job that is not done though it ended before their place.

    It was committed late, or Airbyte's clock was set back.
    """
    first: dict[str, int] = {}
    for job in scan.jobs:
        place = cursor.apart.get(job.connection_id)
        if place is None or job.ended_at is None or job.ended_at > place.ended_at:
            continue
        if job.id == place.job_id or not cursor.knows(job):
            first.setdefault(job.connection_id, job.id)
    return {key: job_id for key, job_id in first.items() if job_id != cursor.apart[key].job_id}


def _apart(
    cursor: Cursor,
    scan: Scan,
    decision: Decision,
    places: Mapping[str, int],
    done: frozenset[DoneJob],
) -> Mapping[str, Place]:
    """The connections of which history is not read again until they can be read."""
    apart = {key: place for key, place in cursor.apart.items() if key not in places}
    if not scan.complete and not done.issubset(map(done_job, scan.jobs)):
        # What is done after a place may not be known here.
        return apart
    from_place: dict[str, list[Job]] = {}
    for job in scan.jobs:
        if job.id == places.get(job.connection_id) or job.connection_id in from_place:
            from_place.setdefault(job.connection_id, []).append(job)
    for key, jobs in from_place.items():
        ended_at = jobs[0].ended_at
        if key not in decision.unreadable or ended_at is None or len(apart) >= MOST_APART:
            continue
        if not any(done_job(job) in done for job in jobs):
            apart[key] = Place(jobs[0].id, ended_at)
    return apart


def _unread(cursor: Cursor, scan: Scan) -> dict[DoneJob, int]:
    """What was held and is not even read again."""
    read = names_of(scan.jobs)
    return {job: at for job, at in cursor.held.items() if job not in read}


def _still_needed(
    done: frozenset[DoneJob], scan: Scan, floor: datetime, places: Mapping[str, int]
) -> frozenset[DoneJob]:
    """Of the done jobs those that the next tick reads again, as far as this one knows."""
    unneeded: set[DoneJob] = set()
    passed: set[str] = set()
    for job in scan.jobs:
        if job.id == places.get(job.connection_id):
            passed.add(job.connection_id)
        if job.ended_at and job.ended_at < floor and job.connection_id not in passed:
            unneeded |= names_of([job])
    if scan.complete:
        done &= names_of(scan.jobs)
    return done - unneeded


def _held_from(cursor: Cursor, scan: Scan, held: Collection[DoneJob]) -> datetime | None:
    ended = {done_job(job): job.ended_at for job in scan.jobs}
    ends = [ended.get(job, cursor.held_from) for job in held]
    return min((end for end in ends if end is not None), default=None)
