"""What Dagster has stored of a run and of a table, a page at a time."""

from collections.abc import Iterator, Set
from datetime import datetime, timedelta

import dagster as dg

# Dagster's clock and Airbyte's may disagree.
_SLACK = timedelta(hours=1)
_PAGE = 50


def run_events(
    instance: dg.DagsterInstance,
    run_id: str,
    kinds: Set[dg.DagsterEventType],
    *,
    newest_first: bool = False,
) -> Iterator[dg.EventLogRecord]:
    """A run's events of some kinds, in the order in which they were stored or against it."""
    cursor: str | None = None
    while True:
        page = instance.get_records_for_run(
            run_id, cursor=cursor, of_type=set(kinds), ascending=not newest_first
        )
        yield from page.records
        if not page.has_more:
            return
        cursor = page.cursor


def observations_since(
    instance: dg.DagsterInstance, table: dg.AssetKey, since: datetime
) -> Iterator[dg.EventLogRecord]:
    """A table's observations, newest first, back to a time of Airbyte's clock and some more."""
    until = (since - _SLACK).timestamp()
    cursor: str | None = None
    while True:
        page = instance.fetch_observations(table, limit=_PAGE, cursor=cursor)
        yield from page.records
        if not page.has_more or page.records[-1].timestamp < until:
            return
        cursor = page.cursor
