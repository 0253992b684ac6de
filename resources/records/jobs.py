"""Airbyte's job history as records: what ran, how it ended, and what each stream moved."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from dagster_airbyte_sync.resources.records.catalog import StreamId, connection_url
from dagster_airbyte_sync.resources.records.job_ref import JobRef


class JobStatus(str, Enum):
    """The status of a job.

    Three are final: succeeded, failed and cancelled. `incomplete` means that Airbyte may try again.
    """

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
    """The type of a job. Airbyte stores a clear as `reset_connection`; both empty the tables."""

    SYNC = "sync"
    REFRESH = "refresh"
    CLEAR = "clear"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "JobType":
        return cls.CLEAR if value in ("reset", "reset_connection") else cls.UNKNOWN

    @property
    def writes_tables(self) -> bool:
        """Whether a job that succeeds leaves fresh rows. (A clear leaves none.)"""
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
    """A job of a connection. All times are Airbyte's clock, in whole seconds.

    Attributes:
        id: The job's number in Airbyte.
        connection_id: The id of its connection.
        type: What it does.
        status: How it stands.
        created_at: When it was queued.
        started_at: When its first attempt began.
        updated_at: When its status last changed; for a finished job, when it ended.
        attempts: How many attempts it has made.
        rows: How many rows it moved.
        bytes: How many bytes it moved.
        streams: The counts of each stream. None where the server gives none (the public API).
        enabled_streams: The streams that took part. None where the server does not say; empty where
            it says that none did.
        named_streams: The streams that a refresh or clear was requested for. None if a refresh is
            of all streams, or the server does not say.
        failure: Why the last attempt failed.
        unknown_status: What the server wrote, if `status` is UNKNOWN.
        unknown_type: What the server wrote, if `type` is UNKNOWN.
        complete_streams: The streams of a failed or cancelled job whose rows have all arrived,
            where Airbyte was asked for that.
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
        """The id and time of creation: after a restore, Airbyte gives the same ids again."""
        return self.id, self.created_at

    @property
    def unknown_words(self) -> tuple[str, ...]:
        """The status and type that this version of the package does not know, for a message."""
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
        """Whether it leaves the stream's table fresh, provided that the stream took part."""
        return self.wrote_tables or stream in self.complete_streams

    @property
    def made_any_fresh(self) -> bool:
        """Whether it leaves any table fresh."""
        return self.wrote_tables or bool(self.complete_streams)

    @property
    def may_be_partial(self) -> bool:
        """Whether it is a failed or cancelled sync or refresh, which may be complete in part."""
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
