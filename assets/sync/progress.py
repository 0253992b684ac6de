"""How a job goes, in a line for people. Pure."""

from collections.abc import Callable
from datetime import datetime, timedelta

from dagster_airbyte_sync.resources import Job, StreamStats


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
    return f"{rows:,} rows" + (f" ({in_units(size)})" if size is not None else "")


def in_units(size: int) -> str:
    """A number of bytes as people write it: 999 B, 1.2 kB, 34.0 GB."""
    if size < 1000:
        return f"{size} B"
    scaled, units = size / 1000, iter(("kB", "MB", "GB", "TB", "PB"))
    unit = next(units)
    while scaled >= 999.95 and unit != "PB":
        scaled, unit = scaled / 1000, next(units)
    return f"{scaled:.1f} {unit}"


def _elapsed(job: Job, now: datetime) -> str | None:
    if job.began_at is None:
        return None
    return duration_text((job.ended_at or now) - job.began_at)


def duration_text(duration: timedelta) -> str:
    """A time as people write it, in whole seconds: 5 s, 3 min 20 s, 26 h 5 min."""
    seconds = max(int(duration.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"
