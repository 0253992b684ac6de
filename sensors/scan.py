"""Reads what finished in Airbyte since the bookmark, as far as one tick can take it."""

from collections.abc import Callable
from dataclasses import dataclass

from dagster_airbyte_sync.resources import AirbyteClient, AirbyteError, Job, OutOfTime, TimeBudget
from dagster_airbyte_sync.sensors.bookmark import Bookmark


@dataclass(frozen=True)
class Scan:
    """Finished jobs in the order of their end; `new` are those the bookmark does not know as done.

    `complete` is False if the scan stopped before the newest job: the jobs are then all that
    ended up to the last one, and none later. `unreadable` rows were in the list that are no jobs.
    `behind` are the connections of which a job waited before. None is new of those set apart.
    """

    jobs: tuple[Job, ...]
    new: tuple[Job, ...]
    complete: bool
    unreadable: int = 0
    behind: frozenset[str] = frozenset()


def scan_history(
    client: AirbyteClient,
    bookmark: Bookmark,
    budget: TimeBudget,
    weight: Callable[[Job], int],
    enough: int,
) -> Scan:
    """Read on from the bookmark until the end, `enough` weight of new jobs, or the budget's end.

    What waits already has no weight: it must not keep the scan from newer jobs for ever. Raises
    OutOfTime only if not one page could be read.
    """
    jobs: list[Job] = []
    new: list[Job] = []
    unreadable: list[int] = []
    behind: set[str] = set()

    def scan(complete: bool) -> Scan:
        return Scan(tuple(jobs), tuple(new), complete, sum(unreadable), frozenset(behind))

    heavy = 0
    try:
        for job in client.finished_jobs(bookmark.read_from, budget, unreadable.append):
            jobs.append(job)
            if job.connection_id in bookmark.apart:
                continue
            if job.id in bookmark.held:
                behind.add(job.connection_id)
            is_behind = job.connection_id in behind
            if not bookmark.knows(job, is_behind=is_behind):
                new.append(job)
                heavy += 0 if is_behind else weight(job)
                if heavy >= enough:
                    return scan(complete=False)
    except OutOfTime:
        if not jobs:
            raise
        return scan(complete=False)
    if not bookmark.held.keys() <= {job.id for job in jobs}:
        # Airbyte has forgotten a job that waited, and with it is lost of which connection the later
        # jobs wait. All do then: the ledger knows what was told.
        behind |= {job.connection_id for job in jobs} - bookmark.apart.keys()
        new = [job for job in jobs if job.connection_id in behind and job.id not in bookmark.done]
    return scan(complete=True)


def about_how_many_new(client: AirbyteClient, scan: Scan, budget: TimeBudget) -> int | None:
    """How many finished jobs there are to tell, these and those beyond; None if unknown.

    Asks Airbyte only if the scan is not complete, and never loses a tick for it.
    """
    if scan.complete:
        return len(scan.new)
    end = scan.jobs[-1].ended_at if scan.jobs else None
    if end is None:
        return None
    at_the_end = sum(job.ended_at == end for job in scan.jobs)
    try:
        beyond = client.about_how_many_finished(end, at_the_end, budget)
    except AirbyteError:
        return None
    return len(scan.new) + beyond - at_the_end
