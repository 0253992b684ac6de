"""What a finished job means for Dagster. Pure, and the only place that decides it: a table's event
looks the same whether a run or the sensor reports it."""

from collections.abc import Iterable
from dataclasses import dataclass

import dagster as dg

from dagster_airbyte_sync.assets.events.ledger import Ledger
from dagster_airbyte_sync.assets.events.owed import Share
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.matching import match
from dagster_airbyte_sync.assets.tables.partitions import partition_of
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import Job, JobRef, JobStatus, JobType, StreamStats

CHECK_NAME = keys.CHECK_NAME

# So much of a failure's text is stored, in characters; Airbyte shows the rest. The same text goes
# to each table of a connection.
_LONGEST_TEXT = 2_000

# Of a table's own metadata, what each of its events repeats.
_OF_TABLE = (
    keys.CONNECTION_ID,
    keys.CONNECTION_NAME,
    keys.STREAM_NAME,
    keys.STREAM_NAMESPACE,
    keys.STREAM_PREFIX,
    keys.TABLE_NAME,
    keys.COLUMN_SCHEMA,
    keys.STORAGE_KIND,
)


@dataclass(frozen=True)
class FinishedSync:
    """A finished job, where to look at it, and the Dagster run that started it, if one did."""

    job: Job
    job_url: str
    started_by_run: str | None = None

    @property
    def triggered_by(self) -> str:
        return "dagster" if self.started_by_run else "external"


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


def materialization(sync: FinishedSync, table: Table, ledger: Ledger) -> dg.AssetMaterialization:
    """The event that reports, for one table, a sync that made it fresh.

    The tag `dagster/data_version` names the last job that moved rows, by its number and the time
    of its creation.
    """
    job = sync.job
    stats = stats_of(job, table)
    newest = ledger.newest(table.key) if ledger.is_late(table.key, job.ref) else None
    return dg.AssetMaterialization(
        asset_key=table.key,
        metadata={
            # In the order the UI shows them: first what people look for.
            **_counts(stats),
            **_metadata(sync, table),
            **(_newest(newest) if newest is not None else {}),
        },
        # In a run it is Dagster that sets the partition, which is the run's own.
        partition=partition_of(table.spec, job.ended_at),
        tags={keys.DATA_VERSION_TAG: _data_version(job, table, stats, ledger)},
    )


def _data_version(job: Job, table: Table, stats: StreamStats, ledger: Ledger) -> str:
    before = ledger.data_version(table.key)
    if before is None:
        return job.ref.name
    is_late = ledger.is_late(table.key, job.ref) and not _is_of_older(before, job)
    return before if is_late or not _moved_rows(job, stats) else job.ref.name


def _is_of_older(data_version: str, job: Job) -> bool:
    """Whether it names a job before this one."""
    versioned = JobRef.named(data_version)
    return versioned is not None and versioned.precedes(job.ref)


def moved_rows(job: Job, table: Table) -> bool:
    """Whether the job moved rows of the table; so it did if Airbyte gives no count."""
    return _moved_rows(job, stats_of(job, table))


def _moved_rows(job: Job, stats: StreamStats) -> bool:
    return 0 not in (stats.records_committed, job.rows)


def _newest(newest: JobRef) -> dict[str, keys.Entry]:
    known: dict[str, keys.Entry | None] = {
        keys.HIGHEST_JOB_ID: newest.id,
        keys.HIGHEST_JOB_CREATED_AT: keys.timestamp(newest.created_at),
        keys.HIGHEST_JOB_ENDED_AT: keys.timestamp(newest.ended_at),
    }
    return {key: value for key, value in known.items() if value is not None}


def observation(sync: FinishedSync, table: Table) -> dg.AssetObservation:
    """The event for a clear or reset: something happened to the table, but it is not fresh."""
    return dg.AssetObservation(
        asset_key=table.key,
        metadata=_metadata(sync, table),
    )


def as_result(event: dg.AssetMaterialization) -> dg.MaterializeResult[object]:
    """The same event, as a step of a run yields it."""
    tags = dict(event.tags or {})
    version = tags.pop(keys.DATA_VERSION_TAG)
    return dg.MaterializeResult(
        asset_key=event.asset_key,
        metadata=event.metadata,
        data_version=dg.DataVersion(version),
        tags=tags,
    )


@dataclass(frozen=True)
class Verdict:
    """Whether a table is well after a job; `severity` and `reason` matter if it is not."""

    passed: bool
    reason: str
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR


def verdict(job: Job, table: Table) -> Verdict:
    """What the check of one table says of a finished job."""
    if not job.succeeded:
        why = shortened(job.failure.message) if job.failure else "Airbyte gave no reason"
        ended = "was cancelled" if job.status is JobStatus.CANCELLED else job.status.value
        return Verdict(False, f"The {job.type.value} {ended}: {why}")
    if job.type is JobType.CLEAR:
        return Verdict(True, "The table was cleared")
    rows = stats_of(job, table).records_committed
    if rows == 0 and table.is_full_refresh:
        return Verdict(
            False,
            "Airbyte reports success but no row, and this stream is read in full each time",
            dg.AssetCheckSeverity.WARN,
        )
    return Verdict(True, f"{_how_many(rows)} synced")


def _how_many(rows: int | None) -> str:
    return "Rows" if rows is None else f"{rows} rows"


def check_evaluation(sync: FinishedSync, table: Table) -> dg.AssetCheckEvaluation:
    """The check event for one table. A good one is sent, too: a bad one stays until the next.

    Never with a partition: Dagster stores only one evaluation for each partition outside of runs.
    """
    result = verdict(sync.job, table)
    return dg.AssetCheckEvaluation(
        asset_key=table.key,
        check_name=CHECK_NAME,
        passed=result.passed,
        severity=result.severity,
        description=result.reason,
        metadata={**_job_metadata(sync), **_failure(sync.job)},
    )


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


def _metadata(sync: FinishedSync, table: Table) -> dict[str, keys.Entry]:
    of_table = {key: table.spec.metadata[key] for key in _OF_TABLE if key in table.spec.metadata}
    return {**_job_metadata(sync), **of_table}


def _job_metadata(sync: FinishedSync) -> dict[str, keys.Entry]:
    job = sync.job
    known: dict[str, keys.Entry | None] = {
        keys.JOB_ID: job.id,
        keys.JOB_TYPE: job.type.value,
        keys.JOB_STATUS: job.status.value,
        keys.ATTEMPTS: job.attempts,
        keys.JOB_CREATED_AT: keys.timestamp(job.created_at),
        keys.SYNC_STARTED_AT: keys.timestamp(job.began_at),
        keys.SYNC_ENDED_AT: keys.timestamp(job.ended_at),
        keys.SYNC_DURATION: job.duration.total_seconds() if job.duration is not None else None,
        keys.JOB_URL: dg.MetadataValue.url(sync.job_url),
        keys.TRIGGERED_BY: sync.triggered_by,
        keys.STARTED_BY_RUN: (
            dg.MetadataValue.dagster_run(sync.started_by_run) if sync.started_by_run else None
        ),
    }
    return {key: value for key, value in known.items() if value is not None}


def _counts(stats: StreamStats) -> dict[str, keys.Entry]:
    known = {
        keys.RECORDS_SYNCED: stats.records_committed,
        keys.PARTITION_ROW_COUNT: stats.records_committed,
        keys.BYTES_SYNCED: stats.bytes_committed,
        keys.RECORDS_REJECTED: stats.records_rejected,
    }
    return {key: value for key, value in known.items() if value is not None}


def _failure(job: Job) -> dict[str, keys.Entry]:
    return failure_metadata(job) if not job.succeeded else {}


def failure_metadata(job: Job) -> dict[str, keys.Entry]:
    """Airbyte's own reason for a job that did not succeed, as far as it gave one."""
    known = {
        keys.FAILURE_REASON: shortened(job.failure.message) if job.failure else None,
        keys.FAILURE_ORIGIN: job.failure.origin if job.failure else None,
        keys.FAILURE_TYPE: job.failure.type if job.failure else None,
    }
    return {key: value for key, value in known.items() if value is not None}


def shortened(message: str) -> str:
    """The beginning of a long text; where the rest is, `job_url` beside it says."""
    if len(message) <= _LONGEST_TEXT:
        return message
    return f"{message[:_LONGEST_TEXT]} ... (shortened: see job_url for the rest)"


Event = dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckEvaluation


def events_of(sync: FinishedSync, share: Share, ledger: Ledger) -> list[Event]:
    """A job's events for one table outside of a run: the check first, then what marks the job."""
    events: list[Event] = []
    if share.checks:
        events.append(check_evaluation(sync, share.table))
    if share.marks and sync.job.wrote_tables:
        events.append(materialization(sync, share.table, ledger))
    elif share.marks:
        events.append(observation(sync, share.table))
    return events
