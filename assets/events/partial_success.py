"""Tables that are fresh although their job failed or was cancelled. Pure.

Airbyte reports a stream complete once the destination has acknowledged all of it; other streams
may fail after that, and the job with them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import dagster as dg

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.matching import match
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import Job, JobStatus, StreamId, StreamOutcome, StreamStats

Outcomes = Mapping[StreamId, StreamOutcome]

# Letters of a failure that a sentence quotes; all of it is in the check's metadata.
_LONGEST_QUOTE = 200


def complete_tables(job: Job, tables: Iterable[Table], outcomes: Outcomes | None) -> list[Table]:
    """The tables that a failed or cancelled sync or refresh has made fresh, in their order.

    `tables` are all of the job's connection. A stream that is read in full each time and brought no
    row does not count: whether its table is empty now, or what it was, nobody knows.
    """
    if not outcomes or job.succeeded or not (job.is_finished and job.type.writes_tables):
        return []
    tables = list(tables)
    # Among all streams, as one without a namespace may be any of its name.
    names = match([table.stream for table in tables], outcomes.keys()).pairs
    return [
        table
        for table in tables
        if table.stream in names
        and outcomes[names[table.stream]].is_complete
        and not (table.is_full_refresh and _brought_nothing(_stats(job, table)))
    ]


def with_complete_streams(job: Job, tables: Sequence[Table], outcomes: Outcomes | None) -> Job:
    """The job as it is reported: with its complete streams, and their rows as far as known.

    Its streams must have the names of those of `tables` (see `matching.py`), which are all of its
    connection.
    """
    complete = complete_tables(job, tables, outcomes)
    streams = frozenset(table.stream for table in complete)
    return replace(with_counts_of(job, complete), complete_streams=streams)


def with_counts_of(job: Job, complete: Iterable[Table]) -> Job:
    """The job as its events for complete tables may count it.

    Of a failed job Airbyte counts as committed only what a checkpoint covers, and a stream that is
    read in full has none before its end: 0 of 10 rows read means that it does not know.
    """
    unknown = {
        table.stream: replace(stats, records_committed=None, bytes_committed=None)
        for table in complete
        if (stats := _stats(job, table)).records_emitted and not stats.records_committed
    }
    if not unknown:
        return job
    return replace(job, rows=None, streams={**(job.streams or {}), **unknown})


def marked_partial(event: dg.AssetMaterialization, job: Job) -> dg.AssetMaterialization:
    """The materialization of a complete table, which says that the rest of its job did not come.

    It names the job as every event does, so that the job is reported once for the table.
    """
    return dg.AssetMaterialization(
        asset_key=event.asset_key,
        description=partial_reason(job),
        metadata={keys.PARTIAL: True, **event.metadata},
        partition=event.partition,
        tags=event.tags,
    )


def partial_reason(job: Job) -> str:
    """In words: that the table is complete, and what became of its job."""
    ended = "was cancelled" if job.status is JobStatus.CANCELLED else "failed"
    why = " ".join(job.failure.message.split()) if job.failure else ""
    quoted = why if len(why) <= _LONGEST_QUOTE else f"{why[:_LONGEST_QUOTE]} ..."
    reason = f"Airbyte reports this table as complete, although the {job.type.value} {ended}"
    return f"{reason}: {quoted}" if quoted else reason


def _stats(job: Job, table: Table) -> StreamStats:
    return (job.streams or {}).get(table.stream, StreamStats())


def _brought_nothing(stats: StreamStats) -> bool:
    return stats.records_committed == 0 and not stats.records_emitted
