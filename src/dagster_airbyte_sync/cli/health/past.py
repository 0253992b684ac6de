"""Asks Airbyte and Dagster for the syncs of a time, as `history` and `report` need them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import takewhile

from dagster_airbyte_sync.cli.health.event_log import EventLog
from dagster_airbyte_sync.cli.health.history.rows import (
    HistoryRow,
    Reports,
    Wanted,
    history_rows,
    wanted_of,
)
from dagster_airbyte_sync.cli.health.notes import last_known_note, public_note, strange_note
from dagster_airbyte_sync.cli.health.reports import jobs_reported
from dagster_airbyte_sync.cli.health.subject import Assets, Subject, connections_of
from dagster_airbyte_sync.cli.mistakes import Mistake, sentence_of, unreadable
from dagster_airbyte_sync.cli.times import Span, When, span_of
from dagster_airbyte_sync.resources import (
    AirbyteError,
    AirbyteSettingsError,
    Catalog,
    Connection,
)


@dataclass(frozen=True)
class Past:
    """The finished jobs that ended from `since` on and before `until`, oldest first (Airbyte's
    clock).

    `error` says why Airbyte could not be asked, and then they are those that were reported.
    """

    rows: Sequence[HistoryRow]
    connections: Mapping[str, Connection]
    since: datetime
    until: datetime
    notes: Sequence[str] = ()
    error: str | None = None


def read_past(
    subject: Subject,
    events: EventLog | str | None,
    patterns: Sequence[str],
    since: When,
    until: When | None = None,
) -> Past:
    """All of it: Airbyte's jobs in pages, and up to three queries for each connection.

    Raises AirbyteSettingsError, and any AirbyteError if there is nothing to show in its place.
    """
    catalog: Catalog | None = None
    try:
        catalog = subject.client.catalog()
        return _from_airbyte(subject, catalog, events, patterns, since, until)
    except AirbyteSettingsError:
        raise
    except AirbyteError as error:
        assets = subject.assets(catalog)
        if not assets.tables or not isinstance(events, EventLog):
            raise
        span, said = span_of(since, until, datetime.now(timezone.utc)), sentence_of(error)
    try:
        known = connections_of(assets) if catalog is None else catalog.connections
        chosen = subject.chosen(known, patterns, said if catalog is None else None)
        return _from_dagster(assets.of(chosen), chosen, events, span, said)
    except Mistake:
        raise
    except Exception as failure:
        # Whatever its storage raises.
        raise Mistake(f"{said} {unreadable(failure)}") from None


def _from_airbyte(
    subject: Subject,
    catalog: Catalog,
    events: EventLog | str | None,
    patterns: Sequence[str],
    since: When,
    until: When | None,
) -> Past:
    span = span_of(since, until, subject.client.server_time())
    chosen = subject.chosen(catalog.connections, patterns)
    history = subject.client.finished_jobs(span.since)
    # They come by their ends, and what comes after is not asked for.
    ended = takewhile(lambda job: job.ended_at is None or job.ended_at < span.until, history)
    found = (job for job in ended if span.has(job.ended_at))
    jobs = [job for job in found if job.connection_id in chosen or not patterns]
    assets = subject.assets(catalog)
    skew = span.now - datetime.now(timezone.utc)
    reports, note = _reports(events, wanted_of(jobs, assets.tables), assets, skew)
    rows = history_rows(jobs, catalog.connections, assets.tables, reports)
    knows = reports is None or any(each.reports for each in reports.by_table.values())
    strange = strange_note(jobs, is_by_default=subject.definitions is None, knows=knows)
    notes = [each for each in (public_note(jobs), note, assets.note, strange) if each]
    return Past(rows, chosen, span.since, span.seen_until, notes)


def _reports(
    events: EventLog | str | None, wanted: Sequence[Wanted], assets: Assets, skew: timedelta
) -> tuple[Reports | None, str | None]:
    if not isinstance(events, EventLog):
        return None, events
    try:
        read = {each.table.key: events.of_jobs(each.table, each.jobs) for each in wanted}
    except Exception as error:
        # Whatever its storage raises.
        return None, unreadable(error)
    return Reports(read, assets.checked, skew), None


def _from_dagster(
    assets: Assets,
    chosen: Mapping[str, Connection],
    events: EventLog,
    span: Span,
    error: str,
) -> Past:
    """What was reported of each connection's last table, up to the last report."""
    jobs, read = [], {}
    for connection_id, tables in assets.tables.items():
        table = max(tables, key=lambda each: each.stream.sort_key())
        read[table.key] = events.since(table, span.since)
        reported = jobs_reported(connection_id, read[table.key].reports)
        jobs += [job for job in reported if span.has(job.ended_at)]
    jobs.sort(key=lambda job: (job.ended_at or span.since, job.id))
    rows = history_rows(jobs, chosen, assets.tables, Reports(read, assets.checked))
    until = jobs[-1].ended_at if jobs else None
    notes = [last_known_note(None)]
    return Past(rows, chosen, span.since, until or span.seen_until, notes, error)
