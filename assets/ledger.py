"""What Dagster has already been told about each table: its event log.

The last materialization of all tables is one query. It settles only what is told: Dagster may store
an event and die before it notes it as the table's last one, and events of older jobs may be stored
after a newer one's. So what is not the last one told is looked up in the table's history.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import dagster as dg

from dagster_airbyte_sync.assets import metadata as keys
from dagster_airbyte_sync.assets.run_events import BEFORE_ALL, Page, back_to, paged
from dagster_airbyte_sync.assets.tables import Table
from dagster_airbyte_sync.resources import Job

# Mostly the newest few say it; if they do not, a backlog is being told, and very many are read.
_FIRST_PAGE, _FURTHER_PAGE = 25, 500


@dataclass(frozen=True)
class LastTold:
    """A table's last materialization. `job_id` is None if it was none of ours."""

    job_id: int | None = None
    highest_job_id: int | None = None
    data_version: str | None = None
    run_id: str = ""


@dataclass(frozen=True)
class Ledger:
    """Per asset key: the last materialization (no entry: never), and jobs found in its history."""

    last: Mapping[dg.AssetKey, LastTold]
    history: Mapping[dg.AssetKey, frozenset[int]] = field(default_factory=dict)

    def is_told(self, key: dg.AssetKey, job_id: int) -> bool | None:
        """Whether the table was told of the job; None if its history must be read for that."""
        last = self.last.get(key)
        if last is not None and last.job_id == job_id:
            return True
        return job_id in self.history[key] if key in self.history else None

    def data_version(self, key: dg.AssetKey) -> str | None:
        last = self.last.get(key)
        return last.data_version if last else None

    def highest(self, key: dg.AssetKey) -> int | None:
        last = self.last.get(key)
        return last.highest_job_id if last else None

    def after(self, key: dg.AssetKey, job_id: int, data_version: str) -> "Ledger":
        """The ledger once the job has been told for this table."""
        told = LastTold(job_id, max(job_id, self.highest(key) or job_id), data_version)
        history = {**self.history, key: self.history.get(key, frozenset()) | {job_id}}
        return replace(self, last={**self.last, key: told}, history=history)


def read_ledger(instance: dg.DagsterInstance, tables: Iterable[Table]) -> Ledger:
    """What each of the tables was last told: one query for all of them."""
    connections = {table.key: table.connection_id for table in tables}
    if not connections:
        return Ledger({})
    records = instance.get_asset_records(list(connections))
    found = (
        (record.asset_entry.asset_key, record.asset_entry.last_materialization)
        for record in records
    )
    return Ledger(
        {key: _last_told(entry, connections[key]) for key, entry in found if entry is not None}
    )


def _last_told(entry: dg.EventLogEntry, connection_id: str) -> LastTold:
    materialization = entry.asset_materialization
    if materialization is None:
        return LastTold()
    job_id = _job_id(materialization.metadata, connection_id)
    highest = keys.int_in(materialization.metadata, keys.HIGHEST_JOB_ID)
    return LastTold(
        job_id=job_id,
        highest_job_id=highest or job_id if job_id is not None else None,
        data_version=(materialization.tags or {}).get(keys.DATA_VERSION_TAG),
        run_id=entry.run_id,
    )


def _job_id(metadata: Mapping[str, object], connection_id: str) -> int | None:
    """The job an event tells, if it is of this connection: another Airbyte may reuse the number."""
    connection = keys.text_in(metadata, keys.CONNECTION_ID)
    return keys.int_in(metadata, keys.JOB_ID) if connection in (connection_id, None) else None


def with_history(
    instance: dg.DagsterInstance, ledger: Ledger, asked: Iterable[tuple[Table, Job]]
) -> Ledger:
    """The ledger with the history of every table for which it cannot answer by itself."""
    oldest: dict[dg.AssetKey, tuple[Table, datetime]] = {}
    for table, job in asked:
        if ledger.is_told(table.key, job.id) is None:
            ended = job.ended_at or BEFORE_ALL
            _, before = oldest.get(table.key, (table, ended))
            oldest[table.key] = (table, min(before, ended))
    histories = {key: _told_since(instance, *asked) for key, asked in oldest.items()}
    return replace(ledger, history={**ledger.history, **histories})


def _told_since(instance: dg.DagsterInstance, table: Table, ended_at: datetime) -> frozenset[int]:
    """Ids of the jobs this table was told of, back to when a job had ended."""

    def fetch(cursor: str | None) -> Page:
        limit = _FIRST_PAGE if cursor is None else _FURTHER_PAGE
        return instance.fetch_materializations(table.key, limit=limit, cursor=cursor)

    told: set[int] = set()
    for record in back_to(ended_at, keys.SYNC_ENDED_AT, paged(fetch)):
        found = record.asset_materialization
        job_id = _job_id(found.metadata if found else {}, table.connection_id)
        if job_id is not None:
            told.add(job_id)
    return frozenset(told)
