"""Where the bookmark goes after a tick. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from dagster_airbyte_sync.resources import Job
from dagster_airbyte_sync.sensors.bookmark import MOST_APART, OVERLAP, Bookmark, Place
from dagster_airbyte_sync.sensors.decide import Decision
from dagster_airbyte_sync.sensors.scan import Scan

# Airbyte's servers may disagree by so much without a step back: the overlap has room for it.
_DISAGREEMENT = timedelta(minutes=2)


def move(
    bookmark: Bookmark, scan: Scan, decision: Decision, now: int, server_time: datetime
) -> Bookmark:
    """The bookmark after a tick.

    `now` is Dagster's clock in epoch seconds. `server_time` is Airbyte's: no job can have ended
    later, so an end beyond it is one machine's wrong clock and must not draw the bookmark along.
    """
    read = _before(scan.jobs, {job.id for job in decision.left})
    since = _since(bookmark.since, read, server_time)
    waiting = {job.id for job in decision.waiting}
    waiting |= {job.id for job in scan.jobs if job.connection_id in bookmark.apart}
    done = bookmark.done | ({job.id for job in read} - waiting)
    places = {**_places(scan, decision), **_late(bookmark, scan)}
    apart = _apart(bookmark, scan, decision, places, done)
    places = {key: job_id for key, job_id in places.items() if key not in apart}
    held = {job_id: bookmark.held.get(job_id, now) for job_id in places.values()}
    if not scan.complete:
        held |= _unread(bookmark, scan)
    return replace(
        bookmark,
        since=since,
        done=_still_needed(done, scan, since - OVERLAP, places),
        held=held,
        held_from=_held_from(bookmark, scan, held),
        apart=apart,
    )


def _before(jobs: tuple[Job, ...], stop: set[int]) -> list[Job]:
    first = next((place for place, job in enumerate(jobs) if job.id in stop), len(jobs))
    return list(jobs[:first])


def _since(since: datetime, read: Iterable[Job], server_time: datetime) -> datetime:
    if server_time < since - _DISAGREEMENT:
        # Airbyte's clock was set back, and gives ends that lie before what was read.
        return server_time
    ends = [job.ended_at for job in read if job.ended_at is not None]
    return max(since, min(max(ends, default=since), server_time))


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


def _late(bookmark: Bookmark, scan: Scan) -> Mapping[str, int]:
    """Of connections set apart the first job that is not done though it ended before their place.

    It was committed late, or Airbyte's clock was set back.
    """
    first: dict[str, int] = {}
    for job in scan.jobs:
        place = bookmark.apart.get(job.connection_id)
        if place is None or job.ended_at is None or job.ended_at > place.ended_at:
            continue
        if job.id == place.job_id or not bookmark.knows(job):
            first.setdefault(job.connection_id, job.id)
    return {key: job_id for key, job_id in first.items() if job_id != bookmark.apart[key].job_id}


def _apart(
    bookmark: Bookmark,
    scan: Scan,
    decision: Decision,
    places: Mapping[str, int],
    done: frozenset[int],
) -> Mapping[str, Place]:
    """The connections of which history is not read again until they can be read."""
    apart = {key: place for key, place in bookmark.apart.items() if key not in places}
    if not scan.complete and not done.issubset(job.id for job in scan.jobs):
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
        if not any(job.id in done for job in jobs):
            apart[key] = Place(jobs[0].id, ended_at)
    return apart


def _unread(bookmark: Bookmark, scan: Scan) -> dict[int, int]:
    """What was held and is not even read again."""
    read = {job.id for job in scan.jobs}
    return {job_id: at for job_id, at in bookmark.held.items() if job_id not in read}


def _still_needed(
    done: frozenset[int], scan: Scan, since: datetime, places: Mapping[str, int]
) -> frozenset[int]:
    """Of the done jobs those that the next tick reads again, as far as this one can tell."""
    unneeded: set[int] = set()
    passed: set[str] = set()
    for job in scan.jobs:
        if job.id == places.get(job.connection_id):
            passed.add(job.connection_id)
        if job.ended_at and job.ended_at < since and job.connection_id not in passed:
            unneeded.add(job.id)
    if scan.complete:
        done &= {job.id for job in scan.jobs}
    return done - unneeded


def _held_from(bookmark: Bookmark, scan: Scan, held: Mapping[int, int]) -> datetime | None:
    ended = {job.id: job.ended_at for job in scan.jobs}
    ends = [ended.get(job_id, bookmark.held_from) for job_id in held]
    return min((end for end in ends if end is not None), default=None)
