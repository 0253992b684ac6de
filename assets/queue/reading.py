"""What Dagster has stored of the queue: runs that wait, and runs that start what has waited."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from dagster_airbyte_sync.assets.queue.queue_name import QueueName
from dagster_airbyte_sync.assets.queue.said import read_said
from dagster_airbyte_sync.assets.queue.standing import QueueStart
from dagster_airbyte_sync.assets.queue.start_runs import is_queue_start, starts_of
from dagster_airbyte_sync.assets.queue.times import created_at
from dagster_airbyte_sync.assets.queue.wait import Wait
from dagster_airbyte_sync.assets.tables import keys

# Of a table so many of the newest observations are read: each sync leaves three of them.
_MOST_OBSERVATIONS = 25

_UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dataclass(frozen=True)
class QueueRun:
    """A run that wrote down what waits; `created_at` is the database's clock."""

    run_id: str
    created_at: datetime
    is_finished: bool
    waits: tuple[Wait, ...]


@dataclass(frozen=True)
class StoredQueue:
    """The runs that wait and that start, and those of the latter that Dagster has created but not
    submitted: a daemon that died leaves them, and whoever asks for one again has it submitted."""

    waiting: Sequence[QueueRun]
    starts: Sequence[QueueStart]
    unsubmitted: Sequence[dg.DagsterRun]


def read_queue(
    instance: dg.DagsterInstance, queue: QueueName, since: datetime, now: float
) -> StoredQueue:
    """All that waits and starts in runs created since then, and whatever may still start."""
    both = [keys.QUEUE_WAITS, keys.QUEUE_STARTS]
    records = {
        record.dagster_run.run_id: record
        for filters in (
            # First: what is over by the second look has said all that it will say.
            dg.RunsFilter(tags={keys.QUEUE_TAG: keys.QUEUE_STARTS}, statuses=_UNFINISHED),
            dg.RunsFilter(tags={keys.QUEUE_TAG: both}, created_after=since),
        )
        for record in instance.get_run_records(filters)
    }
    starts = [each for each in records.values() if is_queue_start(each.dagster_run)]
    waiting = [each for each in records.values() if not is_queue_start(each.dagster_run)]
    waiting_runs = [_queue_run(instance, each, now) for each in waiting]
    waits = [wait for run in waiting_runs for wait in run.waits]
    starting = starts_of(instance, queue, starts, waits, now)
    mine = {each.run_id for each in starting if not each.is_foreign}
    return StoredQueue(
        waiting_runs,
        starting,
        [
            each.dagster_run
            for each in starts
            if each.dagster_run.status is dg.DagsterRunStatus.NOT_STARTED
            and each.dagster_run.run_id in mine
        ],
    )


def waits_of(instance: dg.DagsterInstance, tables: Iterable[dg.AssetKey]) -> list[Wait]:
    """What waits, by the newest observations of these tables."""
    pages = (instance.fetch_observations(table, limit=_MOST_OBSERVATIONS) for table in tables)
    waits = (Wait.from_record(record) for page in pages for record in page.records)
    return [wait for wait in waits if wait]


def _queue_run(instance: dg.DagsterInstance, record: dg.RunRecord, now: float) -> QueueRun:
    run = record.dagster_run
    waits = read_said(instance, record, now).waits
    return QueueRun(run.run_id, created_at(record), run.is_finished, waits)
