"""Where the bookmark goes after a tick. Pure."""

from dataclasses import replace
from datetime import datetime

from dagster_airbyte_sync.resources import Job
from dagster_airbyte_sync.sensors.bookmark import OVERLAP, Bookmark
from dagster_airbyte_sync.sensors.decide import Decision
from dagster_airbyte_sync.sensors.scan import Scan

# More waiting jobs than this the bookmark does not name; it stops before the next one instead.
MOST_HELD = 500


def move(
    bookmark: Bookmark, scan: Scan, decision: Decision, now: int, server_time: datetime
) -> Bookmark:
    """The bookmark after a tick.

    `now` is Dagster's clock in epoch seconds. `server_time` is Airbyte's: no job can have ended
    later, so an end beyond it is one machine's wrong clock and must not draw the bookmark along.
    """
    named, unnamed = decision.waiting[:MOST_HELD], decision.waiting[MOST_HELD:]
    stop = [*decision.left, *unnamed]
    read = _before(scan.jobs, {job.id for job in stop})
    since = max([bookmark.since, *(job.ended_at for job in read if job.ended_at)])
    since = max(min(since, server_time), bookmark.since)
    waiting = {job.id for job in decision.waiting}
    done = bookmark.done | {job.id for job in read if job.id not in waiting}
    held = _held(bookmark, scan, decision, {job.id for job in named}, now)
    return replace(
        bookmark,
        since=since,
        done=_within_overlap(done, scan, since),
        held=held,
        held_from=_held_from(bookmark, scan, held),
    )


def _before(jobs: tuple[Job, ...], stop: set[int]) -> list[Job]:
    first = next((place for place, job in enumerate(jobs) if job.id in stop), len(jobs))
    return list(jobs[:first])


def _within_overlap(done: frozenset[int], scan: Scan, since: datetime) -> frozenset[int]:
    """Of the done jobs those that the next tick reads again, as far as this one can tell."""
    ended = {job.id: job.ended_at or since for job in scan.jobs}
    return frozenset(
        job_id
        for job_id in done
        if (ended[job_id] >= since - OVERLAP if job_id in ended else not scan.complete)
    )


def _held(
    bookmark: Bookmark, scan: Scan, decision: Decision, named: set[int], now: int
) -> dict[int, int]:
    """All that waits: found waiting now, not come to yet, or not even read again."""
    left = {job.id for job in decision.left}
    unread = bookmark.held.keys() - {job.id for job in scan.jobs} if not scan.complete else set()
    still = named | (bookmark.held.keys() & left) | unread
    return {job_id: bookmark.held.get(job_id, now) for job_id in still}


def _held_from(bookmark: Bookmark, scan: Scan, held: dict[int, int]) -> datetime | None:
    ended = {job.id: job.ended_at for job in scan.jobs}
    ends = [ended.get(job_id, bookmark.held_from) for job_id in held]
    return min((end for end in ends if end is not None), default=None)
