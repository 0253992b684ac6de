"""Finished jobs as plain records, for tests of what is pure."""

from datetime import datetime, timedelta, timezone

from dagster_airbyte_sync import Job, JobStatus, JobType

NOON = datetime(2026, 8, 1, 12, tzinfo=timezone.utc)


def job(number: int, minute: int, connection: str = "shop") -> Job:
    """A sync that succeeded, so many minutes after noon."""
    return Job(
        id=number,
        connection_id=connection,
        type=JobType.SYNC,
        status=JobStatus.SUCCEEDED,
        created_at=NOON + timedelta(minutes=minute),
        updated_at=NOON + timedelta(minutes=minute),
    )
