"""Runs say which job they follow. Of those that follow one job, the first to say so reports it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from dagster_airbyte_sync.assets import metadata as keys
from dagster_airbyte_sync.assets.run_events import BEFORE_ALL, observations_since, run_events
from dagster_airbyte_sync.assets.tables import Table
from dagster_airbyte_sync.resources import Job

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

    job_id: int
    run_id: str
    step_key: str | None
    storage_id: int
    started: bool


def declarations_of(
    instance: dg.DagsterInstance, table: dg.AssetKey, jobs: Iterable[Job]
) -> Mapping[int, Sequence[Declaration]]:
    """Who said of this table that they follow the jobs: by job id, first to last."""
    created = {job.id: job.created_at or BEFORE_ALL for job in jobs}
    found: dict[int, list[Declaration]] = {job_id: [] for job_id in created}
    if created:
        for record in observations_since(instance, table, min(created.values())):
            declaration = _declaration(record)
            if declaration is not None and declaration.job_id in found:
                found[declaration.job_id].insert(0, declaration)
    return found


def _declaration(record: dg.EventLogRecord) -> Declaration | None:
    entry, observed = record.event_log_entry, record.asset_observation
    metadata = observed.metadata if observed else {}
    job_id = keys.int_in(metadata, keys.JOB_ID)
    status = keys.text_in(metadata, keys.JOB_STATUS)
    if job_id is None or not entry.run_id or status not in (keys.STARTED, keys.FOLLOWED):
        return None
    started = status == keys.STARTED
    return Declaration(job_id, entry.run_id, entry.step_key, record.storage_id, started)


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
    for record in run_events(instance, declaration.run_id, _STEP_ENDS, newest_first=True):
        if record.storage_id < declaration.storage_id:
            return True
        if record.event_log_entry.step_key == declaration.step_key:
            return False
    return True


def starter_of(declarations: Sequence[Declaration]) -> str | None:
    """The run that started the job, or None if it was found running."""
    return next((d.run_id for d in declarations if d.started), None)


def starters_of(
    instance: dg.DagsterInstance, told: Iterable[tuple[Table, Job]]
) -> Mapping[int, str]:
    """The runs that started jobs, by job id. A run says so on all tables: one of each will do."""
    tables: dict[str, dg.AssetKey] = {}
    jobs: dict[str, dict[int, Job]] = {}
    for table, job in told:
        tables[job.connection_id] = table.key
        jobs.setdefault(job.connection_id, {})[job.id] = job
    return {
        job_id: starter
        for connection_id, key in tables.items()
        for job_id, declared in declarations_of(instance, key, jobs[connection_id].values()).items()
        if (starter := starter_of(declared)) is not None
    }
