"""Past syncs, and what the event log has of each. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import dagster as dg

from dagster_airbyte_sync.assets import Table
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.cli.health.reported import Reported, is_checked, witnesses
from dagster_airbyte_sync.cli.health.reports import Report, TableReports
from dagster_airbyte_sync.resources import Connection, Job, JobType

# Seconds: Airbyte's clock is known to a second or two.
_CLOCK_ERROR = 5.0

# Who started a sync, as far as events of Dagster say so.
DAGSTER, OUTSIDE = "Dagster", "outside"


@dataclass(frozen=True)
class HistoryRow:
    """A finished job. `started_by` are words, or "" if nobody knows."""

    job: Job
    connection_name: str
    reported: Reported = Reported.UNKNOWN
    started_by: str = ""

    @property
    def outcome(self) -> str:
        """Of what succeeded and is no sync, which it was."""
        if not self.job.succeeded:
            return self.job.status.value
        if self.job.type is JobType.CLEAR:
            return "cleared"
        return "refreshed" if self.job.type is JobType.REFRESH else self.job.status.value


@dataclass(frozen=True)
class Wanted:
    """What must be read of one table for some jobs."""

    table: Table
    jobs: tuple[Job, ...]


def wanted_of(jobs: Iterable[Job], tables: Mapping[str, Sequence[Table]]) -> list[Wanted]:
    """The tables to be read to know which jobs were reported: mostly one for each connection."""
    found: dict[dg.AssetKey, tuple[Table, list[Job]]] = {}
    for job in jobs:
        for table in witnesses(job, tables.get(job.connection_id, ())):
            found.setdefault(table.key, (table, []))[1].append(job)
    return [Wanted(table, tuple(own)) for table, own in found.values()]


@dataclass(frozen=True)
class Reports:
    """What was read of each table; `checked` as in `Assets`, `skew` is Airbyte's clock minus
    Dagster's."""

    by_table: Mapping[dg.AssetKey, TableReports]
    checked: frozenset[dg.AssetKey] | None
    skew: timedelta = timedelta(0)


def history_rows(
    jobs: Iterable[Job],
    connections: Mapping[str, Connection],
    tables: Mapping[str, Sequence[Table]],
    reports: Reports | None,
) -> list[HistoryRow]:
    """A row for each job, in their order. Without `reports` nobody knows what was reported."""
    return [_row(job, connections, tables.get(job.connection_id, ()), reports) for job in jobs]


def _row(
    job: Job,
    connections: Mapping[str, Connection],
    tables: Sequence[Table],
    reports: Reports | None,
) -> HistoryRow:
    connection = connections.get(job.connection_id)
    name = connection.name if connection else f"{job.connection_id} (deleted)"
    if reports is None:
        return HistoryRow(job, name)
    for table in witnesses(job, tables):
        return HistoryRow(job, name, *_found(job, table, reports))
    return HistoryRow(job, name, Reported.NOT_DUE)


def _found(job: Job, table: Table, known: Reports) -> tuple[Reported, str]:
    """Whether the job was reported for the table, and who started it, as the report says."""
    read = known.by_table.get(table.key, TableReports())
    report = read.of(job.ref)
    if report is not None:
        return Reported.YES, starter_words(report)
    if not job.succeeded and not is_checked(table, known.checked):
        return Reported.NOT_DUE, ""
    ended = (job.ended_at - known.skew).timestamp() if job.ended_at else 0.0
    # Without a name, or behind what was read.
    may_be_there = (
        read.last_unnamed is not None and read.last_unnamed >= ended
        if job.wrote_tables
        else read.failures_since is not None and ended <= read.failures_since + _CLOCK_ERROR
    )
    return (Reported.UNKNOWN if may_be_there else Reported.NO), ""


def starter_words(report: Report) -> str:
    """Who started the job: a name where the event has one, else Dagster or outside of it."""
    by = keys.text_in(report.metadata, keys.TRIGGERED_BY)
    named = keys.text_in(report.metadata, keys.STARTED_BY)
    return named or {"dagster": DAGSTER, "external": OUTSIDE}.get(by or "", "")


@dataclass(frozen=True)
class Totals:
    """Of some syncs: how many ended how, and what they moved together; None if none says."""

    jobs: int
    outcomes: Mapping[str, int]
    rows: int | None
    bytes: int | None
    duration: timedelta
    unreported: int


def totals(rows: Sequence[HistoryRow]) -> Totals:
    jobs = [row.job for row in rows]
    outcomes: dict[str, int] = {}
    for row in rows:
        outcomes[row.outcome] = outcomes.get(row.outcome, 0) + 1
    return Totals(
        jobs=len(jobs),
        outcomes=outcomes,
        rows=known_sum(job.rows for job in jobs),
        bytes=known_sum(job.bytes for job in jobs),
        duration=sum((job.duration or timedelta(0) for job in jobs), timedelta(0)),
        unreported=sum(row.reported in (Reported.NO, Reported.PARTLY) for row in rows),
    )


def known_sum(values: Iterable[int | None]) -> int | None:
    """Of those that are known; None if there are values, and none is known."""
    each = list(values)
    known = [value for value in each if value is not None]
    return sum(known) if known or not each else None
