"""Decides what a tick tells, and where the bookmark moves. Pure: records in, records out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import dagster as dg

from dagster_airbyte_sync.assets import (
    DATA_VERSION_TAG,
    Event,
    FinishedSync,
    Ledger,
    Table,
    events_of,
    makes_fresh,
    tables_of_job,
)
from dagster_airbyte_sync.resources import Job
from dagster_airbyte_sync.sensors.bookmark import OVERLAP, Bookmark
from dagster_airbyte_sync.sensors.promises import Promise
from dagster_airbyte_sync.sensors.scan import Scan


@dataclass(frozen=True)
class Known:
    """All a tick has read: the tables of each connection, live runs, and what has been told.

    `started_by` names the Dagster run that declared a job, `checked` the assets that have the
    check, `held` since when a job waits (epoch seconds, as `now`), `hold_limit` how long it may.
    """

    tables: Mapping[str, Sequence[Table]]
    promises: Sequence[Promise]
    ledger: Ledger
    started_by: Mapping[int, str]
    checked: frozenset[dg.AssetKey]
    held: Mapping[int, int]
    now: int
    hold_limit: float
    job_url: Callable[[Job], str]


@dataclass(frozen=True)
class ToldSync:
    """A finished job that is told outside of a run: of which tables, and by which events.

    `events` is empty if an earlier tick stored them all but died before its bookmark moved.
    `taken_from` is a live run that should have told it but was waited for long enough.
    """

    sync: FinishedSync
    keys: tuple[dg.AssetKey, ...]
    events: tuple[Event, ...]
    taken_from: str | None = None

    @property
    def is_fresh(self) -> bool:
        return makes_fresh(self.sync.job)


@dataclass(frozen=True)
class Decision:
    """What becomes of the new jobs of a scan: told now, or waiting for a later tick.

    A job in neither has nothing to tell: a run did, or no asset stands for its streams.
    """

    told: tuple[ToldSync, ...]
    waiting: tuple[Job, ...]


def decide(new: Sequence[Job], known: Known) -> Decision:
    """Sort new jobs, given in the order of their end, into told and waiting.

    A job waits for a live run that is about to report it. The later jobs of its connection wait
    with it, so that each table hears of its jobs in order.
    """
    told: list[ToldSync] = []
    waiting: list[Job] = []
    blocked: set[str] = set()
    ledger = known.ledger
    for job in new:
        tables = tables_of_job(job, known.tables.get(job.connection_id, ()))
        untold = _untold(job, tables, ledger)
        holder = _holder(job, untold, known)
        if job.connection_id in blocked or (holder and _in_time(job, known)):
            blocked.add(job.connection_id)
            waiting.append(job)
        elif untold or (tables and _is_ours(job, tables, known)):
            sync = FinishedSync(job, known.job_url(job), known.started_by.get(job.id))
            events = events_of(sync, tables, untold, ledger, known.checked) if untold else []
            keys = tuple(table.key for table in tables)
            told.append(ToldSync(sync, keys, tuple(events), holder))
            ledger = _after(ledger, job, events)
    return Decision(tuple(told), tuple(waiting))


def _untold(job: Job, tables: Sequence[Table], ledger: Ledger) -> list[Table]:
    """The tables still owed an event. Only what makes a table fresh leaves a mark in the ledger."""
    if not makes_fresh(job):
        return list(tables)
    return [table for table in tables if not ledger.is_told(table.key, job.id)]


def _holder(job: Job, untold: Sequence[Table], known: Known) -> str | None:
    """A live run that may still report the job, or None."""
    if not untold or not makes_fresh(job):
        return None
    of_connection = known.tables.get(job.connection_id, ())
    return next((p.run_id for p in known.promises if p.holds(job, of_connection)), None)


def _in_time(job: Job, known: Known) -> bool:
    return known.now - known.held.get(job.id, known.now) < known.hold_limit


def _is_ours(job: Job, tables: Sequence[Table], known: Known) -> bool:
    """Whether a sensor, not a run, told the job: the runs that follow it may still be owed."""
    if job.id not in known.started_by:
        return True
    last = (known.ledger.last.get(table.key) for table in tables)
    return any(told and told.job_id == job.id and not told.run_id for told in last)


def _after(ledger: Ledger, job: Job, events: Sequence[Event]) -> Ledger:
    for event in events:
        if isinstance(event, dg.AssetMaterialization):
            version = (event.tags or {})[DATA_VERSION_TAG]
            ledger = ledger.after(event.asset_key, job.id, version)
    return ledger


def move(bookmark: Bookmark, scan: Scan, decision: Decision, now: int) -> Bookmark:
    """The bookmark after a tick: as far as was read, but not past a job that waits."""
    waiting = {job.id for job in decision.waiting}
    done = [job for job in scan.jobs if job.id not in waiting]
    since = max((job.ended_at for job in scan.jobs if job.ended_at), default=bookmark.since)
    since = max(since, bookmark.since)
    since = min((job.ended_at for job in decision.waiting if job.ended_at), default=since)
    kept = {job.id for job in done if (job.ended_at or since) >= since - OVERLAP}
    if not scan.complete:
        # What was not read again this time may still lie within the overlap of the next.
        kept |= bookmark.done - {job.id for job in scan.jobs}
    return replace(
        bookmark,
        since=since,
        done=frozenset(kept),
        held={job_id: bookmark.held.get(job_id, now) for job_id in waiting},
    )
