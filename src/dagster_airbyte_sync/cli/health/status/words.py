"""What `status` says of a connection beside its state. Pure."""

from collections.abc import Iterable
from datetime import datetime

from dagster_airbyte_sync.assets.checks.check_settings import ROWS_CHECK
from dagster_airbyte_sync.assets.checks.last_evaluation import LastEvaluation
from dagster_airbyte_sync.cli.tables import counted, duration, number, roughly
from dagster_airbyte_sync.resources import Connection, Job, JobStatus, JobType
from dagster_airbyte_sync.resources.schedules.lateness import Lateness

_ODDITIES = {
    "empty": "no rows, which is not usual",
    "few": "far fewer rows than usual",
    "many": "far more rows than usual",
    "rejected": "the destination rejected rows",
}


def oddity(last: Job, judged: Iterable[tuple[str, LastEvaluation]]) -> str:
    """What is odd about a job that succeeded; "" if nothing is.

    The checks know what is usual for a table; without them, no row at all is odd.
    """
    if last.type is JobType.CLEAR:
        return "cleared: its tables are empty until the next sync"
    of_rows = [said for name, said in judged if name == ROWS_CHECK]
    words = sorted({each.reason for each in of_rows if not each.passed})
    if of_rows:
        # Of a table that took no part there may be other words.
        return "; ".join(_ODDITIES[word] for word in words if word in _ODDITIES)
    return "no rows" if last.rows == 0 else ""


def connection_word(connection: Connection) -> str:
    """A connection that is not active, in a word."""
    return "paused" if connection.status == "inactive" else connection.status


def failure_words(job: Job | None) -> str:
    """Why a job failed, on one line; "" if Airbyte did not say."""
    if job is None or job.failure is None:
        return ""
    origin = f"{job.failure.origin}: " if job.failure.origin else ""
    return f"{origin}{' '.join(job.failure.message.split())}"


def partial_words(job: Job | None, complete: int, tables: int) -> str:
    """That some tables of a job are complete, though it did not succeed."""
    word = "cancelled" if job is not None and job.status is JobStatus.CANCELLED else "failed"
    return f"{word}, but {number(complete)} of {counted(tables, 'table')} complete"


def late_words(late: Lateness) -> str:
    """By how much a connection is late."""
    what = "never synced, and " if late.never_synced else ""
    return f"{what}late by {duration(late.by)}"


def running_words(job: Job, now: datetime) -> str:
    """Which job runs, or waits, and for how long."""
    begun = job.began_at
    word = "waits" if job.status in (JobStatus.PENDING, JobStatus.QUEUED) else "runs"
    span = f" for {roughly(now - begun)}" if begun else ""
    return f"job {job.id} {word}{span}"
