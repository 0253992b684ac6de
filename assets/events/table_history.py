"""Looks up in the event log, table by table, what the last materializations do not say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import dagster as dg

from dagster_airbyte_sync.assets.checks.check_settings import CHECKS_OF_SYNCS
from dagster_airbyte_sync.assets.event_log.at_once import answers
from dagster_airbyte_sync.assets.event_log.evaluations import read_evaluations
from dagster_airbyte_sync.assets.event_log.records import (
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

Kind = Literal["materialization", "evaluations", "observation", "past"]


@dataclass(frozen=True)
class Question:
    """Whether the event log has an event of that kind for a table and a job.

    "evaluations" asks what the table's checks said last, of whatever job. "past" asks for the
    observation of a sync that a backfill found to be older than the table's last report.
    """

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

    A table's materializations are read once, back to the oldest job that is asked about, those of a
    few tables at once; the evaluations of all tables are one query. So are a table's observations
    of the past.
    """
    asked = list(questions)
    ledger = _with_histories(instance, ledger, asked, budget)
    ledger = _with_evaluations(instance, ledger, asked, budget)
    noted = {**ledger.noted, **_past_answers(instance, asked, budget)}
    for question in asked:
        if question.kind == "observation" and not budget.is_spent:
            noted[question.key] = _has_observation(instance, question.table, question.job)
    return replace(ledger, noted=noted)


def _past_answers(
    instance: dg.DagsterInstance, asked: Iterable[Question], budget: TimeBudget
) -> Mapping[tuple[dg.AssetKey, JobRef, str], bool]:
    """Each table is read once, though hundreds of its jobs are asked about."""
    by_table: dict[dg.AssetKey, list[Question]] = {}
    for question in asked:
        if question.kind == "past":
            by_table.setdefault(question.table.key, []).append(question)
    noted: dict[tuple[dg.AssetKey, JobRef, str], bool] = {}
    for questions in by_table.values():
        if budget.is_spent:
            break
        since = min(question.job.began_at or BEFORE_ALL for question in questions)
        ends = _ends_observed(instance, questions[0].table, since)
        noted |= {each.key: _has(ends, each.job) for each in questions}
    return noted


def _ends_observed(
    instance: dg.DagsterInstance, table: Table, since: datetime
) -> Mapping[int, Sequence[JobRef]]:
    """The jobs whose ends a table's observations report, by number."""
    ends: dict[int, list[JobRef]] = {}
    for record in observations_since(instance, table.key, since):
        job = _end_in(record, table)
        if job is not None:
            ends.setdefault(job.id, []).append(job)
    return ends


def _has(ends: Mapping[int, Sequence[JobRef]], job: Job) -> bool:
    return any(each.is_same(job.ref) for each in ends.get(job.id, ()))


def _end_in(record: dg.EventLogRecord, table: Table) -> JobRef | None:
    """The job whose end the observation reports; that a run follows a job is none."""
    metadata = record.asset_observation.metadata if record.asset_observation else {}
    is_end = keys.text_in(metadata, keys.JOB_TYPE) is not None
    return job_named_in(metadata, table.connection_id) if is_end else None


def _with_evaluations(
    instance: dg.DagsterInstance, ledger: Ledger, asked: Sequence[Question], budget: TimeBudget
) -> Ledger:
    tables = [question.table for question in asked if question.kind == "evaluations"]
    if not tables or budget.is_spent:
        return ledger
    read = read_evaluations(instance, tables, CHECKS_OF_SYNCS)
    return replace(ledger, evaluations={**ledger.evaluations, **read})


def _with_histories(
    instance: dg.DagsterInstance, ledger: Ledger, asked: Sequence[Question], budget: TimeBudget
) -> Ledger:
    oldest: dict[dg.AssetKey, tuple[Table, datetime]] = {}
    for question in asked:
        if question.kind == "materialization":
            ended = question.job.ended_at or BEFORE_ALL
            _, before = oldest.get(question.table.key, (question.table, ended))
            oldest[question.table.key] = (question.table, min(before, ended))
    read = answers(lambda each: _read(instance, *each, budget), oldest.values())
    reports = {key: each for key, each in zip(oldest, read, strict=True) if each is not None}
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


def _has_observation(instance: dg.DagsterInstance, table: Table, job: Job) -> bool:
    """Whether an observation says how the job ended."""
    observations = observations_since(instance, table.key, job.began_at or BEFORE_ALL)
    ends = (_end_in(record, table) for record in observations)
    return any(end is not None and end.is_same(job.ref) for end in ends)
