"""What a job did, as events say it."""

from datetime import datetime, timedelta, timezone

import pytest

from dagster_airbyte_sync.resources import (
    Job,
    JobStatus,
    JobType,
    StreamStats,
    clear_in_words,
    sync_in_words,
)

BEGAN = datetime(2026, 1, 15, 12, tzinfo=timezone.utc)


def job(type: JobType = JobType.SYNC, **more: object) -> Job:
    ended = BEGAN + timedelta(seconds=123)
    known = {"created_at": BEGAN, "updated_at": ended, "streams": {}, **more}
    return Job(1, "c", type, JobStatus.SUCCEEDED, **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("type", "stats", "said"),
    [
        (
            JobType.SYNC,
            StreamStats(1204, 120_400),
            "Airbyte synced 1,204 rows (120.4 kB) in 2 min 3 s",
        ),
        (JobType.SYNC, StreamStats(1), "Airbyte synced 1 row in 2 min 3 s"),
        (JobType.SYNC, StreamStats(0, 0), "Airbyte synced no rows in 2 min 3 s"),
        (JobType.REFRESH, StreamStats(2, 20), "Airbyte refreshed 2 rows (20 B) in 2 min 3 s"),
        (JobType.SYNC, StreamStats(), "Airbyte synced the table in 2 min 3 s"),
        (
            JobType.SYNC,
            StreamStats(5, records_rejected=500),
            "Airbyte synced 5 rows in 2 min 3 s; the destination rejected 500 rows",
        ),
    ],
)
def test_a_sync_says_what_it_moved_and_how_long_it_took(
    type: JobType, stats: StreamStats, said: str
) -> None:
    assert sync_in_words(job(type), stats) == said


def test_what_airbyte_does_not_say_is_left_out() -> None:
    unknown = job(created_at=None, updated_at=None)
    assert sync_in_words(unknown, StreamStats(3)) == "Airbyte synced 3 rows"


def test_a_clear_says_that_the_table_is_empty_only_where_that_is_known() -> None:
    cleared = "Airbyte cleared the table in 2 min 3 s: it is empty until the next sync"
    assert clear_in_words(job(JobType.CLEAR)) == cleared
    of_some = "Airbyte cleared streams of this connection in 2 min 3 s, without saying which"
    assert clear_in_words(job(JobType.CLEAR, streams=None)) == of_some


def test_a_job_of_a_type_to_come_is_named_as_airbyte_names_it() -> None:
    later = job(JobType.UNKNOWN, unknown_type="compact")
    assert clear_in_words(later) == "Airbyte ran a job of the type 'compact'"
