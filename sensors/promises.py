"""Which jobs a live Dagster run is about to report, so that the sensor leaves them to it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import dagster as dg

from dagster_airbyte_sync.assets import Ledger, Table, run_events
from dagster_airbyte_sync.assets import metadata as keys
from dagster_airbyte_sync.resources import Job

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
class Promise:
    """What the running steps of one live run may still report.

    `following` has each asset they planned, with the job declared for it, or None before a step
    has started its sync.
    """

    run_id: str
    following: Mapping[dg.AssetKey, int | None] = field(default_factory=dict)

    def holds(self, job: Job, tables: Iterable[Table], ledger: Ledger) -> bool:
        """Whether the run may still report this finished job.

        Jobs before the one it declared it cannot; nor later ones, once that one is told.
        """
        mine = [table.key for table in tables if table.key in self.following]
        declared = max((d for key in mine if (d := self.following[key]) is not None), default=None)
        if not mine or declared is None:
            return bool(mine)
        is_told = all((ledger.highest(key) or 0) >= declared for key in mine)
        return job.id >= declared if not is_told else job.id == declared


def read_promises(instance: dg.DagsterInstance, tables: Iterable[dg.AssetKey]) -> list[Promise]:
    """The promises of live runs for any of the tables.

    Must be read after the jobs and before the ledger: a run that ends in between has written its
    events by then, and a step that has not begun by then cannot own a job that had ended.
    """
    wanted = frozenset(tables)
    runs = instance.get_run_records(dg.RunsFilter(statuses=_LIVE))
    found = (_promise(instance, record.dagster_run, wanted) for record in runs)
    return [promise for promise in found if promise.following]


def _promise(
    instance: dg.DagsterInstance, run: dg.DagsterRun, wanted: frozenset[dg.AssetKey]
) -> Promise:
    if keys.STARTS_SYNCS_TAG in run.tags:
        return _starting(instance, run.run_id, wanted)
    return _following(instance, run.run_id, wanted)


def _starting(instance: dg.DagsterInstance, run_id: str, wanted: frozenset[dg.AssetKey]) -> Promise:
    """Of a run that leaves its syncs to the sensor: it may still have to say which job it started.

    Such a run announces each start on one table, where it declares the job last, or says that it
    started none.
    """
    starting: dict[dg.AssetKey, None] = {}
    for event, metadata in _events(instance, run_id, {*_ENDED, _OBSERVED}):
        if event.event_type in _ENDED:
            starting.clear()
        elif event.asset_key not in wanted or event.asset_key is None:
            continue
        elif keys.text_in(metadata, keys.JOB_STATUS) == keys.STARTING:
            starting[event.asset_key] = None
        else:
            starting.pop(event.asset_key, None)
    return Promise(run_id, starting)


def _following(
    instance: dg.DagsterInstance, run_id: str, wanted: frozenset[dg.AssetKey]
) -> Promise:
    planned = {
        event.asset_key: event.step_key
        for event, _ in _events(instance, run_id, {_PLANNED})
        if event.asset_key in wanted
    }
    if not planned:
        return Promise(run_id)
    begun: set[str | None] = set()
    declared: dict[dg.AssetKey | None, int] = {}
    later = {*_BEGUN, *_ENDED, _OBSERVED}
    for event, metadata in _events(instance, run_id, later):
        if event.event_type in _BEGUN:
            begun.add(event.step_key)
            for key in [key for key, step in planned.items() if step == event.step_key]:
                declared.pop(key, None)
        elif event.event_type in _ENDED:
            begun.discard(event.step_key)
        elif (job_id := keys.int_in(metadata, keys.JOB_ID)) is not None:
            declared[event.asset_key] = job_id
    return Promise(
        run_id,
        {
            key: declared.get(key)
            for key, step in planned.items()
            if key is not None and (step is None or step in begun)
        },
    )


def _events(
    instance: dg.DagsterInstance, run_id: str, kinds: set[dg.DagsterEventType]
) -> Iterator[tuple[dg.DagsterEvent, Mapping[str, object]]]:
    """A run's events of some kinds in their order, each with the metadata if it observes."""
    for record in run_events(instance, run_id, kinds):
        entry = record.event_log_entry
        if entry.dagster_event is not None:
            observed = entry.asset_observation
            yield entry.dagster_event, observed.metadata if observed else {}
