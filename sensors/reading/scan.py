"""Reads what finished in Airbyte since the cursor, as far as one tick can take it."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dagster_airbyte_sync.resources import AirbyteClient, Job, OutOfTime, TimeBudget
from dagster_airbyte_sync.sensors.cursor.cursor import Cursor
from dagster_airbyte_sync.sensors.cursor.resuming import passes_none
from dagster_airbyte_sync.sensors.shard import WHOLE, Shard


@dataclass(frozen=True)
class Scan:
    """Finished jobs in the order of their end; `new` are those the cursor does not know as done,
    without what is passed over.

    `complete` is False if the scan stopped before the newest job: the jobs are then all that
    ended up to the last one, and none later. `unreadable` rows were in the list that are no jobs.
    None is new of a parked connection, nor of `others`, whose jobs another sensor reports. Of an
    instance all jobs of these `workspaces` are there, and some of those that went away meanwhile.
    """

    jobs: tuple[Job, ...]
    new: tuple[Job, ...]
    complete: bool
    unreadable: int = 0
    others: frozenset[str] = frozenset()
    workspaces: frozenset[str] = frozenset()


class HistoryScan:
    """A scan that can go on, from the cursor to the newest job or the budget's end.

    Of an instance it reads the workspaces that it is given, as far as they are there.
    """

    def __init__(
        self,
        client: AirbyteClient,
        cursor: Cursor,
        budget: TimeBudget,
        passes: Callable[[Job], bool] = passes_none,
        shard: Shard = WHOLE,
        workspaces: Collection[str] | None = None,
    ) -> None:
        self._cursor = cursor
        self._passes = passes
        self._shard = shard
        self._others: set[str] = set()
        self._jobs: list[Job] = []
        self._new: list[Job] = []
        self._unreadable: list[int] = []
        self._workspaces: Sequence[str] = ()
        self.is_out_of_time = False
        self._history: Iterator[Job] = client.finished_jobs(
            cursor.read_from, budget, self._unreadable.append, workspaces, self._note_workspaces
        )

    def go_on(self, weight: Callable[[Job], int], enough: int) -> Scan:
        """All that was read so far, after reading on for `enough` weight of new jobs.

        What is pending has no weight: it must not keep the scan from newer jobs for ever. Raises
        OutOfTime only if not one page could be read.
        """
        heavy = 0
        try:
            for job in () if self.is_out_of_time else self._history:
                heavy += self._take(job, weight)
                if heavy >= enough:
                    return self._scan(complete=False)
        except OutOfTime:
            if not self._jobs:
                raise
            # What it reads from has ended with that, and not with the newest job.
            self.is_out_of_time = True
        return self._scan(complete=not self.is_out_of_time)

    def _take(self, job: Job, weight: Callable[[Job], int]) -> int:
        self._jobs.append(job)
        if not self._shard.has(job.connection_id):
            self._others.add(job.connection_id)
            return 0
        is_parked = job.connection_id in self._cursor.parked
        if is_parked or self._cursor.knows(job) or self._passes(job):
            return 0
        self._new.append(job)
        return 0 if self._cursor.is_pending(job) else weight(job)

    def _note_workspaces(self, workspaces: Sequence[str]) -> None:
        self._workspaces = workspaces

    def _scan(self, *, complete: bool) -> Scan:
        return Scan(
            tuple(self._jobs),
            tuple(self._new),
            complete,
            sum(self._unreadable),
            frozenset(self._others),
            frozenset(self._workspaces),
        )


def jobs_by_connection(jobs: Iterable[Job]) -> Mapping[str, Sequence[Job]]:
    """The jobs of each connection, by its id, in their order."""
    found: dict[str, list[Job]] = {}
    for job in jobs:
        found.setdefault(job.connection_id, []).append(job)
    return found
