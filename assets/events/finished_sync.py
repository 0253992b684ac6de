"""A finished job as Dagster hears of it: its tables, its counts, and what all its events say."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import dagster as dg

from dagster_airbyte_sync.assets.checks.verdict import (
    shortened,
)
from dagster_airbyte_sync.assets.events.job_details import JobDetails
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.matching import match
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import (
    Job,
    StreamStats,
)

# The log of a failed job goes to so many tables: it is the same for all, and Dagster keeps each.
MOST_LOGS = 20


@dataclass(frozen=True)
class FinishedSync:
    """A finished job, as `run_request_fn` gets it.

    Attributes:
        job: The job, with its status and counts.
        job_url: A link to the job in Airbyte.
        started_by_run: The id of the Dagster run that started it, if one did.
        details: What else is known of it: who started it, and the end of its log.
        reported_by: The name of the sensor that reports it, if a sensor does.
        triggered_by: "dagster" if a Dagster run started it, otherwise "external".
        without_log: The same without the end of its log.
    """

    job: Job
    job_url: str
    started_by_run: str | None = None
    details: JobDetails = field(default_factory=JobDetails)
    reported_by: str | None = None

    @property
    def triggered_by(self) -> str:
        return "dagster" if self.started_by_run else "external"

    @property
    def without_log(self) -> "FinishedSync":
        return replace(self, details=replace(self.details, failure_log=()))


def tables_of_job(job: Job, tables: Iterable[Table]) -> list[Table]:
    """The tables whose streams took part; where Airbyte does not say, all that are synced now.

    `tables` are all of the job's connection: a stream without a namespace is known by that.
    """
    if job.enabled_streams is None:
        return [table for table in tables if table.is_selected]
    tables = list(tables)
    took_part = match([table.stream for table in tables], job.enabled_streams).pairs
    return [table for table in tables if table.stream in took_part]


def in_reporting_order(tables: Iterable[Table]) -> list[Table]:
    """The tables of one connection in the order in which runs and sensors report them.

    If the process dies partway, the first of them are reported, and the rest is still owed.
    """
    return sorted(tables, key=lambda table: table.stream.sort_key())


def stats_of(job: Job, table: Table) -> StreamStats:
    """What one table got: by stream where Airbyte says so, else the job's total if it is alone.

    A job writes all streams of its connection, also those without an asset here.
    """
    if job.streams is not None:
        return job.streams.get(table.stream, StreamStats())
    wrote = job.enabled_streams
    if wrote == {table.stream} if wrote is not None else table.is_alone:
        return StreamStats(records_committed=job.rows, bytes_committed=job.bytes)
    return StreamStats()


def moved_rows(job: Job, table: Table) -> bool:
    """Whether the job moved rows of the table; so it did if Airbyte gives no count."""
    return has_moved_rows(job, stats_of(job, table))


def has_moved_rows(job: Job, stats: StreamStats) -> bool:
    return 0 not in (stats.records_committed, job.rows)


def job_metadata(sync: FinishedSync) -> dict[str, keys.Entry]:
    job = sync.job
    known: dict[str, keys.Entry | None] = {
        keys.JOB_ID: str(job.id),
        keys.JOB_TYPE: job.type.value,
        keys.JOB_STATUS: job.status.value,
        keys.ATTEMPTS: None if job.attempts is None else str(job.attempts),
        keys.JOB_CREATED_AT: keys.timestamp(job.created_at),
        keys.SYNC_STARTED_AT: keys.timestamp(job.began_at),
        keys.SYNC_ENDED_AT: keys.timestamp(job.ended_at),
        keys.SYNC_DURATION: job.duration.total_seconds() if job.duration is not None else None,
        keys.JOB_URL: dg.MetadataValue.url(sync.job_url),
        keys.TRIGGERED_BY: sync.triggered_by,
        keys.STARTED_BY_RUN: (
            dg.MetadataValue.dagster_run(sync.started_by_run) if sync.started_by_run else None
        ),
        keys.STARTED_BY: sync.details.started_by,
    }
    return {key: value for key, value in known.items() if value is not None}


def failure_metadata(job: Job) -> dict[str, keys.Entry]:
    """Airbyte's own reason for a job that did not succeed, as far as it gave one."""
    known = {
        keys.FAILURE_REASON: shortened(job.failure.message) if job.failure else None,
        keys.FAILURE_ORIGIN: job.failure.origin if job.failure else None,
        keys.FAILURE_TYPE: job.failure.type if job.failure else None,
    }
    return {key: value for key, value in known.items() if value is not None}


def details_metadata(details: JobDetails) -> dict[str, keys.Entry]:
    """Who started a job that failed, and how its log ends, as far as that is known."""
    log = details.failure_log
    known = {
        keys.STARTED_BY: details.started_by,
        keys.FAILURE_LOG: keys.code_block(log) if log else None,
    }
    return {key: value for key, value in known.items() if value is not None}
