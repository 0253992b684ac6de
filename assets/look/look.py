"""One look at a workspace or a connection: two requests, and what checks say by their answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf

import dagster as dg

from dagster_airbyte_sync.assets.checks.check_settings import CONNECTION_CHECK, SCHEMA_CHECK
from dagster_airbyte_sync.assets.checks.last_evaluation import LastEvaluation, is_old
from dagster_airbyte_sync.assets.event_log.evaluations import Evaluations
from dagster_airbyte_sync.assets.events.job_details import PATIENCE
from dagster_airbyte_sync.assets.events.ledger import LastReported, Ledger
from dagster_airbyte_sync.assets.look.connection_now import (
    ConnectionNow,
    Said,
    connection_verdict,
)
from dagster_airbyte_sync.assets.look.schema_now import schema_verdicts
from dagster_airbyte_sync.assets.look.timetable import is_other, timetable_of
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import (
    NO_LIMIT,
    AirbyteClient,
    Catalog,
    Connection,
    Job,
    Pages,
    TimeBudget,
)

# By check of a table, what it says.
Answers = Mapping[dg.AssetCheckKey, Said]


@dataclass(frozen=True)
class Look:
    """All connections of a workspace, or one, and their jobs that wait or run, at one moment of its
    clock."""

    catalog: Catalog
    unfinished: Mapping[str, tuple[Job, ...]]
    now: datetime

    @classmethod
    def read(cls, client: AirbyteClient, budget: TimeBudget = NO_LIMIT) -> "Look":
        """Two requests where the Configuration API is open and lists fit on a page.

        Raises AirbyteError.
        """
        catalog = client.connections(budget)
        unfinished: dict[str, tuple[Job, ...]] = {}
        for job in client.unfinished_jobs(budget):
            unfinished[job.connection_id] = (*unfinished.get(job.connection_id, ()), job)
        return cls(catalog, unfinished, client.server_time(budget))

    @classmethod
    def read_one(cls, client: AirbyteClient, connection_id: str) -> "Look":
        """The same of one connection alone. Raises AirbyteError, also for an answer that does not
        come within 10 seconds."""
        catalog = client.connections_with(connection_id, TimeBudget(PATIENCE))
        # Of what is gone there are no jobs to ask for.
        is_there = bool(catalog.connections)
        jobs = client.unfinished_jobs(TimeBudget(PATIENCE), connection_id) if is_there else []
        now = client.server_time(TimeBudget(PATIENCE))
        return cls(catalog, {connection_id: tuple(jobs)}, now)

    def connection(self, connection_id: str) -> Connection | None:
        return self.catalog.connections.get(connection_id)

    def is_known(self, connection_id: str, workspace_id: str | None = None) -> bool:
        """Whether it is listed, or is sure to be gone: not so if nothing of its workspace, of an
        instance that has several, may be read now."""
        places = self.catalog.workspaces
        if connection_id in self.catalog.connections:
            return True
        is_away = workspace_id is not None and bool(places) and workspace_id not in places
        return self.catalog.is_whole and not is_away

    def answers(
        self,
        tables: Sequence[Table],
        ledger: Ledger,
        said_before: Evaluations,
        *,
        last_sync_end: datetime | None = None,
        watched_since: datetime | None = None,
    ) -> Answers:
        """What both checks say of each of the tables, which are all of one connection.

        `said_before` are their last evaluations. A sync is known to have ended at `last_sync_end`,
        beside those that are reported.
        """
        connection_id = tables[0].connection_id
        reported = [last for table in tables if (last := ledger.last.get(table.key))]
        newest = max(reported, key=lambda last: last.stored_at, default=LastReported())
        ends = [last_sync_end, *(_end_of(last, ledger) for last in reported)]
        connection, said = self.connection(connection_id), [said_before[t.key] for t in tables]
        before = [each[CONNECTION_CHECK] for each in said if CONNECTION_CHECK in each]
        timetable = timetable_of(connection, before, self.now)
        now = ConnectionNow(
            connection,
            self.now,
            self.unfinished.get(connection_id, ()),
            max(filter(None, ends), default=None),
            watched_since,
            newest.durations,
            has_columns=self.catalog.read_from == "configuration",
            scheduled_since=timetable.since,
        )
        of_connection = connection_verdict(now)._replace(timetable=timetable)
        schemas = schema_verdicts(tables, now)
        return {
            dg.AssetCheckKey(table.key, name): said
            for table in tables
            for name, said in (
                (CONNECTION_CHECK, of_connection),
                (SCHEMA_CHECK, schemas[table.key]),
            )
        }


def _end_of(last: LastReported, ledger: Ledger) -> datetime | None:
    """When the newest sync that is reported ended, or if no job is named, was materialized."""
    named = last.newest.ended_at if last.newest else None
    return named or ledger.when_stored(last)


def look_metadata(
    table: Table, said: Said, last: LastEvaluation | None, pages: Pages, now: datetime
) -> dict[str, keys.Entry]:
    """What an evaluation has beside its text; `last` is what the check said before."""
    verdict = said.verdict
    known: dict[str, keys.Entry | None] = {
        keys.CONNECTION_URL: dg.MetadataValue.url(pages.connection(table.connection_id)),
        keys.CONNECTION_NAME: keys.text_in(table.spec.metadata, keys.CONNECTION_NAME),
        keys.SINCE: None if verdict.passed else keys.timestamp(_since(said, last, now)),
        keys.VERDICT: verdict.reason,
    }
    if said.timetable is not None:
        known[keys.SCHEDULE] = said.timetable.words
        known[keys.TIMETABLE] = said.timetable.key
        known[keys.SCHEDULED_SINCE] = keys.timestamp(said.timetable.since)
    if said.job is not None:
        known[keys.JOB_ID] = str(said.job.id)
        known[keys.JOB_STATUS] = said.job.status.value
        known[keys.JOB_URL] = dg.MetadataValue.url(pages.job(said.job))
    return {key: value for key, value in known.items() if value is not None}


def _since(said: Said, last: LastEvaluation | None, now: datetime) -> datetime:
    """Since when it is so, or was first seen to be so where Airbyte does not say that."""
    if said.since is not None:
        return said.since
    is_old = last is not None and last.since is not None and last.state == said.verdict.reason
    return last.since if last and last.since and is_old else now


# For what is about to be stored outside of runs: later than all that is.
REPORTED_NOW = LastReported(stored_at=inf)


def must_be_stored(
    said: Said, last: LastEvaluation | None, reported: LastReported | None, now: float
) -> bool:
    """Whether the evaluation is news, or Dagster would show none for the last materialization.

    A run at work evaluates by itself what it has planned. `now` is in epoch seconds.
    """
    if last is not None and last.is_live:
        return False
    if last is None or not last.says(said.verdict) or is_old(last, now):
        return True
    if said.timetable is not None and is_other(said.timetable.key, last):
        # From its change on lateness counts, however long ago the last sync is.
        return True
    return reported is not None and not _is_shown_for(reported, last)


def _is_shown_for(reported: LastReported, last: LastEvaluation) -> bool:
    """Dagster shows one of the same run, or outside of runs both; one of a run for what was the
    last as its step began, and one that names none for what was stored before it."""
    if last.run_id == reported.run_id:
        return True
    target = last.event.target_materialization_data if last.event else None
    if target is not None:
        return target.timestamp >= reported.stored_at
    return last.stored_at > reported.stored_at
