"""How a job goes, in a line for people. Pure."""

from collections.abc import Callable
from datetime import datetime

from dagster_airbyte_sync.resources import Job, StreamStats, duration_text, in_units, rows_text

__all__ = ["duration_text", "how_it_goes", "in_units"]


def how_it_goes(job: Job, now: datetime) -> str:
    """One line: status, attempt, rows and bytes so far, and for how long; `now` by Airbyte's clock.

    What Airbyte does not say is left out: where the Configuration API is closed, that is the
    attempt, and the rows that are read but not yet written.
    """
    parts = [f"attempt {job.attempts}" if job.attempts else None, *_moved(job), _elapsed(job, now)]
    return f"Airbyte job {job.id} is {job.status.value}: {', '.join(filter(None, parts))}"


def _moved(job: Job) -> list[str]:
    read = _rows_and_bytes(
        _sum(job, lambda stats: stats.records_emitted), _sum(job, lambda stats: stats.bytes_emitted)
    )
    written = _rows_and_bytes(job.rows, job.bytes)
    if read and not job.is_finished:
        return [f"{read} read", *([f"{written} written"] if written else [])]
    return [f"{written} written"] if written else []


def _sum(job: Job, count: Callable[[StreamStats], int | None]) -> int | None:
    known = [n for stats in (job.streams or {}).values() if (n := count(stats)) is not None]
    return sum(known) if known else None


def _rows_and_bytes(rows: int | None, size: int | None) -> str | None:
    if rows is None:
        return None
    return rows_text(rows) + (f" ({in_units(size)})" if size is not None else "")


def _elapsed(job: Job, now: datetime) -> str | None:
    if job.began_at is None:
        return None
    return duration_text((job.ended_at or now) - job.began_at)
