"""What Dagster has already been told about each table: its event log, read in one query.

The rule: a job is new for a table if its id is higher than any told before, and told if it is the
last one told. In between only the table's history knows (a job that finished late, a
materialization somebody reported by hand), and it is read for just those tables.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import dagster as dg

from dagster_airbyte_sync.assets import metadata as keys
from dagster_airbyte_sync.resources import Job

# Events of one table are stored in the order their jobs ended, but for commits that were late by
# minutes; history is read back this much further than a job's end.
_LATE = timedelta(hours=1)
_HISTORY_PAGE = 100


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
        """Whether the table was told of the job; None if only its history knows."""
        last = self.last.get(key)
        if last is None:
            return False
        if last.job_id == job_id:
            return True
        if last.highest_job_id is not None and job_id > last.highest_job_id:
            return False
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
        history = dict(self.history)
        if key in history:
            history[key] = history[key] | {job_id}
        return replace(self, last={**self.last, key: told}, history=history)


def read_ledger(instance: dg.DagsterInstance, tables: Collection[dg.AssetKey]) -> Ledger:
    """What each of the tables was last told: one query for all of them."""
    if not tables:
        return Ledger({})
    records = instance.get_asset_records(list(tables))
    found = (
        (record.asset_entry.asset_key, record.asset_entry.last_materialization)
        for record in records
    )
    return Ledger({key: _last_told(entry) for key, entry in found if entry is not None})


def _last_told(entry: dg.EventLogEntry) -> LastTold:
    materialization = entry.asset_materialization
    if materialization is None:
        return LastTold()
    job_id = keys.int_in(materialization.metadata, keys.JOB_ID)
    return LastTold(
        job_id=job_id,
        highest_job_id=keys.int_in(materialization.metadata, keys.HIGHEST_JOB_ID) or job_id,
        data_version=(materialization.tags or {}).get(keys.DATA_VERSION_TAG),
        run_id=entry.run_id,
    )


def with_history(
    instance: dg.DagsterInstance, ledger: Ledger, asked: Iterable[tuple[dg.AssetKey, Job]]
) -> Ledger:
    """The ledger with the history of every table for which it cannot answer by itself."""
    oldest: dict[dg.AssetKey, datetime | None] = {}
    for key, job in asked:
        if ledger.is_told(key, job.id) is None:
            ended = (job.ended_at,) if key not in oldest else (job.ended_at, oldest[key])
            oldest[key] = None if None in ended else min(filter(None, ended))
    histories = {key: _told_since(instance, key, back_to) for key, back_to in oldest.items()}
    return replace(ledger, history={**ledger.history, **histories})


def _told_since(
    instance: dg.DagsterInstance, key: dg.AssetKey, back_to: datetime | None
) -> frozenset[int]:
    """Ids of the jobs this table was told of, newest first, back to a time of Airbyte's clock."""
    until = (back_to - _LATE).timestamp() if back_to else float("-inf")
    told: set[int] = set()
    cursor: str | None = None
    while True:
        page = instance.fetch_materializations(key, limit=_HISTORY_PAGE, cursor=cursor)
        for record in page.records:
            found = record.asset_materialization
            metadata = found.metadata if found else {}
            job_id = keys.int_in(metadata, keys.JOB_ID)
            if job_id is not None:
                told.add(job_id)
            ended = keys.float_in(metadata, keys.SYNC_ENDED_AT)
            if ended is not None and ended < until:
                return frozenset(told)
        if not page.has_more:
            return frozenset(told)
        cursor = page.cursor
