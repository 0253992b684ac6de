"""Where a sensor without a usable cursor goes on: for each connection, behind its last report."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import dagster as dg

from dagster_airbyte_sync.assets.events.ledger import LastReported, Ledger
from dagster_airbyte_sync.resources import Job

# When the jobs ended that were last reported for the tables of each connection.
Ends = Mapping[str, Sequence[datetime]]


@dataclass(frozen=True)
class Resuming:
    """Which jobs of the past are passed over: as things stood at `resumed_at`, when it began.

    What ended before `begin` counts only if it ended after the last report of its connection; of a
    connection that was never reported, nothing does. `read_ends` is called once, and only for such
    a job: an idle tick must not ask.
    """

    begin: datetime
    resumed_at: datetime
    read_ends: Callable[[], Ends]

    def passes(self, job: Job) -> bool:
        if job.ended_at is None or job.ended_at >= self.begin:
            return False
        if job.connection_id not in self._last:
            return True
        last = self._last[job.connection_id]
        return last is not None and job.ended_at < last

    @cached_property
    def _last(self) -> Mapping[str, datetime | None]:
        """The last end by then, or None: what a run has reported since hides nothing."""
        before = {
            connection_id: [end for end in ends if end <= self.resumed_at]
            for connection_id, ends in self.read_ends().items()
        }
        return {key: max(ends, default=None) for key, ends in before.items()}


def passes_none(job: Job) -> bool:
    return False


def ends_reported(ledger: Ledger, tables: Iterable[dg.AssetKey]) -> list[datetime]:
    """When the jobs ended that were last reported for the tables, on Airbyte's clock as it is now.

    If no table names a job, it is when the first of them was last materialized.
    """
    last = [ledger.last[key] for key in tables if key in ledger.last]
    named = [end for each in last for end in _named_ends(each, ledger)]
    stored = [at for each in last if (at := ledger.when_stored(each)) is not None]
    return named or [min(stored)] if stored else named


def _named_ends(last: LastReported, ledger: Ledger) -> Iterable[datetime]:
    # What was reported had ended by then, also if a clock that was ahead says otherwise.
    stored = ledger.when_stored(last)
    for job in (last.job, last.newest):
        if job is not None and job.ended_at is not None:
            yield job.ended_at if stored is None else min(job.ended_at, stored)
