"""What a run says of the sync that it starts or follows, in observations of the synced tables."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import dagster as dg

from dagster_airbyte_sync.assets.event_log.records import job_named_in
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.resources import Job, JobRef


class ClaimStatus(str, Enum):
    """What the run has to do with the sync; the words are stored as the event's job status."""

    STARTING = "starting"
    """It is about to start one. This and the next three are said on one table of the
    connection."""
    NOT_STARTED = "not_started"
    """It has started none after all: what it said since the last "starting" is taken back."""
    UNANSWERED = "unanswered"
    """Airbyte did not answer its start of a refresh or clear, and no new job was found."""
    STORED = "stored"
    """Airbyte postponed the refresh that it was to start: it is the connection's next job."""
    STARTED = "started"
    """It has started the job. This and the next are said on each table."""
    FOLLOWED = "followed"
    """It has found the job running."""


@dataclass(frozen=True)
class SyncClaim:
    """A run claims the next sync of a connection, or a job.

    A run that planned to materialize the table follows the job it claims, and will report it; the
    end of any other job is the sensor's to report, with this run's id. `began_at` is Airbyte's
    clock.
    """

    status: ClaimStatus
    connection_id: str
    job: JobRef | None = None
    began_at: datetime | None = None

    @classmethod
    def of_job(cls, job: Job, *, started: bool) -> "SyncClaim":
        """The run has started the job, or found it running."""
        status = ClaimStatus.STARTED if started else ClaimStatus.FOLLOWED
        return cls(status, job.connection_id, job.ref, job.began_at)

    def to_observation(
        self, table: dg.AssetKey, job_url: str = "", airbyte_version: str = ""
    ) -> dg.AssetObservation:
        job = self.job
        known: dict[str, keys.Entry | None] = {
            keys.JOB_ID: job.id if job else None,
            keys.JOB_STATUS: self.status.value,
            keys.JOB_URL: dg.MetadataValue.url(job_url) if job else None,
            keys.CONNECTION_ID: self.connection_id,
            keys.JOB_CREATED_AT: keys.timestamp(job.created_at) if job else None,
            keys.SYNC_STARTED_AT: keys.timestamp(self.began_at),
            keys.AIRBYTE_VERSION: airbyte_version or None,
        }
        metadata = {key: value for key, value in known.items() if value is not None}
        return dg.AssetObservation(table, self._in_words(), metadata=metadata)

    def _in_words(self) -> str:
        number = f"Airbyte job {self.job.id}" if self.job else "a sync"
        return {
            ClaimStatus.STARTING: "This run is about to start a sync of the connection in Airbyte",
            ClaimStatus.NOT_STARTED: "This run has not started a sync in Airbyte after all",
            ClaimStatus.UNANSWERED: "Airbyte did not answer this run's request, and no new job was"
            " found",
            ClaimStatus.STORED: "Airbyte postponed the refresh that this run requested: it is"
            " the connection's next job",
            ClaimStatus.STARTED: f"This run has started {number}",
            ClaimStatus.FOLLOWED: f"This run found {number} already running and follows it",
        }[self.status]


@dataclass(frozen=True)
class StoredClaim:
    """A claim with what Dagster stored beside it.

    `storage_id` grows in the order in which Dagster stores; `stored_at` is Dagster's clock, in
    epoch seconds.
    """

    claim: SyncClaim
    table: dg.AssetKey
    run_id: str
    step_key: str | None
    storage_id: int
    stored_at: float

    @classmethod
    def from_record(cls, record: dg.EventLogRecord) -> "StoredClaim | None":
        """The claim that an event of a run is, or None for any other event."""
        entry, observed = record.event_log_entry, record.asset_observation
        metadata = observed.metadata if observed else {}
        status = keys.text_in(metadata, keys.JOB_STATUS)
        if observed is None or not entry.run_id or status not in list(ClaimStatus):
            return None
        claim = SyncClaim(
            ClaimStatus(status),
            keys.text_in(metadata, keys.CONNECTION_ID) or "",
            job_named_in(metadata, None),
            keys.time_in(metadata, keys.SYNC_STARTED_AT),
        )
        key, step = observed.asset_key, entry.step_key
        return cls(claim, key, entry.run_id, step, record.storage_id, record.timestamp)
