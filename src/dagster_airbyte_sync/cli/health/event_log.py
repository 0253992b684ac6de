"""Reads Dagster's event log: what was reported last of all tables, and what since some time."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import dagster as dg

from dagster_airbyte_sync.assets import Table
from dagster_airbyte_sync.assets.checks.check_settings import (
    CHECKS_OF_SYNCS,
    CONNECTION_CHECK,
    SYNC_CHECK,
)
from dagster_airbyte_sync.assets.event_log.evaluations import read_evaluations
from dagster_airbyte_sync.assets.event_log.records import (
    BEFORE_ALL,
    CLOCK_SLACK,
    back_to,
    observations_since,
    paged,
)
from dagster_airbyte_sync.assets.events.ledger import read_ledger
from dagster_airbyte_sync.assets.events.table_history import Question, with_answers
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.cli.health.last_jobs import last_jobs
from dagster_airbyte_sync.cli.health.reported import Known, questions_of
from dagster_airbyte_sync.cli.health.reports import Report, TableReports, end_in, report_in
from dagster_airbyte_sync.cli.health.subject import Assets
from dagster_airbyte_sync.cli.mistakes import unreadable
from dagster_airbyte_sync.resources import Job

_PAGE = 200
# So many evaluations of one check are read at most: of a month in which a sync fails every five
# minutes there are fewer.
_MOST_EVALUATIONS = 10_000

NO_HOME = "DAGSTER_HOME is not set, so what was reported to Dagster is not known."


class EventLog:
    """The event log of one instance; whatever its storage raises is for the caller."""

    def __init__(
        self, instance: dg.DagsterInstance, most_evaluations: int = _MOST_EVALUATIONS
    ) -> None:
        self._instance, self._most = instance, most_evaluations

    def known(
        self,
        tables: Sequence[Table],
        checked: frozenset[dg.AssetKey] | None,
        skew: timedelta,
        questions: Iterable[Question] = (),
        unsaid: Mapping[str, Sequence[Table]] | None = None,
    ) -> Known:
        """What was said last of the tables: two queries, and one for each question.

        `unsaid` are those of connections of which Airbyte names no finished job: see `last_jobs`.
        """
        ledger = read_ledger(self._instance, tables, skew)
        checks = (*CHECKS_OF_SYNCS, CONNECTION_CHECK)
        evaluations = read_evaluations(self._instance, tables, checks)
        ledger = with_answers(self._instance, ledger, questions)
        known = Known(ledger, evaluations, checked)
        return replace(known, jobs=last_jobs(self._instance, unsaid, known)) if unsaid else known

    def since(self, table: Table, since: datetime) -> TableReports:
        """What was reported for one table of jobs since a time of Airbyte's clock.

        Three queries.
        """
        made, failed = self._made(table, since), self._failures(table, since)
        reports = (*made.reports, *self._noted(table, since), *failed.reports)
        return TableReports(reports, made.unnamed, failed.failures_since)

    def of_jobs(self, table: Table, jobs: Sequence[Job]) -> TableReports:
        """What was reported for one table of those jobs: a query for its materializations, and one
        each for jobs that failed, and for others that no materialization names.

        Those may be clears, or syncs of the past that a backfill has reported as observations.
        """
        read = self._made(table, _first_end(jobs))
        left = [job for job in jobs if read.of(job.ref) is None]
        noted = [job for job in left if job.succeeded]
        failed = [job for job in left if not job.succeeded]
        reports = (*read.reports, *(self._noted(table, _first_end(noted)) if noted else ()))
        if not failed:
            return TableReports(reports, read.unnamed)
        failures = self._failures(table, _first_end(failed))
        return TableReports((*reports, *failures.reports), read.unnamed, failures.failures_since)

    def _made(self, table: Table, since: datetime) -> TableReports:
        reports: list[Report] = []
        unnamed: list[float] = []
        for record in self._materializations(table, since):
            event = record.asset_materialization
            named = report_in(table, event.metadata, record.run_id) if event else None
            if named is not None:
                reports.append(named)
            elif record.run_id:
                unnamed.append(record.timestamp)
        return TableReports(tuple(reports), tuple(unnamed))

    def _materializations(self, table: Table, since: datetime) -> Iterator[dg.EventLogRecord]:
        newest_first = paged(
            lambda at: self._instance.fetch_materializations(table.key, limit=_PAGE, cursor=at)
        )
        return back_to(since, keys.SYNC_ENDED_AT, newest_first)

    def _noted(self, table: Table, since: datetime) -> Iterator[Report]:
        for record in observations_since(self._instance, table.key, since):
            event = record.asset_observation
            metadata = event.metadata if event else {}
            report = end_in(table, metadata, record.run_id)
            yield from () if report is None else (report,)

    def _failures(self, table: Table, since: datetime) -> TableReports:
        check, first = dg.AssetCheckKey(table.key, SYNC_CHECK), (since - CLOCK_SLACK).timestamp()
        storage, cursor, left = self._instance.event_log_storage, None, self._most
        reports: list[Report] = []
        while True:
            size = min(_PAGE, left)
            records = storage.get_asset_check_execution_history(check, limit=size, cursor=cursor)
            recent = [each for each in records if each.create_timestamp >= first]
            reports += filter(None, (_failure(table, each.event, each.run_id) for each in recent))
            left -= len(records)
            if len(recent) < size:
                return TableReports(tuple(reports))
            if not left:
                return TableReports(tuple(reports), failures_since=records[-1].create_timestamp)
            cursor = records[-1].id


def _first_end(jobs: Iterable[Job]) -> datetime:
    return min((job.ended_at for job in jobs if job.ended_at), default=BEFORE_ALL)


def _failure(table: Table, entry: dg.EventLogEntry | None, run_id: str) -> Report | None:
    event = entry.dagster_event if entry else None
    said = event.event_specific_data if event is not None else None
    if not isinstance(said, dg.AssetCheckEvaluation) or said.passed:
        return None
    return report_in(table, said.metadata, run_id)


def known_last(
    events: EventLog | str | None, assets: Assets, last: Iterable[Job], skew: timedelta
) -> tuple[Known | None, str | None]:
    """What was said last of the assets, or None and the reason why that is not known.

    `last` are the last finished jobs of their connections, as Airbyte names them.
    """
    if not isinstance(events, EventLog):
        return None, events
    last = list(last)
    said = {job.connection_id for job in last}
    unsaid = {each: own for each, own in assets.tables.items() if each not in said}
    questions = [
        q for job in last for q in questions_of(job, assets.tables.get(job.connection_id, ()))
    ]
    try:
        return events.known(assets.all_tables, assets.checked, skew, questions, unsaid), None
    except Exception as error:
        # As below: a storage raises what it will.
        return None, unreadable(error)


@contextmanager
def event_log(*, wanted: bool) -> Iterator["EventLog | str | None"]:
    """The event log of DAGSTER_HOME; a sentence in its place if there is none; None if unwanted."""
    if not wanted:
        yield None
        return
    if not os.environ.get("DAGSTER_HOME"):
        yield NO_HOME
        return
    try:
        instance = dg.DagsterInstance.get()
    except Exception as error:
        # Whatever its storage, and the library of that, raise: a password, a port, a file.
        yield unreadable(error)
        return
    with instance:
        yield EventLog(instance)
