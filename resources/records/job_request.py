"""What Airbyte is asked to start on a connection."""

from dataclasses import dataclass

from dagster_airbyte_sync.resources.records.catalog import StreamId
from dagster_airbyte_sync.resources.records.jobs import Job, JobType


@dataclass(frozen=True)
class JobRequest:
    """A sync, a refresh or a clear of one connection.

    `streams` None is all of its streams; a sync is always of all. A refresh reads every row again:
    with `keep_records` beside those that are there (Airbyte's mode "Merge"), without it in their
    place ("Truncate").
    """

    connection_id: str
    type: JobType = JobType.SYNC
    streams: tuple[StreamId, ...] | None = None
    keep_records: bool = True

    @property
    def removes_rows(self) -> bool:
        """Whether rows that the tables hold now are gone afterwards, for good or for a while."""
        is_truncating = self.type is JobType.REFRESH and not self.keep_records
        return self.type is JobType.CLEAR or is_truncating

    def is_met_by(self, job: Job) -> bool:
        """Whether that is a job of the kind that was asked for.

        Airbyte makes a refresh of the next sync where one is stored, which is a sync as well.
        """
        if self.type is JobType.SYNC:
            return job.type is not JobType.CLEAR
        return job.type is self.type
