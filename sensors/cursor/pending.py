"""With which job each connection waits, and why: later jobs of the connection wait with it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from enum import Enum

from dagster_airbyte_sync.resources import Job, JobRef
from dagster_airbyte_sync.resources.json_values import as_datetime, as_int

# A job's number, and when it was created (epoch seconds): a restored Airbyte gives numbers again.
JobKey = tuple[int, int]
# Stands for the creation of a job for which Airbyte gives none.
UNKNOWN = -1
# Stands for the job of a connection of which nobody knows whether it has one.
NONE_YET: JobKey = (0, UNKNOWN)
FIRST_OF_ALL = datetime(1970, 1, 1, tzinfo=timezone.utc)


def job_key(job: Job | JobRef) -> JobKey:
    """What a cursor calls the job."""
    return (job.id, UNKNOWN if job.created_at is None else int(job.created_at.timestamp()))


def job_ref(key: JobKey) -> JobRef:
    """The job that a cursor names; its end the cursor does not know."""
    number, created = key
    return JobRef(number, None if created == UNKNOWN else FIRST_OF_ALL + timedelta(seconds=created))


def end_of(job: Job) -> datetime:
    """When a finished job ended; one of which Airbyte gives no end is the first of all."""
    return job.ended_at or FIRST_OF_ALL


class Reason(str, Enum):
    """Why a job is not reported yet."""

    RUN = "run"
    """A live run may report it, or there was no time to find out."""
    GRACE = "grace"
    """A run that followed it is over, but its step may be storing its last event."""
    UNREADABLE = "unreadable"
    """The connection's tables cannot be known now: its history is not read again until then."""


@dataclass(frozen=True)
class Pending:
    """The job from which on a connection's jobs are still to be reported.

    `ended_at` is Airbyte's clock. It has waited for this reason since `since` (Dagster's clock,
    epoch seconds).
    """

    job: JobKey
    ended_at: datetime
    since: int
    reason: Reason = Reason.RUN

    @property
    def is_parked(self) -> bool:
        return self.reason is Reason.UNREADABLE

    def brought_back(self, now: int) -> "Pending":
        """The same, but for its history to be read again."""
        return replace(self, since=now, reason=Reason.RUN)

    def moved_to(self, moment: datetime) -> "Pending":
        """The same, from what ends at a later time on."""
        return self if moment <= self.ended_at else replace(self, job=NONE_YET, ended_at=moment)

    def as_row(self) -> list[object]:
        return [*self.job, int(self.ended_at.timestamp()), self.since, self.reason.value]


def pending_of(row: object) -> Pending | None:
    """What a row of a cursor says, or None if that cannot be read."""
    if not isinstance(row, list) or len(row) != 5 or row[4] not in list(Reason):
        return None
    job_id, created, since = as_int(row[0]), as_int(row[1]), as_int(row[3])
    ended_at = as_datetime(row[2])
    if job_id is None or created is None or since is None or ended_at is None:
        return None
    return Pending((job_id, created), ended_at, since, Reason(row[4]))
