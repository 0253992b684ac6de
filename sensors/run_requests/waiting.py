"""Syncs that were reported before, and whose runs wait. Pure: the event log has what is needed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from dagster_airbyte_sync.assets.events.ledger import LastReported, Ledger
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import JobRef
from dagster_airbyte_sync.sensors.cursor.pending import FIRST_OF_ALL, JobKey, job_ref
from dagster_airbyte_sync.sensors.cursor.waiting_runs import WaitingRuns
from dagster_airbyte_sync.sensors.run_requests.arrival import Arrival, name_of_connection


@dataclass(frozen=True)
class Waited:
    """Reads a connection's arrivals from what was last reported for its tables.

    With `only_with_rows` a table counts if rows were moved since the first job that waits.
    """

    tables: Mapping[str, Sequence[Table]]
    ledger: Ledger
    job_url: Callable[[str, int], str]
    only_with_rows: bool

    def arrivals(self, waiting: WaitingRuns) -> list[Arrival]:
        return [
            arrival
            for connection_id, first in waiting.first.items()
            for arrival in self._of(connection_id, job_ref(first), waiting.since)
        ]

    def _of(self, connection_id: str, first: JobRef, since: int) -> Iterable[Arrival]:
        tables = self.tables[connection_id]
        by_job: dict[JobRef, set[dg.AssetKey]] = {}
        for table in tables:
            last = self.ledger.last.get(table.key)
            job = None if last is None else self._job_of(last, first, since)
            if job is not None:
                by_job.setdefault(job, set()).add(table.key)
        name = name_of_connection(tables, connection_id)
        # Numbers begin again after a restore.
        for job in sorted(by_job, key=lambda job: (job.ended_at or FIRST_OF_ALL, job.id)):
            url, own = self.job_url(connection_id, job.id), frozenset(by_job[job])
            yield Arrival(connection_id, name, job, url, own, was_waiting=True)

    def _job_of(self, last: LastReported, first: JobRef, since: int) -> JobRef | None:
        """The job with which the table counts, or None if it does not."""
        if last.job is None:
            # Somebody else has reported the table since, and hides which job came before that.
            return first if last.stored_at >= since else None
        return last.job if self._counts(last.job, last.data_version, first) else None

    def _counts(self, job: JobRef, data_version: str | None, first: JobRef) -> bool:
        if job.precedes(first):
            return False
        if not self.only_with_rows or data_version is None:
            return True
        moved = JobRef.named(data_version)
        return moved is None or not moved.precedes(first)


def first_of_each(
    waiting: WaitingRuns | None, new: Iterable[tuple[str, JobKey]]
) -> dict[str, JobKey]:
    """By connection the first job whose runs wait; `new` are ids of connections and their jobs."""
    first = dict(waiting.first) if waiting else {}
    for connection_id, job in new:
        first.setdefault(connection_id, job)
    return first
