"""What a job did, in words for people, and the amounts in them."""

from datetime import timedelta

from dagster_airbyte_sync.resources.records.jobs import Job, JobType, StreamStats


def sync_in_words(job: Job, stats: StreamStats) -> str:
    """What a sync or refresh that succeeded did with one table, which got `stats`."""
    done = "refreshed" if job.type is JobType.REFRESH else "synced"
    rows, rejected = stats.records_committed, stats.records_rejected
    what = "the table" if rows is None else rows_text(rows)
    size = f" ({in_units(stats.bytes_committed)})" if rows and stats.bytes_committed else ""
    but = f"; the destination rejected {rows_text(rejected)}" if rejected else ""
    return f"Airbyte {done} {what}{size}{_within(job)}{but}"


def clear_in_words(job: Job) -> str:
    """What a job that succeeded and leaves no fresh tables did with one."""
    if job.type is not JobType.CLEAR:
        return f"Airbyte ran a job of the type {job.unknown_type or job.type.value!r}"
    if job.enabled_streams is None and job.streams is None:
        return f"Airbyte cleared streams of this connection{_within(job)}, without saying which"
    return f"Airbyte cleared the table{_within(job)}: it is empty until the next sync"


def _within(job: Job) -> str:
    return f" in {duration_text(job.duration)}" if job.duration is not None else ""


def rows_text(number: int) -> str:
    """A number of rows as people write it: no rows, 1 row, 1,204 rows."""
    if number == 1:
        return "1 row"
    return f"{number:,} rows" if number else "no rows"


def in_units(size: int) -> str:
    """A number of bytes as people write it: 999 B, 1.2 kB, 34.0 GB."""
    if size < 1000:
        return f"{size} B"
    scaled, units = size / 1000, iter(("kB", "MB", "GB", "TB", "PB"))
    unit = next(units)
    while scaled >= 999.95 and unit != "PB":
        scaled, unit = scaled / 1000, next(units)
    return f"{scaled:.1f} {unit}"


def duration_text(duration: timedelta) -> str:
    """A time as people write it, in whole seconds: 5 s, 3 min 20 s, 26 h 5 min."""
    seconds = max(int(duration.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"
