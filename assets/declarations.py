"""Runs say which job they follow. Of those that follow one job, the first to say so reports it."""

from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg

from dagster_airbyte_sync.assets import metadata as keys

_STEP_ENDS = {
    dg.DagsterEventType.STEP_UP_FOR_RETRY,
    dg.DagsterEventType.STEP_SUCCESS,
    dg.DagsterEventType.STEP_FAILURE,
}


@dataclass(frozen=True)
class Declaration:
    """A step said that its run follows a job; `started` is False if it found the job running.

    `storage_id` is the event's own: it grows in the order in which Dagster stores.
    """

    run_id: str
    step_key: str | None
    storage_id: int
    started: bool


def declarations_of(
    instance: dg.DagsterInstance, table: dg.AssetKey, job_id: int
) -> Sequence[Declaration]:
    """Who said of this table that they follow the job, first to last."""
    newest_first = instance.fetch_observations(table, limit=100).records
    found = (_declaration(record, job_id) for record in newest_first)
    return sorted(filter(None, found), key=lambda declaration: declaration.storage_id)


def _declaration(record: dg.EventLogRecord, job_id: int) -> Declaration | None:
    entry, observed = record.event_log_entry, record.asset_observation
    if observed is None or keys.int_in(observed.metadata, keys.JOB_ID) != job_id:
        return None
    status = keys.text_in(observed.metadata, keys.JOB_STATUS)
    if not entry.run_id or status not in (keys.STARTED, keys.FOLLOWED):
        return None
    started = status == keys.STARTED
    return Declaration(entry.run_id, entry.step_key, record.storage_id, started)


def other_reporter(
    instance: dg.DagsterInstance, declarations: Sequence[Declaration], run_id: str
) -> str | None:
    """The run that reports the job instead of this one: the first that still follows it.

    Must be read before the ledger: who has ended by now has stored all its events.
    """
    own = max((d.storage_id for d in declarations if d.run_id == run_id), default=None)
    earlier = (
        d for d in declarations if d.run_id != run_id and own is not None and d.storage_id < own
    )
    return next((d.run_id for d in earlier if _still_follows(instance, d)), None)


def _still_follows(instance: dg.DagsterInstance, declaration: Declaration) -> bool:
    run = instance.get_run_by_id(declaration.run_id)
    # A run that only starts syncs reports none.
    if run is None or run.is_finished or keys.STARTS_SYNCS_TAG in run.tags:
        return False
    cursor: str | None = None
    while True:
        page = instance.get_records_for_run(
            declaration.run_id, cursor=cursor, of_type=_STEP_ENDS, ascending=False
        )
        for record in page.records:
            if record.storage_id < declaration.storage_id:
                return True
            if record.event_log_entry.step_key == declaration.step_key:
                return False
        if not page.has_more:
            return True
        cursor = page.cursor


def starter_of(declarations: Sequence[Declaration]) -> str | None:
    """The run that started the job, or None if it was found running."""
    return next((d.run_id for d in declarations if d.started), None)
