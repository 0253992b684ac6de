"""What sensors have stored: the events that belong to no run."""

from collections.abc import Set

import dagster as dg

from dagster_airbyte_sync.assets.events.sync_events import Event


class RunlessEvents:
    """Reads them in the order in which they were stored, each once."""

    def __init__(
        self, instance: dg.DagsterInstance, kinds: Set[dg.DagsterEventType] | None = None
    ) -> None:
        self._instance = instance
        self._kinds = None if kinds is None else set(kinds)
        self._cursor: str | None = None

    def read_on(self) -> list[dg.EventLogRecord]:
        """Those since the last look."""
        records: list[dg.EventLogRecord] = []
        has_more = True
        while has_more:
            page = self._instance.get_records_for_run(
                "", cursor=self._cursor, of_type=self._kinds, limit=5_000
            )
            records += page.records
            self._cursor, has_more = page.cursor, page.has_more
        return records


def event_of(record: dg.EventLogRecord) -> Event:
    """As the sensor returned it."""
    stored = record.event_log_entry.dagster_event
    evaluation = stored.event_specific_data if stored else None
    event = record.asset_materialization or record.asset_observation or evaluation
    assert isinstance(event, Event), event
    return event
