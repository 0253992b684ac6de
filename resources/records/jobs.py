"""Airbyte's job history as records: what ran, how it ended, and what each stream moved."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from dagster_airbyte_sync.resources.records.catalog import StreamId, connection_url
from dagster_airbyte_sync.resources.records.job_ref import JobRef


class JobStatus(str, Enum):
    """A job's status. Only three are final; `incomplete` means that a retry may come."""

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "JobStatus":
        return cls.UNKNOWN

    @property
    def is_finished(self) -> bool:
        return self in FINAL_STATUSES


FINAL_STATUSES = (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED)
UNFINISHED_STATUSES = (
    JobStatus.PENDING,
    JobStatus.QUEUED,
    JobStatus.RUNNING,
    JobStatus.INCOMPLETE,
)


class JobType(str, Enum):
    """A job's type. Airbyte stores a clear as `reset_connection`; both empty the tables."""

    SYNC = "sync"
    REFRESH = "refresh"
    CLEAR = "clear"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "JobType":
        return cls.CLEAR if value in ("reset", "reset_connection") else cls.UNKNOWN

    @property
    def writes_tables(self) -> bool:
        """Whether a success leaves fresh rows (a clear leaves none)."""
        return self in (JobType.SYNC, JobType.REFRESH)


@dataclass(frozen=True)
class StreamStats:
    """What one stream moved in one job. None means that Airbyte did not say."""

    records_committed: int | None = None
    bytes_committed: int | None = None
    records_emitted: int | None = None
    bytes_emitted: int | None = None
    records_rejected: int | None = None


@dataclass(frozen=True)
class JobFailure:
    """Why the last attempt failed, in Airbyte's words: its first failure."""

    message: str
    origin: str | None = None
    type: str | None = None


@dataclass(frozen=True)
class Job:
    """One job of one connection.

    `created_at` is when it was queued, `started_at` when its first attempt began, `updated_at` when
    its status last changed, which for a finished job is its end. All are Airbyte's clock, in whole
    seconds. `streams` is None where the server gives no counts by stream (the public API).
    `enabled_streams` are the streams that took part: None where the server does not say, and empty
    where it says that none did. `named_streams` are those that a refresh or clear was asked for:
    None if a refresh is of all, or the server does not say. `unknown_status` and `unknown_type` are
    what the server wrote where `status` or `type` is UNKNOWN. `complete_streams` are those of a
    failed or cancelled job whose rows have all arrived, where Airbyte was asked for that.
    """

    id: int
    connection_id: str
    type: JobType
    status: JobStatus
    created_at: datetime | None = None
    started_at: datetime | None = None
    updated_at: datetime | None = None
    attempts: int | None = None
    rows: int | None = None
    bytes: int | None = None
    streams: Mapping[StreamId, StreamStats] | None = None
    enabled_streams: frozenset[StreamId] | None = None
    named_streams: frozenset[StreamId] | None = None
    failure: JobFailure | None = None
    unknown_status: str | None = None
    unknown_type: str | None = None
    complete_streams: frozenset[StreamId] = frozenset()

    @property
    def identity(self) -> tuple[int, datetime | None]:
        """Number and creation: a restored Airbyte gives the same numbers again."""
        return self.id, self.created_at

    @property
    def unknown_words(self) -> tuple[str, ...]:
        """The status and type that this version does not know, for a message."""
        words = (("status", self.unknown_status), ("type", self.unknown_type))
        return tuple(f"the {what} {word!r}" for what, word in words if word is not None)

    @property
    def ref(self) -> JobRef:
        return JobRef(self.id, self.created_at, self.ended_at)

    @property
    def is_finished(self) -> bool:
        return self.status.is_finished

    @property
    def succeeded(self) -> bool:
        return self.status is JobStatus.SUCCEEDED

    @property
    def wrote_tables(self) -> bool:
        """Whether it leaves fresh tables: a sync or refresh that succeeded."""
        return self.succeeded and self.type.writes_tables

    def made_fresh(self, stream: StreamId) -> bool:
        """Whether it leaves the stream's table fresh, if the stream took part."""
        return self.wrote_tables or stream in self.complete_streams

    @property
    def made_any_fresh(self) -> bool:
        """Whether it leaves fresh tables, if only some of them."""
        return self.wrote_tables or bool(self.complete_streams)

    @property
    def may_be_partial(self) -> bool:
        """Whether it is a failed or cancelled sync or refresh, of which streams may be complete."""
        return self.is_finished and not self.succeeded and self.type.writes_tables

    @property
    def ended_at(self) -> datetime | None:
        return self.updated_at if self.is_finished else None

    @property
    def began_at(self) -> datetime | None:
        return self.started_at or self.created_at

    @property
    def duration(self) -> timedelta | None:
        if self.ended_at is None or self.began_at is None:
            return None
        return max(self.ended_at - self.began_at, timedelta(0))


def job_page(ui_url: str, workspace_id: str, connection_id: str, job_id: int) -> str:
    """The job's page in Airbyte's UI."""
    page = connection_url(ui_url, workspace_id, connection_id)
    return f"{page}/timeline?jobId={job_id}&openLogs=true"
