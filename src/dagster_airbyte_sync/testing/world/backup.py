"""Jobs as a backup of Airbyte's database has them."""

from dataclasses import replace
from datetime import datetime

from dagster_airbyte_sync.testing.world.jobs import SimulatedAttempt, SimulatedJob


def as_of(job: SimulatedJob, moment: datetime) -> SimulatedJob | None:
    """The job as it was then: itself if nothing has changed since, None if it did not exist."""
    if job.created_at > moment:
        return None
    known_at = job.committed_at or job.updated_at
    return job if max(known_at, job.updated_at) <= moment else _unfinished(job, moment)


def _unfinished(job: SimulatedJob, moment: datetime) -> SimulatedJob:
    attempts = [_as_of(each, moment) for each in job.attempts if each.created_at <= moment]
    then = replace(job, status="pending", updated_at=job.created_at, attempts=attempts)
    then.committed_at = None
    if attempts and attempts[-1].status == "failed":
        then.status, then.updated_at = "incomplete", attempts[-1].updated_at
    elif attempts:
        # Also if it had ended: then that was not committed yet.
        attempts[-1] = _running(attempts[-1])
        then.status, then.updated_at = "running", attempts[-1].created_at
    return then


def _as_of(attempt: SimulatedAttempt, moment: datetime) -> SimulatedAttempt:
    has_ended = attempt.ended_at is not None and attempt.ended_at <= moment
    return attempt if has_ended else _running(attempt)


def _running(attempt: SimulatedAttempt) -> SimulatedAttempt:
    return SimulatedAttempt(
        attempt.number, attempt.created_at, attempt.created_at, ends_at=attempt.ends_at
    )
