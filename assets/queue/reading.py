"""What Dagster has stored of the queue: runs that wait, and runs that start what has waited."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from threading import Lock

import dagster as dg
from cachetools import LRUCache

from dagster_airbyte_sync.assets.event_log.records import run_events
from dagster_airbyte_sync.assets.event_log.sync_claim import ClaimStatus, StoredClaim
from dagster_airbyte_sync.assets.queue.standing import QueueStart, StartState
from dagster_airbyte_sync.assets.queue.wait import Wait, connection_that_waits_again
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.resources.json_values import object_at

# The clocks of Dagster's processes and of its database may disagree by so much.
CLOCKS = timedelta(hours=1)
# A start run says something at least every few minutes: Airbyte takes one at most for a start, and
# two more are spent looking for one that it did not answer. One that was silent for so long
# (seconds) may be dead without Dagster knowing, and its places would be nobody's.
_SILENCE = 15 * 60.0
# From the look of a tick until its run exists takes less (seconds).
_CREATION = 600.0
# Of a table so many of the newest observations are read: each sync leaves three of them.
_MOST_OBSERVATIONS = 25

_UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_OBSERVED = {dg.DagsterEventType.ASSET_OBSERVATION}


@dataclass(frozen=True)
class _Said:
    """What a run has said: what waits, and for its starts if it has said what became of them."""

    waits: tuple[Wait, ...]
    starts: Mapping[str, float | None]

    @property
    def size(self) -> int:
        return 1 + len(self.waits) + len(self.starts)


# Of runs that are over, which say nothing more. Shared by the sensors of a process.
_said: LRUCache[str, _Said] = LRUCache(50_000, getsizeof=lambda said: said.size)
_said_lock = Lock()


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


def is_queue_start(run: dg.DagsterRun) -> bool:
    """Whether the queue has asked for the run, which then need not wait. One that is executed again
    waits like any other: nobody has counted for it."""
    return run.tags.get(keys.QUEUE_TAG) == keys.QUEUE_STARTS and run.parent_run_id is None


def waits_in(run_config: Mapping[str, object]) -> Mapping[str, tuple[str, ...]]:
    """For which connections a start run was asked for, each with the runs that wrote it down."""
    for op in object_at(run_config, "ops").values():
        asked = object_at(op, "config", "waits")
        return {each: tuple(runs) for each, runs in asked.items() if isinstance(runs, list | tuple)}
    return {}


def read_queue(instance: dg.DagsterInstance, since: datetime, now: float) -> StoredQueue:
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
    waiting_runs = [_queue_run(instance, each) for each in waiting]
    waits = [wait for run in waiting_runs for wait in run.waits]
    return StoredQueue(
        waiting_runs,
        _starts(instance, starts, waits, now),
        [each.dagster_run for each in starts if _is_unsubmitted(each)],
    )


def read_starts(
    instance: dg.DagsterInstance, since: datetime, waits: Sequence[Wait], now: float
) -> list[QueueStart]:
    """The runs since then that start what has waited."""
    filters = dg.RunsFilter(tags={keys.QUEUE_TAG: keys.QUEUE_STARTS}, created_after=since)
    records = instance.get_run_records(filters)
    starts = [each for each in records if is_queue_start(each.dagster_run)]
    return _starts(instance, starts, waits, now)


def waits_of(instance: dg.DagsterInstance, tables: Iterable[dg.AssetKey]) -> list[Wait]:
    """What waits, by the newest observations of these tables."""
    pages = (instance.fetch_observations(table, limit=_MOST_OBSERVATIONS) for table in tables)
    waits = (Wait.from_record(record) for page in pages for record in page.records)
    return [wait for wait in waits if wait]


def now_seconds() -> float:
    """Dagster's clock, in epoch seconds."""
    return time.time()


def utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


def created_at(record: dg.RunRecord) -> datetime:
    return record.create_timestamp.replace(tzinfo=timezone.utc)


def _is_unsubmitted(record: dg.RunRecord) -> bool:
    return record.dagster_run.status is dg.DagsterRunStatus.NOT_STARTED


def _queue_run(instance: dg.DagsterInstance, record: dg.RunRecord) -> QueueRun:
    run = record.dagster_run
    return QueueRun(run.run_id, created_at(record), run.is_finished, _read(instance, run).waits)


def _starts(
    instance: dg.DagsterInstance,
    records: Iterable[dg.RunRecord],
    waits: Iterable[Wait],
    now: float,
) -> list[QueueStart]:
    since: dict[str, list[Wait]] = {}
    for wait in waits:
        since.setdefault(wait.connection_id, []).append(wait)
    return [_start(instance, each, since, now) for each in records]


def _start(
    instance: dg.DagsterInstance,
    record: dg.RunRecord,
    waits_by_connection: Mapping[str, Sequence[Wait]],
    now: float,
) -> QueueStart:
    run = record.dagster_run
    waits = waits_in(run.run_config)
    if run.status in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.CANCELED):
        # What it said matters only to what began to wait meanwhile, or as it was asked for: else it
        # is not read.
        began, ended = created_at(record).timestamp() - _CREATION, record.end_time or 0.0
        is_needed = any(
            began <= wait.since <= ended and wait.run_id not in runs
            for each, runs in waits.items()
            for wait in waits_by_connection.get(each, ())
        )
        said = _read(instance, run).starts if is_needed else {}
        return QueueStart(run.run_id, record.storage_id, StartState.DONE, waits, said, ended)
    last = record.end_time if run.is_finished else _last_event(instance, record)
    is_over = run.is_finished or (
        run.status is not dg.DagsterRunStatus.QUEUED and now - (last or 0.0) > _SILENCE
    )
    return QueueStart(
        run.run_id,
        record.storage_id,
        StartState.LOST if is_over else StartState.COMING,
        waits,
        _read(instance, run).starts,
        last or 0.0,
    )


def _last_event(instance: dg.DagsterInstance, record: dg.RunRecord) -> float:
    run_id = record.dagster_run.run_id
    newest = instance.get_records_for_run(run_id, limit=1, ascending=False).records
    return newest[0].timestamp if newest else created_at(record).timestamp()


def _read(instance: dg.DagsterInstance, run: dg.DagsterRun) -> _Said:
    with _said_lock:
        known = _said.get(run.run_id)
    if known is not None:
        return known
    said = _said_in(run_events(instance, run.run_id, _OBSERVED))
    # Of its events some may be stored just after it is over.
    if run.status is dg.DagsterRunStatus.SUCCESS and said.size < _said.maxsize:
        with _said_lock:
            _said[run.run_id] = said
    return said


def _said_in(records: Iterable[dg.EventLogRecord]) -> _Said:
    waits: list[Wait] = []
    starts: dict[str, float | None] = {}
    for record in records:
        if wait := Wait.from_record(record):
            waits.append(wait)
        elif again := connection_that_waits_again(record):
            starts.pop(again, None)
        elif stored := StoredClaim.from_record(record):
            is_at_it = stored.claim.status is ClaimStatus.STARTING
            starts[stored.claim.connection_id] = None if is_at_it else stored.stored_at
    return _Said(tuple(waits), starts)
