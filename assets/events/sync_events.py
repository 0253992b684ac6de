"""What a finished job means for Dagster. Pure, and the only place that decides it: a table's event
looks the same whether a run or the sensor reports it."""

from collections.abc import Iterable

import dagster as dg

from dagster_airbyte_sync.assets.checks.duration_history import DurationHistory
from dagster_airbyte_sync.assets.checks.row_history import RowHistory
from dagster_airbyte_sync.assets.event_log.evaluations import said_in
from dagster_airbyte_sync.assets.events.check_events import evaluations_of
from dagster_airbyte_sync.assets.events.finished_sync import (
    FinishedSync,
    failure_metadata,
    has_moved_rows,
    job_metadata,
    stats_of,
)
from dagster_airbyte_sync.assets.events.ledger import Ledger
from dagster_airbyte_sync.assets.events.owed import Share
from dagster_airbyte_sync.assets.events.partial_success import marked_partial
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.partitions import partition_of
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import (
    Job,
    JobRef,
    JobType,
    StreamStats,
    clear_in_words,
    sync_in_words,
)

# Of a table's own metadata, what each of its events repeats.
_OF_TABLE = (
    keys.CONNECTION_ID,
    keys.CONNECTION_NAME,
    keys.WORKSPACE_NAME,
    keys.STREAM_NAME,
    keys.STREAM_NAMESPACE,
    keys.STREAM_PREFIX,
    keys.TABLE_NAME,
    keys.COLUMN_SCHEMA,
    keys.STORAGE_KIND,
)

Event = dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckEvaluation


def materialization(sync: FinishedSync, table: Table, ledger: Ledger) -> dg.AssetMaterialization:
    """The event that reports, for one table, a sync that made it fresh.

    The tag `dagster/data_version` names the last job that moved rows, by its number and the time
    of its creation.
    """
    job = sync.job
    stats = stats_of(job, table)
    newest = ledger.newest(table.key) if ledger.is_late(table.key, job.ref) else None
    event = dg.AssetMaterialization(
        asset_key=table.key,
        description=sync_in_words(job, stats),
        metadata={
            # In the order the UI shows them: first what people look for.
            **_counts(stats),
            **_metadata(sync, table),
            **failure_metadata(job),
            **_lineage(table),
            keys.RECENT_ROWS: recent_rows(job, table, ledger).to_text(),
            keys.RECENT_DURATIONS: recent_durations(job, table, ledger).to_text(),
            **(_newest(newest) if newest is not None else {}),
            **({keys.REPORTED_BY: sync.reported_by} if sync.reported_by else {}),
        },
        # In a run it is Dagster that sets the partition, which is the run's own.
        partition=partition_of(table.spec, job.ended_at),
        tags={keys.DATA_VERSION_TAG: _data_version(job, table, stats, ledger)},
    )
    return event if job.succeeded else marked_partial(event, job)


def _lineage(table: Table) -> dict[str, dg.TableColumnLineage]:
    """Where columns come from: Dagster reads it from materializations."""
    lineage = keys.lineage_in(table.spec.metadata)
    return {} if lineage is None else {keys.COLUMN_LINEAGE: lineage}


def _data_version(job: Job, table: Table, stats: StreamStats, ledger: Ledger) -> str:
    before = ledger.data_version(table.key)
    if before is None:
        return job.ref.name
    is_late = ledger.is_late(table.key, job.ref) and not _is_of_older(before, job)
    return before if is_late or not has_moved_rows(job, stats) else job.ref.name


def _is_of_older(data_version: str, job: Job) -> bool:
    """Whether it names a job before this one."""
    versioned = JobRef.named(data_version)
    return versioned is not None and versioned.precedes(job.ref)


def _newest(newest: JobRef) -> dict[str, keys.Entry]:
    known: dict[str, keys.Entry | None] = {
        keys.HIGHEST_JOB_ID: str(newest.id),
        keys.HIGHEST_JOB_CREATED_AT: keys.timestamp(newest.created_at),
        keys.HIGHEST_JOB_ENDED_AT: keys.timestamp(newest.ended_at),
    }
    return {key: value for key, value in known.items() if value is not None}


def observation(sync: FinishedSync, table: Table) -> dg.AssetObservation:
    """The event for a clear or reset: something happened to the table, but it is not fresh."""
    return dg.AssetObservation(
        asset_key=table.key,
        description=clear_in_words(sync.job),
        metadata=_metadata(sync, table),
    )


def observation_of_the_past(sync: FinishedSync, table: Table) -> dg.AssetObservation:
    """The event for a sync older than the table's last report, with what its report would have.

    As a materialization it would take the table back, and wake what waits for fresh data.
    """
    return dg.AssetObservation(
        asset_key=table.key,
        description="An older sync: a later one had already been reported.",
        metadata={**_counts(stats_of(sync.job, table)), **_metadata(sync, table)},
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


def recent_rows(job: Job, table: Table, ledger: Ledger) -> RowHistory:
    """The counts of the table's syncs up to this one, or up to a later one that is reported."""
    before = ledger.rows(table.key)
    # A refresh reads what was read before once more: its count is no measure of a sync's.
    if ledger.is_late(table.key, job.ref) or job.type is not JobType.SYNC:
        return before
    return before.after(stats_of(job, table).records_committed)


def recent_durations(job: Job, table: Table, ledger: Ledger) -> DurationHistory:
    """How long the table's syncs took up to this one, or up to a later one that is reported."""
    before = ledger.durations(table.key)
    if ledger.is_late(table.key, job.ref) or job.type is not JobType.SYNC:
        return before
    return before.after(job.duration)


def _metadata(sync: FinishedSync, table: Table) -> dict[str, keys.Entry]:
    of_table = {key: table.spec.metadata[key] for key in _OF_TABLE if key in table.spec.metadata}
    return {**job_metadata(sync), **of_table}


def _counts(stats: StreamStats) -> dict[str, keys.Entry]:
    known = {
        keys.RECORDS_SYNCED: stats.records_committed,
        keys.BYTES_SYNCED: stats.bytes_committed,
        # Dagster plots each number: a line of zeros is worth none.
        keys.RECORDS_REJECTED: stats.records_rejected or None,
    }
    return {key: value for key, value in known.items() if value is not None}


def events_of(
    sync: FinishedSync, share: Share, ledger: Ledger, now: float, *, is_past: bool = False
) -> list[Event]:
    """A job's events for one table outside of a run: its checks first, then what marks the job.

    `now` is Dagster's clock, in epoch seconds. In a backfill (`is_past`) only what is newer than
    the table's last report makes it fresh.
    """
    events: list[Event] = [*evaluations_of(sync, share, ledger, now)]
    if share.marks and sync.job.made_fresh(share.table.stream):
        if is_past and not ledger.is_after_last(share.table.key, sync.job):
            events.append(observation_of_the_past(sync, share.table))
        else:
            events.append(materialization(sync, share.table, ledger))
    elif share.marks:
        events.append(observation(sync, share.table))
    return events


def ledger_after(ledger: Ledger, job: Job, events: Iterable[Event], now: float) -> Ledger:
    """The ledger once these events of the job have been stored outside of a run."""
    for event in events:
        if isinstance(event, dg.AssetMaterialization):
            version = (event.tags or {})[keys.DATA_VERSION_TAG]
            rows = RowHistory.from_text(keys.text_in(event.metadata, keys.RECENT_ROWS))
            took = DurationHistory.from_text(keys.text_in(event.metadata, keys.RECENT_DURATIONS))
            ledger = ledger.after(event.asset_key, job.ref, version, rows, took)
        elif isinstance(event, dg.AssetCheckEvaluation):
            said = said_in(event, job.connection_id, stored_at=now)
            ledger = ledger.after_evaluation(event.asset_key, event.check_name, said)
    return ledger
