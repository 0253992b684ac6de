"""What a check said last, and whether a new verdict must be stored beside it."""

from dataclasses import dataclass, field
from datetime import datetime

import dagster as dg

from dagster_airbyte_sync.assets.checks.verdict import Verdict
from dagster_airbyte_sync.resources import Job, JobRef

# What says nothing new is said again after so long (seconds), as a sign of life.
_AGAIN_AFTER = 24 * 3600.0


@dataclass(frozen=True)
class LastEvaluation:
    """The last evaluation of one check of a table.

    `reason` is that of its verdict, and "" if it is none of ours, or if a run has planned another
    since, which is `run_id`; `is_live` if that has not ended, and `is_unread` if nobody has read
    what is behind the plan. `run_id` is "" if a sensor stored it; `stored_at` is the storage's
    clock, in epoch seconds. `failing_since` is the end of the first of the jobs that failed one
    after the other, and `failures` how many, up to the one `counted` last. A connection has been in
    the state that the word `state` stands for since `since`, and has had the `timetable` (its key)
    since `scheduled_since`. Failures, state and timetable are known also where a run has planned
    another. `event` is the evaluation itself.
    """

    passed: bool
    reason: str = ""
    job: JobRef | None = None
    run_id: str = ""
    stored_at: float = 0.0
    failing_since: datetime | None = None
    failures: int = 0
    counted: JobRef | None = None
    state: str = ""
    since: datetime | None = None
    timetable: str = ""
    scheduled_since: datetime | None = None
    event: dg.AssetCheckEvaluation | None = field(default=None, compare=False, repr=False)
    is_live: bool = False
    is_unread: bool = False

    def says(self, verdict: Verdict) -> bool:
        return (self.reason, self.passed) == (verdict.reason, verdict.passed)

    def is_of(self, job: Job) -> bool:
        """Whether it is of that job, or of a later one of its connection."""
        return _is_at_or_after(self.job, job)

    def is_of_later(self, job: Job) -> bool:
        """Whether it is of a job that came after this one."""
        return self.job is not None and job.ref.precedes(self.job)

    def counts(self, job: Job) -> bool:
        """Whether that job is among the `failures`."""
        return _is_at_or_after(self.counted, job)


def _is_at_or_after(known: JobRef | None, job: Job) -> bool:
    return known is not None and (known.is_same(job.ref) or job.ref.precedes(known))


def is_news(verdict: Verdict, job: Job, last: LastEvaluation | None, now: float) -> bool:
    """Whether a verdict of a job that goes with an event outside of runs must be stored.

    Dagster shows an evaluation for the latest materialization if both were stored outside of runs,
    however old it is (`AssetCheckExecutionRecord.targets_latest_materialization`).
    """
    if last is None or last.run_id:
        return True
    if last.job is not None and last.job.is_same(job.ref) and last.passed == verdict.passed:
        # By a tick that died. What is known by now of rows and streams makes it no news.
        return False
    if not last.says(verdict):
        return True
    if not verdict.passed and last.event is not None and last.event.description != verdict.text:
        # Other figures: those of the last time would be wrong beside the last sync.
        return True
    return is_old(last, now) and not last.is_of(job)


def is_old(last: LastEvaluation, now: float) -> bool:
    """Whether it is time for a sign of life; `now` is in epoch seconds."""
    return now - last.stored_at >= _AGAIN_AFTER


def says_something_of_rows(last: LastEvaluation | None, *, is_materialized: bool) -> bool:
    """Whether `airbyte_rows` says something already that a job without fresh tables must not hide.

    Behind what a run has planned nobody has looked for each table: of one that was never
    materialized there is nothing to hide. A run that is at work evaluates by itself what it has
    planned.
    """
    if last is None:
        return False
    if not last.reason:
        return last.is_live or is_materialized
    # By hand, or by a run that failed, it may have been said of no job.
    return last.job is not None


def lacks_evaluation(
    last: LastEvaluation | None, job: Job, *, run_id: str, materialized_at: float
) -> bool:
    """Whether Dagster shows none for what a run has materialized of the job.

    It shows one of the same run, and one that was stored later. A run that is at work evaluates
    what it has planned by itself; a step of it that failed before may have said what was known.
    """
    if last is not None and last.run_id == run_id and last.is_live:
        return False
    if last is None or not last.reason:
        return True
    is_of_older = last.job is None or last.job.precedes(job.ref)
    return is_of_older or (last.run_id != run_id and last.stored_at <= materialized_at)
