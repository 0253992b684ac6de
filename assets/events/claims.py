"""Runs say which job they follow. Of those that follow one job, the first to say so reports it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from dagster_airbyte_sync.assets.events.event_log import BEFORE_ALL, observations_since, run_events
from dagster_airbyte_sync.assets.events.ledger import job_named_in
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import NO_LIMIT, Job, JobRef, TimeBudget

# How long a step may take, in seconds, from a look at its run to what it stores after it. The step
# of a run that is over may live on, until it looks.
GRACE = 30.0

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

    job: JobRef
    run_id: str
    step_key: str | None
    storage_id: int
    started: bool


def declarations_of(
    instance: dg.DagsterInstance, table: dg.AssetKey, jobs: Iterable[Job]
) -> Mapping[int, Sequence[Declaration]]:
    """Who said of this table that they follow the jobs: by job id, first to last."""
    asked = {job.id: job for job in jobs}
    found: dict[int, list[Declaration]] = {job_id: [] for job_id in asked}
    if asked:
        since = min(job.created_at or BEFORE_ALL for job in asked.values())
        for record in observations_since(instance, table, since):
            declaration = _declaration(record)
            job = asked.get(declaration.job.id) if declaration is not None else None
            if declaration is not None and job is not None and declaration.job.is_same(job.ref):
                found[job.id].insert(0, declaration)
    return found


def _declaration(record: dg.EventLogRecord) -> Declaration | None:
    entry, observed = record.event_log_entry, record.asset_observation
    metadata = observed.metadata if observed else {}
    job, status = job_named_in(metadata, None), keys.text_in(metadata, keys.JOB_STATUS)
    if job is None or not entry.run_id or status not in (keys.STARTED, keys.FOLLOWED):
        return None
    started = status == keys.STARTED
    return Declaration(job, entry.run_id, entry.step_key, record.storage_id, started)


@dataclass(frozen=True)
class Reporter:
    """A run that reports a job before another one may.

    `is_over` if Dagster holds the run for over. Its step may live on all the same: the step process
    of a killed run does, until it looks.
    """

    run_id: str
    is_over: bool


def other_reporter(
    instance: dg.DagsterInstance, declarations: Sequence[Declaration], run_id: str
) -> Reporter | None:
    """The run that reports the job instead of this one: the first that still follows it.

    Must be read before the ledger: who has ended by now has stored all its events.
    """
    own = max((d.storage_id for d in declarations if d.run_id == run_id), default=None)
    earlier = [
        d for d in declarations if d.run_id != run_id and own is not None and d.storage_id < own
    ]
    reporters = [reporter for d in earlier if (reporter := _reporter(instance, d)) is not None]
    return min(reporters, key=lambda reporter: reporter.is_over, default=None)


def _reporter(instance: dg.DagsterInstance, declaration: Declaration) -> Reporter | None:
    """The declaring run, unless its step has ended or it leaves its syncs to the sensor."""
    run = instance.get_run_by_id(declaration.run_id)
    if run is None or keys.STARTS_SYNCS_TAG in run.tags:
        return None
    # What succeeded has had all its steps end.
    if run.status is dg.DagsterRunStatus.SUCCESS or _step_has_ended(instance, declaration):
        return None
    return Reporter(run.run_id, run.is_finished)


def _step_has_ended(instance: dg.DagsterInstance, declaration: Declaration) -> bool:
    for record in run_events(instance, declaration.run_id, _STEP_ENDS, newest_first=True):
        if record.storage_id < declaration.storage_id:
            return False
        if record.event_log_entry.step_key == declaration.step_key:
            return True
    return False


def starter_of(declarations: Sequence[Declaration]) -> str | None:
    """The run that started the job, or None if it was found running."""
    return next((d.run_id for d in declarations if d.started), None)


@dataclass(frozen=True)
class Followers:
    """The run that started a job, and a run that followed it and is over, but may still write.

    The latter is none whose step has ended, too.
    """

    started_by: str | None = None
    orphan: str | None = None


def followers_of(
    instance: dg.DagsterInstance, asked: Iterable[tuple[Table, Job]], budget: TimeBudget = NO_LIMIT
) -> Mapping[int, Followers]:
    """Who follows the jobs, by job id, as far as time allows; one look-up for each connection.

    A run says on all tables of a connection which job it follows: any of them will do.
    """
    tables: dict[str, dg.AssetKey] = {}
    jobs: dict[str, dict[int, Job]] = {}
    for table, job in asked:
        tables[job.connection_id] = table.key
        jobs.setdefault(job.connection_id, {})[job.id] = job
    found: dict[int, Followers] = {}
    for connection_id, key in tables.items():
        if budget.is_spent:
            break
        declared = declarations_of(instance, key, jobs[connection_id].values())
        for job_id, by_time in declared.items():
            found[job_id] = Followers(starter_of(by_time), _orphan(instance, by_time))
    return found


def _orphan(instance: dg.DagsterInstance, declarations: Sequence[Declaration]) -> str | None:
    found = (_reporter(instance, declaration) for declaration in declarations)
    return next((each.run_id for each in found if each is not None and each.is_over), None)
