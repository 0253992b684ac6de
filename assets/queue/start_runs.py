"""The runs that the queue has asked for, as Dagster has stored them: how far each is."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from dagster_airbyte_sync.assets.queue.queue_name import QueueName, queue_of_start
from dagster_airbyte_sync.assets.queue.said import SILENCE, Said, read_said
from dagster_airbyte_sync.assets.queue.standing import QueueStart, StartState
from dagster_airbyte_sync.assets.queue.times import created_at
from dagster_airbyte_sync.assets.queue.wait import Wait
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.resources.json_values import object_at

# From the look of a tick until its run exists takes less (seconds).
_CREATION = 600.0
_NOTHING = Said()


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


def read_starts(
    instance: dg.DagsterInstance,
    queue: QueueName,
    since: datetime,
    waits: Sequence[Wait],
    now: float,
) -> list[QueueStart]:
    """The runs since then that start what has waited."""
    filters = dg.RunsFilter(tags={keys.QUEUE_TAG: keys.QUEUE_STARTS}, created_after=since)
    records = instance.get_run_records(filters)
    starts = [each for each in records if is_queue_start(each.dagster_run)]
    return starts_of(instance, queue, starts, waits, now)


def last_asked(instance: dg.DagsterInstance, queue: QueueName) -> float | None:
    """When the queue has last asked for a run, whatever came of it; by the database's clock."""
    filters = dg.RunsFilter(tags=queue.tags_of_starts)
    records = instance.get_run_records(filters, limit=1)
    return created_at(records[0]).timestamp() if records else None


def starts_of(
    instance: dg.DagsterInstance,
    queue: QueueName,
    records: Sequence[dg.RunRecord],
    waits: Iterable[Wait],
    now: float,
) -> list[QueueStart]:
    """Those of the workspace; what they have said is read where it matters to what waits, or to
    another of them."""
    by_connection: dict[str, list[Wait]] = {}
    for wait in waits:
        by_connection.setdefault(wait.connection_id, []).append(wait)
    records = [each for each in records if _is_here(each.dagster_run, queue)]
    asked = {each.dagster_run.run_id: waits_in(each.dagster_run.run_config) for each in records}
    often = Counter(
        (connection_id, run_id)
        for asked_for in asked.values()
        for connection_id, run_ids in asked_for.items()
        for run_id in run_ids
    )
    reading = _Reading(instance, queue, by_connection, {one for one, n in often.items() if n > 1})
    return [reading.start(each, asked[each.dagster_run.run_id], now) for each in records]


@dataclass(frozen=True)
class _Reading:
    """`repeated` are connections that several start runs were asked for, with the run that wrote
    them down."""

    instance: dg.DagsterInstance
    queue: QueueName
    waits: Mapping[str, Sequence[Wait]]
    repeated: Collection[tuple[str, str]]

    def start(
        self, record: dg.RunRecord, asked_for: Mapping[str, Sequence[str]], now: float
    ) -> QueueStart:
        run = record.dagster_run
        at = self._last_seen(record)
        state = _state_of(run, silent_for=now - at)
        is_read = self._matters(record, state, asked_for)
        said = read_said(self.instance, record, now) if is_read else _NOTHING
        # A run that succeeds has come to all that it did not leave to another one.
        has_left = is_read and run.status is dg.DagsterRunStatus.SUCCESS
        return QueueStart(
            run.run_id,
            record.storage_id,
            state,
            asked_for,
            said.settled,
            said.starting,
            asked_for.keys() - said.settled.keys() if has_left else (),
            at,
            is_foreign=not self.queue.may_be(queue_of_start(run)),
        )

    def _last_seen(self, record: dg.RunRecord) -> float:
        run = record.dagster_run
        if run.is_finished:
            return record.end_time or 0.0
        newest = self.instance.get_records_for_run(run.run_id, limit=1, ascending=False).records
        return newest[0].timestamp if newest else created_at(record).timestamp()

    def _matters(
        self, record: dg.RunRecord, state: StartState, asked_for: Mapping[str, Sequence[str]]
    ) -> bool:
        """Whether to read what it said. Most are done, and then it matters to what began to wait
        meanwhile, or as it was asked for."""
        if state is StartState.COMING:
            return True
        if any((each, run) in self.repeated for each, runs in asked_for.items() for run in runs):
            return True
        began, ended = created_at(record).timestamp() - _CREATION, record.end_time or 0.0
        return any(
            state is StartState.LOST or (began <= wait.since <= ended and wait.run_id not in runs)
            for each, runs in asked_for.items()
            for wait in self.waits.get(each, ())
        )


def _is_here(run: dg.DagsterRun, queue: QueueName) -> bool:
    """Whether its syncs take places: those of another queue of the workspace do, too."""
    return queue_of_start(run).scope in ("", queue.scope)


def _state_of(run: dg.DagsterRun, silent_for: float) -> StartState:
    if run.status in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.CANCELED):
        return StartState.DONE
    is_silent = run.status is not dg.DagsterRunStatus.QUEUED and silent_for > SILENCE
    return StartState.LOST if run.is_finished or is_silent else StartState.COMING
