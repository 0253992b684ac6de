"""Which jobs a live Dagster run is about to report, so that the sensor leaves them to it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import dagster as dg

from dagster_airbyte_sync.assets import Ledger, Table, job_named_in, run_events
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.resources import Job, JobRef

# A run in an earlier state has not begun any step: no job that has finished can be its own.
_LIVE = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]

_PLANNED = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
_OBSERVED = dg.DagsterEventType.ASSET_OBSERVATION
_BEGUN = {
    dg.DagsterEventType.STEP_START,
    dg.DagsterEventType.STEP_RESTARTED,
}
# A step that waits for its retry follows no job: what it will start has not ended yet.
_ENDED = {
    dg.DagsterEventType.STEP_UP_FOR_RETRY,
    dg.DagsterEventType.STEP_SUCCESS,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.STEP_SKIPPED,
}


@dataclass(frozen=True)
class Claim:
    """What the running steps of one live run may still report.

    `following` has each asset they planned, with the job declared for it, or None before a step
    has started its sync. Of those `since` says when the step began, or said that it is about to
    start one (Dagster's clock, epoch seconds).
    """

    run_id: str
    following: Mapping[dg.AssetKey, JobRef | None] = field(default_factory=dict)
    since: Mapping[dg.AssetKey, float] = field(default_factory=dict)

    def undeclared_since(self, tables: Iterable[Table]) -> float | None:
        """Since when the run may start a sync of the tables; None if it has said which."""
        mine = [table.key for table in tables if table.key in self.following]
        if any(self.following[key] is not None for key in mine):
            return None
        return max((self.since[key] for key in mine if key in self.since), default=None)

    def holds(self, job: Job, tables: Iterable[Table], ledger: Ledger) -> bool:
        """Whether the run may still report this finished job.

        Jobs before the one it declared it cannot; nor later ones, once that one is reported.
        """
        mine = [table.key for table in tables if table.key in self.following]
        declared = _newest(self.following[key] for key in mine)
        if declared is None:
            return bool(mine)
        if job.ref.is_same(declared):
            return True
        is_reported = all(_has_reached(ledger.newest(key), declared) for key in mine)
        return not is_reported and not job.ref.precedes(declared)


def _newest(jobs: Iterable[JobRef | None]) -> JobRef | None:
    newest: JobRef | None = None
    for job in jobs:
        if job is not None and (newest is None or newest.precedes(job)):
            newest = job
    return newest


def _has_reached(reported: JobRef | None, declared: JobRef) -> bool:
    return reported is not None and not reported.precedes(declared)


def read_claims(instance: dg.DagsterInstance, tables: Iterable[dg.AssetKey]) -> list[Claim]:
    """What live runs claim of any of the tables.

    Must be read after the jobs and before the ledger: a run that ends in between has written its
    events by then, and a step that has not begun by then cannot own a job that had ended.
    """
    wanted = frozenset(tables)
    runs = [
        record.dagster_run for record in instance.get_run_records(dg.RunsFilter(statuses=_LIVE))
    ]
    found = (_claim(instance, run, wanted) for run in runs if _may_concern(run, wanted))
    return [claim for claim in found if claim.following]


def _may_concern(run: dg.DagsterRun, wanted: frozenset[dg.AssetKey]) -> bool:
    """Whether it is worth a look into the run's events: hundreds of other runs may be live."""
    selected = run.asset_selection
    return keys.STARTS_SYNCS_TAG in run.tags or selected is None or not wanted.isdisjoint(selected)


def _claim(
    instance: dg.DagsterInstance, run: dg.DagsterRun, wanted: frozenset[dg.AssetKey]
) -> Claim:
    if keys.STARTS_SYNCS_TAG in run.tags:
        return _starting(instance, run.run_id, wanted)
    return _following(instance, run.run_id, wanted)


def _starting(instance: dg.DagsterInstance, run_id: str, wanted: frozenset[dg.AssetKey]) -> Claim:
    """Of a run that leaves its syncs to the sensor: it may still have to say which job it started.

    Such a run announces each start on one table, where it declares the job last, or says that it
    started none.
    """
    starting: dict[dg.AssetKey, float] = {}
    for event in _events(instance, run_id, {*_ENDED, _OBSERVED}):
        if event.kind in _ENDED:
            starting.clear()
        elif event.asset_key not in wanted or event.asset_key is None:
            continue
        elif event.is_announcement:
            starting[event.asset_key] = event.stored_at
        else:
            starting.pop(event.asset_key, None)
    return Claim(run_id, dict.fromkeys(starting), starting)


def _following(instance: dg.DagsterInstance, run_id: str, wanted: frozenset[dg.AssetKey]) -> Claim:
    planned = {
        event.asset_key: event.step_key
        for event in _events(instance, run_id, {_PLANNED})
        if event.asset_key in wanted
    }
    if not planned:
        return Claim(run_id)
    begun: dict[str | None, float] = {}
    declared: dict[dg.AssetKey | None, JobRef] = {}
    for event in _events(instance, run_id, {*_BEGUN, *_ENDED, _OBSERVED}):
        if event.kind in _BEGUN:
            begun[event.step_key] = event.stored_at
            for key in [key for key, step in planned.items() if step == event.step_key]:
                declared.pop(key, None)
        elif event.kind in _ENDED:
            begun.pop(event.step_key, None)
        elif event.is_announcement and event.step_key in begun:
            begun[event.step_key] = event.stored_at
        elif (job := job_named_in(event.metadata, None)) is not None:
            declared[event.asset_key] = job
    following = {
        key: declared.get(key)
        for key, step in planned.items()
        if key is not None and (step is None or step in begun)
    }
    since = {key: begun[planned[key]] for key in following if planned[key] in begun}
    return Claim(run_id, following, since)


@dataclass(frozen=True)
class _Event:
    """One event of a run; `metadata` is empty unless it observes an asset."""

    kind: dg.DagsterEventType | None
    asset_key: dg.AssetKey | None
    step_key: str | None
    stored_at: float
    metadata: Mapping[str, object]

    @property
    def is_announcement(self) -> bool:
        return keys.text_in(self.metadata, keys.JOB_STATUS) == keys.STARTING


def _events(
    instance: dg.DagsterInstance, run_id: str, kinds: set[dg.DagsterEventType]
) -> Iterator[_Event]:
    """A run's events of some kinds in their order."""
    for record in run_events(instance, run_id, kinds):
        entry = record.event_log_entry
        event, observed = entry.dagster_event, entry.asset_observation
        if event is not None:
            metadata = observed.metadata if observed else {}
            yield _Event(
                event.event_type, event.asset_key, event.step_key, entry.timestamp, metadata
            )
