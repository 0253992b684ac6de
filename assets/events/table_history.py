"""Looks up in the event log, table by table, what the last materializations do not say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import dagster as dg

from dagster_airbyte_sync.assets.events.event_log import (
    BEFORE_ALL,
    Page,
    back_to,
    job_named_in,
    observations_since,
    paged,
)
from dagster_airbyte_sync.assets.events.ledger import (
    History,
    Ledger,
    RunSpan,
    begins_of,
)
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import NO_LIMIT, Job, JobRef, TimeBudget

# Mostly the newest few answer it; if they do not, a backlog is being reported, and many are read.
_FIRST_PAGE, _FURTHER_PAGE = 25, 500

Kind = Literal["materialization", "check", "observation"]


@dataclass(frozen=True)
class Question:
    """Whether the event log has an event of that kind for a table and a job."""

    kind: Kind
    table: Table
    job: Job

    @property
    def key(self) -> tuple[dg.AssetKey, JobRef, str]:
        return (self.table.key, self.job.ref, self.kind)


def with_answers(
    instance: dg.DagsterInstance,
    ledger: Ledger,
    questions: Iterable[Question],
    budget: TimeBudget = NO_LIMIT,
) -> Ledger:
    """The ledger with the answers, in the order of the questions and as far as time allows.

    A table's materializations are read once, back to the oldest job that is asked about.
    """
    asked = list(questions)
    ledger = _with_histories(instance, ledger, asked, budget)
    noted = dict(ledger.noted)
    for question in asked:
        if question.kind != "materialization" and not budget.is_spent:
            noted[question.key] = _is_noted(instance, question)
    return replace(ledger, noted=noted)


def _with_histories(
    instance: dg.DagsterInstance, ledger: Ledger, asked: Sequence[Question], budget: TimeBudget
) -> Ledger:
    oldest: dict[dg.AssetKey, tuple[Table, datetime]] = {}
    for question in asked:
        if question.kind == "materialization":
            ended = question.job.ended_at or BEFORE_ALL
            _, before = oldest.get(question.table.key, (question.table, ended))
            oldest[question.table.key] = (question.table, min(before, ended))
    reports: dict[dg.AssetKey, _Reports] = {}
    for key, (table, since) in oldest.items():
        read = _read(instance, table, since, budget)
        if read is None:
            break
        reports[key] = read
    runs = (run_id for each in reports.values() for run_id, _ in each.unnamed)
    begins = begins_of(instance, runs)
    histories = {key: each.as_history(begins) for key, each in reports.items()}
    return replace(ledger, history={**ledger.history, **histories})


@dataclass(frozen=True)
class _Reports:
    """Of one table's materializations: the jobs named, and by run and time those that name none."""

    jobs: tuple[JobRef, ...]
    unnamed: tuple[tuple[str, float], ...]

    def as_history(self, begins: Mapping[str, float | None]) -> History:
        spans = (RunSpan(run_id, begins.get(run_id), at) for run_id, at in self.unnamed)
        return History(self.jobs, tuple(spans))


def _read(
    instance: dg.DagsterInstance, table: Table, ended_at: datetime, budget: TimeBudget
) -> _Reports | None:
    """What was reported for the table since a job had ended; None if time does not allow it."""

    def fetch(cursor: str | None) -> Page:
        limit = _FIRST_PAGE if cursor is None else _FURTHER_PAGE
        return instance.fetch_materializations(table.key, limit=limit, cursor=cursor)

    if budget.is_spent:
        return None
    jobs: list[JobRef] = []
    unnamed: list[tuple[str, float]] = []
    for record in back_to(ended_at, keys.SYNC_ENDED_AT, paged(fetch)):
        if budget.is_spent:
            return None
        materialization = record.asset_materialization
        metadata = materialization.metadata if materialization else {}
        job = job_named_in(metadata, table.connection_id)
        if job is not None:
            jobs.append(job)
        elif keys.int_in(metadata, keys.JOB_ID) is None and record.run_id:
            unnamed.append((record.run_id, record.timestamp))
    return _Reports(tuple(jobs), tuple(unnamed))


def _is_noted(instance: dg.DagsterInstance, question: Question) -> bool:
    has = _has_check if question.kind == "check" else _has_observation
    return has(instance, question.table, question.job)


def _has_check(instance: dg.DagsterInstance, table: Table, job: Job) -> bool:
    """Whether the check was evaluated for the job, or for a later one of its connection."""
    record = instance.get_latest_asset_check_evaluation_record(
        dg.AssetCheckKey(table.key, keys.CHECK_NAME)
    )
    event = record.event.dagster_event if record is not None and record.event else None
    evaluation = event.event_specific_data if event is not None else None
    if not isinstance(evaluation, dg.AssetCheckEvaluation):
        # Only planned, by a run that evaluates checks by itself.
        return False
    last = job_named_in(evaluation.metadata, table.connection_id)
    return last is not None and (last.is_same(job.ref) or job.ref.precedes(last))


def _has_observation(instance: dg.DagsterInstance, table: Table, job: Job) -> bool:
    """Whether an observation says how the job ended; that a run follows it does not count."""
    for record in observations_since(instance, table.key, job.began_at or BEFORE_ALL):
        metadata = record.asset_observation.metadata if record.asset_observation else {}
        named = job_named_in(metadata, table.connection_id)
        is_end = keys.text_in(metadata, keys.JOB_TYPE) is not None
        if is_end and named is not None and named.is_same(job.ref):
            return True
    return False
