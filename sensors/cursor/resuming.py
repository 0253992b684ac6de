"""Where a sensor without a usable cursor goes on: for each connection, behind its last report."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import dagster as dg

from dagster_airbyte_sync.assets.events.ledger import LastReported, Ledger
from dagster_airbyte_sync.resources import Job, JobRef

# A sensor may have been so far behind with some connections while it, or another that shares them
# with it, reported others.
_BEHIND = timedelta(hours=1)

# The jobs that were last reported for the tables of each connection, and when they ended.
Ends = Mapping[str, Sequence["LastEnd"]]


@dataclass(frozen=True)
class LastEnd:
    """`job` is None if the report names none: `ended_at` is then when it was stored.

    `run_stored_at` is when a run stored it (Dagster's clock, epoch seconds), or None for a sensor.
    """

    ended_at: datetime
    job: JobRef | None = None
    run_stored_at: float | None = None

    @property
    def is_by_sensor(self) -> bool:
        """Whether a sensor reported it, and so was there when it ended."""
        return self.job is not None and self.run_stored_at is None


@dataclass(frozen=True)
class Resuming:
    """Which jobs of the past are passed over: as things stood at `resumed_at`, when it began.

    `began` is the same moment by Dagster's clock, in epoch seconds.

    What ended before `begin` counts only if it ended after the last report of its connection, or
    from `unreported_from` on if that was never reported. `read_ends` is called once, and only for
    such a job: an idle tick must not ask.
    """

    begin: datetime
    unreported_from: datetime
    resumed_at: datetime
    began: float
    read_ends: Callable[[], Ends]

    def passes(self, job: Job) -> bool:
        if job.ended_at is None or job.ended_at >= self.begin:
            return False
        last = self._last.get(job.connection_id)
        if last is None:
            return job.ended_at < self.unreported_from
        return bool(last) and all(_is_before(job, each) for each in last)

    @cached_property
    def _last(self) -> Mapping[str, Sequence[LastEnd]]:
        """Those that ended last by then: what a run has reported since hides nothing, though its
        end may seem to be older, where Airbyte's clock was set back."""
        return {
            connection_id: _latest([each for each in ends if self._was_there(each)])
            for connection_id, ends in self.read_ends().items()
        }

    def _was_there(self, end: LastEnd) -> bool:
        is_by_run_since = end.run_stored_at is not None and end.run_stored_at > self.began
        return end.ended_at <= self.resumed_at and not is_by_run_since


def _latest(ends: Sequence[LastEnd]) -> Sequence[LastEnd]:
    last = max((each.ended_at for each in ends), default=None)
    return [each for each in ends if each.ended_at == last]


def _is_before(job: Job, last: LastEnd) -> bool:
    if job.ended_at == last.ended_at:
        # Of those that ended within one second, the numbers say which came first.
        return last.job is not None and job.ref.precedes(last.job)
    return job.ended_at is not None and job.ended_at < last.ended_at


def unreported_from(
    begin: datetime, ends: Iterable[LastEnd], earliest: Callable[[], datetime | None]
) -> datetime:
    """From when on connections are reported that never were: at `begin` at the latest.

    A first sync may have come while no sensor was there to see it. One that was would have reported
    it before the newest of `ends`, or an hour later; but what had ended before the first report of
    any sensor was not to be reported. `earliest` is the first that is known, and costs look-ups: it
    is asked once at most.
    """
    by_sensors = [end.ended_at for end in ends if end.is_by_sensor]
    if not by_sensors:
        return begin
    since, first = max(by_sensors) - _BEHIND, min(by_sensors)
    if first > since:
        first = min(filter(None, [first, earliest()]))
    return min(max(since, first), begin)


def passes_none(job: Job) -> bool:
    return False


def ends_reported(ledger: Ledger, tables: Iterable[dg.AssetKey]) -> list[LastEnd]:
    """The jobs last reported for the tables, and when they ended on Airbyte's clock as it is now.

    If no table names a job, that is when the first of them was last materialized.
    """
    last = [ledger.last[key] for key in tables if key in ledger.last]
    named = [end for each in last for end in _named_ends(each, ledger)]
    stored = [at for each in last if (at := ledger.when_stored(each)) is not None]
    return named or [LastEnd(min(stored))] if stored else named


def _named_ends(last: LastReported, ledger: Ledger) -> Iterable[LastEnd]:
    # What was reported had ended by then, also if a clock that was ahead says otherwise.
    stored = ledger.when_stored(last)
    for job in (last.job, last.newest):
        if job is not None and job.ended_at is not None:
            ended_at = job.ended_at if stored is None else min(job.ended_at, stored)
            yield LastEnd(ended_at, job, last.stored_at if last.run_id else None)
