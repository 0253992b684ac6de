"""Which jobs a live Dagster run is about to report, so that the sensor leaves them to it."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import dagster as dg
from cachetools import LRUCache

from dagster_airbyte_sync.assets.event_log.claims import STEP_ENDS
from dagster_airbyte_sync.assets.event_log.records import run_events
from dagster_airbyte_sync.assets.event_log.sync_claim import ClaimStatus, StoredClaim
from dagster_airbyte_sync.assets.events.ledger import Ledger
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import Job, JobRef

# A run in an earlier state has not begun any step: no job that has finished can be its own.
_LIVE = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]

_PLANNED = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
_OBSERVED = dg.DagsterEventType.ASSET_OBSERVATION
_STEP_BEGINS = frozenset((dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_RESTARTED))

# The step of each asset that a run planned to materialize.
Planned = Mapping[dg.AssetKey, str | None]

# What runs have planned, by their ids, of some 100,000 assets and runs. Dagster stores it as it
# creates a run, before anything can start it, and never again. Each process reads it for itself.
_planned: LRUCache[str, Planned] = LRUCache(100_000, getsizeof=lambda planned: 1 + len(planned))
_MOST_PLANNED = 10_000
_planned_lock = threading.Lock()


@dataclass(frozen=True)
class LiveRun:
    """What the running steps of one live run may still report.

    `following` has each asset they planned, with the job claimed for it, or None before a step has
    started its sync. Of those `since` says when the step began, or said that it is about to start
    one (Dagster's clock, epoch seconds).
    """

    run_id: str
    following: Mapping[dg.AssetKey, JobRef | None] = field(default_factory=dict)
    since: Mapping[dg.AssetKey, float] = field(default_factory=dict)

    def unclaimed_since(self, tables: Iterable[Table]) -> float | None:
        """Since when the run may start a sync of the tables; None if it has said which."""
        mine = [table.key for table in tables if table.key in self.following]
        if any(self.following[key] is not None for key in mine):
            return None
        return max((self.since[key] for key in mine if key in self.since), default=None)

    def holds(self, job: Job, tables: Iterable[Table], ledger: Ledger) -> bool:
        """Whether the run may still report this finished job.

        Jobs before the one it claimed it cannot; nor later ones, once that one is reported.
        """
        mine = [table.key for table in tables if table.key in self.following]
        claimed = _newest(self.following[key] for key in mine)
        if claimed is None:
            return bool(mine)
        if job.ref.is_same(claimed):
            return True
        is_reported = all(_has_reached(ledger.newest(key), claimed) for key in mine)
        return not is_reported and not job.ref.precedes(claimed)


def _newest(jobs: Iterable[JobRef | None]) -> JobRef | None:
    newest: JobRef | None = None
    for job in jobs:
        if job is not None and (newest is None or newest.precedes(job)):
            newest = job
    return newest


def _has_reached(reported: JobRef | None, claimed: JobRef) -> bool:
    return reported is not None and not reported.precedes(claimed)


def read_live_runs(instance: dg.DagsterInstance, tables: Iterable[dg.AssetKey]) -> list[LiveRun]:
    """The live runs that may report any of the tables.

    Must be read after the jobs and before the ledger: a run that ends in between has written its
    events by then, and a step that has not begun by then cannot own a job that had ended.
    """
    wanted = frozenset(tables)
    runs = instance.get_run_records(dg.RunsFilter(statuses=_LIVE))
    concerned = (each for each in runs if _may_concern(each.dagster_run, wanted))
    live = (_live_run(instance, each, wanted) for each in concerned)
    return [each for each in live if each.following]


def _may_concern(run: dg.DagsterRun, wanted: frozenset[dg.AssetKey]) -> bool:
    """Whether it is worth a look into the run's events: hundreds of other runs may be live."""
    selected = run.asset_selection
    return keys.STARTS_SYNCS_TAG in run.tags or selected is None or not wanted.isdisjoint(selected)


def _live_run(
    instance: dg.DagsterInstance, run: dg.RunRecord, wanted: frozenset[dg.AssetKey]
) -> LiveRun:
    if keys.STARTS_SYNCS_TAG in run.dagster_run.tags:
        return _starting(instance, run.dagster_run.run_id, wanted)
    return _following(instance, run, wanted)


def _starting(instance: dg.DagsterInstance, run_id: str, wanted: frozenset[dg.AssetKey]) -> LiveRun:
    """Of a run that leaves its syncs to the sensor: it may still have to say which job it started.

    Such a run says on one table that it starts a sync, where it claims the job last, or says that
    it started none.
    """
    starting: dict[dg.AssetKey, float] = {}
    for record in run_events(instance, run_id, {*STEP_ENDS, _OBSERVED}):
        stored = StoredClaim.from_record(record)
        if _kind(record) in STEP_ENDS:
            starting.clear()
        elif stored is None or stored.table not in wanted:
            continue
        elif stored.claim.status is ClaimStatus.STARTING:
            starting[stored.table] = stored.stored_at
        else:
            starting.pop(stored.table, None)
    return LiveRun(run_id, dict.fromkeys(starting), starting)


def _following(
    instance: dg.DagsterInstance, run: dg.RunRecord, wanted: frozenset[dg.AssetKey]
) -> LiveRun:
    run_id = run.dagster_run.run_id
    planned = {key: s for key, s in _planned_by(instance, run).items() if key in wanted}
    if not planned:
        return LiveRun(run_id)
    begun: dict[str | None, float] = {}
    claimed: dict[dg.AssetKey, JobRef] = {}
    # A step that waits for its retry follows no job: what it will start has not ended yet.
    for record in run_events(instance, run_id, {*_STEP_BEGINS, *STEP_ENDS, _OBSERVED}):
        step, stored = record.event_log_entry.step_key, StoredClaim.from_record(record)
        if _kind(record) in _STEP_BEGINS:
            begun[step] = record.timestamp
            for key in [key for key, each in planned.items() if each == step]:
                claimed.pop(key, None)
        elif _kind(record) in STEP_ENDS:
            begun.pop(step, None)
        elif stored and stored.claim.job:
            claimed[stored.table] = stored.claim.job
        elif stored and stored.claim.status is ClaimStatus.STARTING and step in begun:
            begun[step] = stored.stored_at
    following = {
        key: claimed.get(key) for key, step in planned.items() if step is None or step in begun
    }
    since = {key: begun[planned[key]] for key in following if planned[key] in begun}
    return LiveRun(run_id, following, since)


def _planned_by(instance: dg.DagsterInstance, run: dg.RunRecord) -> Planned:
    """What the run planned; read once of a run that has started, whose plan is complete."""
    run_id = run.dagster_run.run_id
    with _planned_lock:
        known = _planned.get(run_id)
    if known is not None:
        return known
    events = (
        record.event_log_entry.dagster_event for record in run_events(instance, run_id, {_PLANNED})
    )
    planned = {each.asset_key: each.step_key for each in events if each and each.asset_key}
    # A run that is created as a live one is seen before its plan is stored.
    if run.start_time is not None and len(planned) <= _MOST_PLANNED:
        with _planned_lock:
            _planned[run_id] = planned
    return planned


def _kind(record: dg.EventLogRecord) -> dg.DagsterEventType | None:
    event = record.event_log_entry.dagster_event
    return event.event_type if event is not None else None
