"""Which runs are at a connection already: queued for it, waiting for their turn, or syncing it.

All that is known of them is what Dagster has stored: they are processes on any machine.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg

from dagster_airbyte_sync.assets.event_log.claims import STEP_ENDS
from dagster_airbyte_sync.assets.event_log.records import run_events
from dagster_airbyte_sync.assets.event_log.sync_claim import StoredClaim
from dagster_airbyte_sync.assets.start_jobs.planned_tables import Plan, Plans
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import JobRef, TimeBudget

_QUEUED = dg.DagsterRunStatus.QUEUED
_BEGUN = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# So many runs are looked at, the newest, and plans are read for so long (seconds): an evaluation
# has a minute in all, a plan may take 0.2 s, and the next evaluation reads on.
_MOST_RUNS, _PLANS_LIMIT = 1_000, 15.0

# A run that follows a sync, or waits, says how it goes once a minute. One that has said nothing for
# so long (seconds) may be dead without Dagster knowing, and must not stop the others.
_SILENCE = 15 * 60.0
# Other work may be silent for hours; and so are those whose lines Dagster does not store.
_SILENT_WORK = 24 * 3600.0

_OBSERVED = dg.DagsterEventType.ASSET_OBSERVATION
_BEGINS = frozenset((dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_RESTARTED))
# A step that waits for its next try has not ended.
_ENDS = STEP_ENDS - {dg.DagsterEventType.STEP_UP_FOR_RETRY}

# Of this process: each of its schedules sees the same runs.
_PLANS = Plans()


@dataclass(frozen=True)
class RunAtWork:
    """An unfinished run that is to materialize a connection's tables, and the job it follows."""

    run_id: str
    is_queued: bool = False
    job: JobRef | None = None

    def __str__(self) -> str:
        if self.is_queued:
            return f"run {self.run_id} is queued for it"
        if self.job is None:
            return f"run {self.run_id} waits for its turn"
        return f"run {self.run_id} follows its Airbyte job {self.job.id}"


def runs_at_work(
    instance: dg.DagsterInstance,
    groups: Mapping[str, Sequence[Table]],
    now: float,
    log: logging.Logger,
    besides: str | None = None,
) -> dict[str, RunAtWork]:
    """One run for each of the connections that has any, but for the run `besides`.

    `now` is Dagster's clock, in epoch seconds. Of a run that only starts syncs there is nothing to
    say: it lasts for seconds. Where there are too many unfinished runs to look at, the log says so,
    and those that are left count as runs of other things.
    """
    at_work: dict[str, RunAtWork] = {}
    wanted = frozenset(table.key for tables in groups.values() for table in tables)
    for record, plan in _planning(instance, wanted, log, besides):
        tables = _Tables({key: step for key, step in plan.items() if key in wanted})
        if tables.read(instance, record, now):
            at_work = tables.connections(record.dagster_run, groups) | at_work
        if len(at_work) == len(groups):
            break
    return at_work


def _planning(
    instance: dg.DagsterInstance,
    wanted: frozenset[dg.AssetKey],
    log: logging.Logger,
    besides: str | None,
) -> Iterator[tuple[dg.RunRecord, Plan]]:
    """The unfinished runs that planned any of the tables, with their plans."""
    budget, left_out = TimeBudget(_PLANS_LIMIT), 0
    for record in _unfinished(instance, log):
        run = record.dagster_run
        if run.run_id == besides or not _may_concern(run, wanted):
            continue
        plan = _PLANS.known(run.run_id)
        if plan is None and budget.is_spent:
            left_out += 1
            continue
        plan = _PLANS.read(instance, run) if plan is None else plan
        if not wanted.isdisjoint(plan):
            yield record, plan
    if left_out:
        log.warning(_TOO_MANY, f"no time for {left_out} of them")


def _unfinished(instance: dg.DagsterInstance, log: logging.Logger) -> Iterator[dg.RunRecord]:
    """Runs that have begun, and then those in the queue, newest first."""
    for statuses in (_BEGUN, [_QUEUED]):
        filters = dg.RunsFilter(statuses=statuses)
        records = instance.get_run_records(filters, limit=_MOST_RUNS)
        yield from records
        if len(records) == _MOST_RUNS:
            log.warning(_TOO_MANY, f"only at the {_MOST_RUNS} newest that have begun, or wait")


_TOO_MANY = (
    "There are too many unfinished runs to look at all of them (%s): a connection may get a second"
    " run now."
)


def _may_concern(run: dg.DagsterRun, wanted: frozenset[dg.AssetKey]) -> bool:
    selected = run.asset_selection
    is_asked_for = selected is None or not wanted.isdisjoint(selected)
    return is_asked_for and keys.STARTS_SYNCS_TAG not in run.tags


@dataclass
class _Tables:
    """The tables that one run planned to materialize, with their `steps`, and the jobs claimed for
    them; and which of all its steps have begun and ended."""

    steps: Plan
    claimed: dict[dg.AssetKey, JobRef] = field(default_factory=dict)
    begun: set[str | None] = field(default_factory=set)
    ended: set[str | None] = field(default_factory=set)

    def read(self, instance: dg.DagsterInstance, record: dg.RunRecord, now: float) -> bool:
        """Read how far the run is; whether it may be alive: queued, which may take any time, or
        not silent for too long."""
        run = record.dagster_run
        if run.status is _QUEUED:
            return True
        newest = instance.get_records_for_run(run.run_id, limit=1, ascending=False).records
        if not newest or now - newest[0].timestamp > _SILENT_WORK:
            return False
        for event in run_events(instance, run.run_id, {_OBSERVED, *_BEGINS, *_ENDS}):
            self._note(event)
        is_silent = now - newest[0].timestamp > _SILENCE
        return not is_silent or self._may_be_silent(newest[0].event_log_entry)

    def _note(self, record: dg.EventLogRecord) -> None:
        event, stored = record.event_log_entry.dagster_event, StoredClaim.from_record(record)
        if event and event.event_type in _ENDS:
            self.ended.add(event.step_key)
        elif event and event.event_type in _BEGINS:
            self.begun.add(event.step_key)
            # What an earlier try of the step has claimed is over.
            for each in [each for each in self.claimed if self.steps.get(each) == event.step_key]:
                del self.claimed[each]
        elif stored and stored.claim.job:
            self.claimed[stored.table] = stored.claim.job

    def _may_be_silent(self, newest: dg.EventLogEntry) -> bool:
        """Whether a step is at work, or will be tried again, that need not say how it goes.

        A step of ours does, if Dagster stores such lines: then one of them is the newest.
        """
        says_how_it_goes = (
            newest.dagster_event is None
            and newest.level in (logging.DEBUG, logging.INFO)
            and newest.step_key in {*self.steps.values()} - self.ended
        )
        return bool(self.begun - self.ended) and not says_how_it_goes

    def connections(
        self, run: dg.DagsterRun, groups: Mapping[str, Sequence[Table]]
    ) -> dict[str, RunAtWork]:
        left = {key for key, step in self.steps.items() if step not in self.ended}
        found: dict[str, RunAtWork] = {}
        for connection_id, tables in groups.items():
            mine = [table.key for table in tables if table.key in left]
            if mine:
                job = next((self.claimed[key] for key in mine if key in self.claimed), None)
                found[connection_id] = RunAtWork(run.run_id, run.status is _QUEUED, job)
        return found
