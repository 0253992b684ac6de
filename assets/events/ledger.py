"""What was reported for each table: Dagster's event log.

The last materialization of all tables is one query, and mostly settles it: a job that came after
the last one reported is owed. Where that can be wrong, the table's history is read: for a job older
than the last one, after a materialization that names no job, and for the first event that is owed
of a job, as a process may die after it stored an event and before Dagster noted it as the last, or
a run may have reported the job while a tick was stored that had been decided before.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

import dagster as dg

from dagster_airbyte_sync.assets.checks.duration_history import NO_DURATIONS, DurationHistory
from dagster_airbyte_sync.assets.checks.last_evaluation import LastEvaluation
from dagster_airbyte_sync.assets.checks.row_history import RowHistory
from dagster_airbyte_sync.assets.event_log.evaluations import Evaluations
from dagster_airbyte_sync.assets.event_log.records import job_named_in
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import Job, JobRef


@dataclass(frozen=True)
class LastReported:
    """A table's last materialization. `job` is None if it names no job of this connection.

    `newest` is the newest job reported, which is another where `job` was reported late; `run_id`
    is "" if a sensor stored the event, which is then `reported_by`, as far as that is known, and
    `stored_at` when (Dagster's clock, epoch seconds). Where
    no job is named, `begun_at` says when the run began, if that is known. `rows` are the counts of
    the syncs up to it, and `durations` how long they took.
    """

    job: JobRef | None = None
    newest: JobRef | None = None
    data_version: str | None = None
    run_id: str = ""
    stored_at: float = 0.0
    begun_at: float | None = None
    rows: RowHistory = field(default_factory=RowHistory)
    durations: DurationHistory = field(default_factory=DurationHistory)
    reported_by: str | None = None


@dataclass(frozen=True)
class RunSpan:
    """A run materialized a table without naming a job, as those of dagster-airbyte do.

    Both times are Dagster's clock, in epoch seconds; `begun_at` is None if the run is forgotten.
    """

    run_id: str
    begun_at: float | None
    stored_at: float


# Airbyte's clock is known to a second or two.
_CLOCK_ERROR = 5.0


@dataclass(frozen=True)
class History:
    """The jobs reported for a table, back to some time, and materializations without a job."""

    jobs: tuple[JobRef, ...] = ()
    spans: tuple[RunSpan, ...] = ()

    def names(self, job: Job) -> bool:
        return any(each.is_same(job.ref) for each in self.jobs)

    def may_have(self, job: Job, skew: timedelta) -> str | None:
        """A run that may have reported the job without naming it, though it began after it."""
        ended = _epoch(job.ended_at, skew)
        if ended is None:
            return None
        return next((s.run_id for s in self.spans if _may_span(s, ended)), None)


def _spans(span: RunSpan, job: Job, skew: timedelta) -> bool:
    created, ended = _epoch(job.created_at, skew), _epoch(job.ended_at, skew)
    if created is None or ended is None or span.begun_at is None:
        return False
    is_within = span.begun_at - _CLOCK_ERROR <= created < span.stored_at
    return is_within and ended <= span.stored_at + _CLOCK_ERROR


def _may_span(span: RunSpan, ended: float) -> bool:
    begun = span.begun_at if span.begun_at is not None else ended
    return begun - _CLOCK_ERROR <= ended <= span.stored_at + _CLOCK_ERROR


def _epoch(moment: datetime | None, skew: timedelta) -> float | None:
    """A time of Airbyte's clock, on Dagster's."""
    return None if moment is None else (moment - skew).timestamp()


@dataclass(frozen=True)
class Ledger:
    """Per asset key: the last materialization (no entry: never), and its history where it was read.

    `evaluations` are those of the tables for which they were read, and `noted` says whether an
    observation of a job was found in the event log: of a clear, or of a sync of the past. `skew` is
    Airbyte's clock minus Dagster's. `among` has the finished jobs at hand of each connection: a
    materialization that names no job is of the newest that its run spans, and of no other.
    """

    last: Mapping[dg.AssetKey, LastReported] = field(default_factory=dict)
    history: Mapping[dg.AssetKey, History] = field(default_factory=dict)
    evaluations: Evaluations = field(default_factory=dict)
    noted: Mapping[tuple[dg.AssetKey, JobRef, str], bool] = field(default_factory=dict)
    skew: timedelta = timedelta(0)
    among: Mapping[str, Sequence[Job]] = field(default_factory=dict)

    def is_reported(self, key: dg.AssetKey, job: Job) -> bool | None:
        """Whether the job was reported for the table; None if its history must be read for that."""
        if self.is_last(key, job):
            return True
        if key in self.history:
            return self.is_in_history(key, job)
        return False if self.is_after_last(key, job) else None

    def is_in_history(self, key: dg.AssetKey, job: Job) -> bool | None:
        """Whether its history has the job, by name or not; None if that is not read."""
        history = self.history.get(key)
        if history is None:
            return None
        return history.names(job) or any(self._stands_for(span, job) for span in history.spans)

    def is_noted(self, key: dg.AssetKey, job: Job) -> bool | None:
        """Whether an observation reports the job, as it was older than the table's last report.

        None if that is not looked up.
        """
        return self.noted.get((key, job.ref, "past"))

    def unnamed_report(self, key: dg.AssetKey, job: Job) -> str | None:
        """The run that reported the job for the table without naming it, as its history has it."""
        history = self.history.get(key, History())
        return next((s.run_id for s in history.spans if self._stands_for(s, job)), None)

    def is_last(self, key: dg.AssetKey, job: Job) -> bool:
        """Whether the table's last materialization reports the job."""
        last = self.last.get(key)
        if last is None or last.job is not None:
            return last is not None and last.job is not None and last.job.is_same(job.ref)
        return self._stands_for(RunSpan(last.run_id, last.begun_at, last.stored_at), job)

    def _stands_for(self, span: RunSpan, job: Job) -> bool:
        """Whether a run that names no job has reported this one: the newest that it spans."""
        if not _spans(span, job, self.skew):
            return False
        others = self.among.get(job.connection_id, ())
        return not any(
            job.ref.precedes(other.ref) and other.wrote_tables and _spans(span, other, self.skew)
            for other in others
        )

    def is_after_last(self, key: dg.AssetKey, job: Job) -> bool:
        """Whether the job is newer than the last one reported, as the table's last event has it."""
        last = self.last.get(key)
        if last is None:
            return True
        if last.newest is not None:
            # Where numbers and times disagree, a clock was set, or Airbyte restored.
            return last.newest.precedes(job.ref)
        ended = _epoch(job.ended_at, self.skew)
        return ended is not None and ended > last.stored_at + _CLOCK_ERROR

    def is_late(self, key: dg.AssetKey, job: JobRef) -> bool:
        """Whether a later job of its connection was reported for the table already."""
        newest = self.newest(key)
        return newest is not None and job.precedes(newest)

    def was_made_since(self, key: dg.AssetKey, job: Job) -> bool:
        """Whether a run that names no job has materialized the table after the job's end."""
        last, ended = self.last.get(key), _epoch(job.ended_at, self.skew)
        if last is None or last.newest is not None or not last.run_id or ended is None:
            return False
        return ended < last.stored_at

    def data_version(self, key: dg.AssetKey) -> str | None:
        last = self.last.get(key)
        return last.data_version if last else None

    def newest(self, key: dg.AssetKey) -> JobRef | None:
        last = self.last.get(key)
        return last.newest if last else None

    def rows(self, key: dg.AssetKey) -> RowHistory:
        last = self.last.get(key)
        return last.rows if last else RowHistory()

    def durations(self, key: dg.AssetKey) -> DurationHistory:
        last = self.last.get(key)
        return last.durations if last else NO_DURATIONS

    def when_stored(self, last: LastReported) -> datetime | None:
        """When that was stored, on Airbyte's clock as it goes now; None in the same tick."""
        if not last.stored_at:
            return None
        return datetime.fromtimestamp(last.stored_at, timezone.utc) + self.skew

    def after(
        self,
        key: dg.AssetKey,
        job: JobRef,
        data_version: str,
        rows: RowHistory,
        durations: DurationHistory = NO_DURATIONS,
    ) -> "Ledger":
        """The ledger once the job has been reported for this table."""
        newest = self.newest(key) if self.is_late(key, job) else job
        now = LastReported(job, newest, data_version, rows=rows, durations=durations)
        last = {**self.last, key: now}
        if key not in self.history:
            return replace(self, last=last)
        before = self.history[key]
        known = replace(before, jobs=(*before.jobs, job))
        return replace(self, last=last, history={**self.history, key: known})

    def after_evaluation(self, key: dg.AssetKey, check: str, said: LastEvaluation) -> "Ledger":
        """The ledger once that evaluation has been stored."""
        of_table = {**self.evaluations.get(key, {}), check: said}
        return replace(self, evaluations={**self.evaluations, key: of_table})


def read_ledger(
    instance: dg.DagsterInstance, tables: Iterable[Table], skew: timedelta = timedelta(0)
) -> Ledger:
    """What was last reported for each of the tables: one query for all of them."""
    connections = {table.key: table.connection_id for table in tables}
    if not connections:
        return Ledger(skew=skew)
    records = instance.get_asset_records(list(connections))
    entries = (
        (record.asset_entry.asset_key, record.asset_entry.last_materialization)
        for record in records
    )
    last = {
        key: _last_reported(entry, connections[key]) for key, entry in entries if entry is not None
    }
    unnamed = {key: each for key, each in last.items() if each.job is None and each.run_id}
    begins = begins_of(instance, (each.run_id for each in unnamed.values()))
    begun = {key: replace(each, begun_at=begins.get(each.run_id)) for key, each in unnamed.items()}
    return Ledger({**last, **begun}, skew=skew)


def begins_of(instance: dg.DagsterInstance, run_ids: Iterable[str]) -> Mapping[str, float | None]:
    """When the runs began (Dagster's clock, epoch seconds): one query, or none for no run."""
    wanted = sorted(set(run_ids))
    if not wanted:
        return {}
    records = instance.get_run_records(dg.RunsFilter(run_ids=wanted))
    return {record.dagster_run.run_id: record.start_time for record in records}


def read_again(instance: dg.DagsterInstance, ledger: Ledger, tables: Iterable[Table]) -> Ledger:
    """The ledger, with what was last reported for these tables by now."""
    newer = read_ledger(instance, tables, ledger.skew)
    return replace(ledger, last={**ledger.last, **newer.last})


def still_known(ledger: Ledger, before: Ledger) -> Ledger:
    """The ledger with what was looked up before, as far as it has not changed since.

    A table for which nothing was reported since has the history it had; what was noted stays so.
    """
    histories = {
        key: history
        for key, history in before.history.items()
        if ledger.last.get(key) == before.last.get(key)
    }
    evaluations = {
        key: each
        for key, each in before.evaluations.items()
        if ledger.last.get(key) == before.last.get(key)
    }
    noted = {key: True for key, is_noted in before.noted.items() if is_noted}
    history = {**histories, **ledger.history}
    return replace(ledger, history=history, evaluations=evaluations, noted=noted)


def _last_reported(entry: dg.EventLogEntry, connection_id: str) -> LastReported:
    materialization = entry.asset_materialization
    if materialization is None:
        return LastReported(stored_at=entry.timestamp, run_id=entry.run_id)
    job = job_named_in(materialization.metadata, connection_id)
    return LastReported(
        job=job,
        newest=_newest_named_in(materialization.metadata) or job if job is not None else None,
        data_version=(materialization.tags or {}).get(keys.DATA_VERSION_TAG),
        run_id=entry.run_id,
        stored_at=entry.timestamp,
        rows=RowHistory.from_text(keys.text_in(materialization.metadata, keys.RECENT_ROWS)),
        durations=DurationHistory.from_text(
            keys.text_in(materialization.metadata, keys.RECENT_DURATIONS)
        ),
        reported_by=keys.text_in(materialization.metadata, keys.REPORTED_BY),
    )


def _newest_named_in(metadata: Mapping[str, object]) -> JobRef | None:
    highest = keys.int_in(metadata, keys.HIGHEST_JOB_ID)
    if highest is None:
        return None
    created = keys.time_in(metadata, keys.HIGHEST_JOB_CREATED_AT)
    return JobRef(highest, created, keys.time_in(metadata, keys.HIGHEST_JOB_ENDED_AT))
