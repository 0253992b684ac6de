"""The timeline of a connection: Airbyte's only record of who started a job."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from dagster_airbyte_sync.testing.wire.payload import Json, JsonObject
from dagster_airbyte_sync.testing.wire.times import epoch_seconds
from dagster_airbyte_sync.testing.world.jobs import SimulatedJob
from dagster_airbyte_sync.testing.world.plans import Failure

NOBODY = "00000000-0000-0000-0000-000000000000"
"""The default user: the only one where Airbyte has no accounts."""

_WORDS = {"sync": "SYNC", "refresh": "REFRESH", "reset": "CLEAR"}


@dataclass(frozen=True)
class SimulatedUser:
    """A user of Airbyte. Of a deleted user, Airbyte says nothing else."""

    name: str | None = "Default"
    email: str | None = "airbyte@example.com"
    user_id: str = NOBODY
    is_deleted: bool = False

    @staticmethod
    def named(name: str, email: str | None = None) -> "SimulatedUser":
        """Return a user with an account."""
        return SimulatedUser(name, email, str(uuid.uuid5(uuid.NAMESPACE_URL, email or name)))


DEFAULT_USER = SimulatedUser()


@dataclass(frozen=True)
class TimelineEvent:
    """One line; `user` is who asked for it, a schedule is nobody. Not every line is of a job."""

    event_id: str
    connection_id: str
    type: str
    job_id: int | None
    created_at: datetime
    summary: JsonObject
    user: SimulatedUser | None = None

    @property
    def is_start(self) -> bool:
        return self.type.endswith("_STARTED")


def started(
    job: SimulatedJob, after: timedelta, by: SimulatedUser | None = DEFAULT_USER
) -> TimelineEvent:
    """Written only for a job that somebody started, so long after its creation."""
    summary: dict[str, Json] = {
        "jobId": job.job_id,
        "startTimeEpochSeconds": epoch_seconds(job.created_at),
        "streams": _streams(job),
    }
    return _event(job, "STARTED", job.created_at + after, summary, by)


def finished(job: SimulatedJob) -> TimelineEvent:
    return _event(job, _verdict(job), job.updated_at, _summary(job), None)


def cancelled(job: SimulatedJob, at: datetime) -> TimelineEvent:
    return _event(job, "CANCELLED", at, _summary(job), DEFAULT_USER)


def _verdict(job: SimulatedJob) -> str:
    """A failed job that brought some data is called incomplete here, unlike in the job itself."""
    if job.status == "succeeded":
        return "SUCCEEDED"
    return "INCOMPLETE" if job.total.bytes_committed else "FAILED"


def _summary(job: SimulatedJob) -> dict[str, Json]:
    failure = job.attempts[-1].failure if job.attempts else None
    return {
        "jobId": job.job_id,
        "bytesLoaded": job.total.bytes_committed,
        "recordsLoaded": job.total.records_committed,
        "attemptsCount": len(job.attempts),
        "startTimeEpochSeconds": epoch_seconds(job.created_at),
        "endTimeEpochSeconds": epoch_seconds(job.updated_at),
        "streams": _streams(job),
        "failureReason": _reason(failure) if failure else None,
    }


def _reason(failure: Failure) -> JsonObject:
    return {"failureOrigin": failure.origin, "failureType": failure.type}


def _streams(job: SimulatedJob) -> list[JsonObject]:
    keys = job.named or job.enabled
    return [{"name": name, "namespace": namespace} for name, namespace in keys]


def _event(
    job: SimulatedJob, verb: str, at: datetime, summary: JsonObject, by: SimulatedUser | None
) -> TimelineEvent:
    kind = f"{_WORDS[job.type]}_{verb}"
    event_id = str(uuid.uuid4())
    return TimelineEvent(event_id, job.connection_id, kind, job.job_id, at, summary, by)
