"""Reads what finished in Airbyte since the bookmark, as far as one tick can take it."""

from collections.abc import Callable
from dataclasses import dataclass

from dagster_airbyte_sync.resources import AirbyteClient, Job, OutOfTime, TimeBudget
from dagster_airbyte_sync.sensors.bookmark import Bookmark


@dataclass(frozen=True)
class Scan:
    """Finished jobs in the order of their end; `new` are those the bookmark does not know as done.

    `complete` is False if the scan stopped before the newest job: the jobs are then all that
    ended up to the last one, and none later.
    """

    jobs: tuple[Job, ...]
    new: tuple[Job, ...]
    complete: bool


def scan_history(
    client: AirbyteClient,
    bookmark: Bookmark,
    budget: TimeBudget,
    weight: Callable[[Job], int],
    enough: int,
) -> Scan:
    """Read on from the bookmark until the end, `enough` weight of new jobs, or the budget's end.

    Raises OutOfTime only if not one page could be read.
    """
    jobs: list[Job] = []
    new: list[Job] = []
    heavy = 0
    try:
        for job in client.finished_jobs(bookmark.read_from, budget):
            jobs.append(job)
            if not bookmark.knows(job):
                new.append(job)
                heavy += weight(job)
                if heavy >= enough:
                    return Scan(tuple(jobs), tuple(new), complete=False)
    except OutOfTime:
        if not jobs:
            raise
        return Scan(tuple(jobs), tuple(new), complete=False)
    return Scan(tuple(jobs), tuple(new), complete=True)
