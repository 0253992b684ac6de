"""What Dagster has stored of a run and of a table, a page at a time."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime, timedelta, timezone
from typing import Protocol

import dagster as dg

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.resources import JobRef

# An event is stored after its job has ended, but Dagster's clock and Airbyte's may disagree by
# minutes; what is stored is read back this much further than a time of Airbyte's.
CLOCK_SLACK = timedelta(hours=1)
# What Airbyte gives no time may be as old as anything.
BEFORE_ALL = datetime(1970, 1, 2, tzinfo=timezone.utc)
_PAGE = 50
# So many events in a row must be too old before reading stops: fewer than any first page has.
_PATIENCE = 20


class Page(Protocol):
    """What Dagster returns of its records at once; the type that it has for this is not public."""

    @property
    def records(self) -> Sequence[dg.EventLogRecord]: ...
    @property
    def cursor(self) -> str: ...
    @property
    def has_more(self) -> bool: ...


def paged(fetch: Callable[[str | None], Page]) -> Iterator[dg.EventLogRecord]:
    """The records of all pages; a page is fetched when its first record is asked for."""
    cursor: str | None = None
    while True:
        page = fetch(cursor)
        yield from page.records
        if not page.has_more:
            return
        cursor = page.cursor


def run_events(
    instance: dg.DagsterInstance,
    run_id: str,
    kinds: Set[dg.DagsterEventType],
    *,
    newest_first: bool = False,
) -> Iterator[dg.EventLogRecord]:
    """A run's events of some kinds, in the order in which they were stored or against it."""
    return paged(
        lambda cursor: instance.get_records_for_run(
            run_id, cursor=cursor, of_type=set(kinds), ascending=not newest_first
        )
    )


def observations_since(
    instance: dg.DagsterInstance, table: dg.AssetKey, since: datetime
) -> Iterator[dg.EventLogRecord]:
    """A table's observations, newest first, back to a time of Airbyte's clock and some more."""
    newest_first = paged(lambda at: instance.fetch_observations(table, limit=_PAGE, cursor=at))
    return back_to(since, keys.SYNC_STARTED_AT, newest_first)


def back_to(
    since: datetime, time_key: str, records: Iterable[dg.EventLogRecord]
) -> Iterator[dg.EventLogRecord]:
    """Of a table's records, newest first, at least all that have to do with jobs since a time.

    That is a time of Airbyte's clock. Events are stored in the order of Dagster's, but name jobs in
    any order (a late commit, a `start_from` moved back), so the time of storage says when to stop;
    and, as that clock may be hours behind Airbyte's, Airbyte's own time under `time_key`. Not all
    events have one, users' own least of all, so a single event does not stop the reading.
    """
    until = (since - CLOCK_SLACK).timestamp()

    def is_recent(record: dg.EventLogRecord) -> bool:
        event = record.asset_materialization or record.asset_observation
        airbyte_time = keys.float_in(event.metadata, time_key) if event else None
        return max(record.timestamp, airbyte_time or 0) >= until

    too_old = 0
    for record in records:
        too_old = 0 if is_recent(record) else too_old + 1
        if too_old > _PATIENCE:
            return
        yield record


def job_named_in(metadata: Mapping[str, object], connection_id: str | None) -> JobRef | None:
    """The job an event names, if it is of this connection: another Airbyte may reuse the number.

    Without a connection to compare with, whatever job it names.
    """
    job_id = keys.int_in(metadata, keys.JOB_ID)
    of_connection = keys.text_in(metadata, keys.CONNECTION_ID)
    is_of_another = None not in (connection_id, of_connection) and connection_id != of_connection
    if job_id is None or is_of_another:
        return None
    created = keys.time_in(metadata, keys.JOB_CREATED_AT)
    return JobRef(job_id, created, keys.time_in(metadata, keys.SYNC_ENDED_AT))
