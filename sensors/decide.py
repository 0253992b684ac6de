"""Decides what a tick tells, and what waits for a later one. Pure: records in, records out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg

from dagster_airbyte_sync.assets import (
    DATA_VERSION_TAG,
    Event,
    FinishedSync,
    Ledger,
    Table,
    events_of,
    in_words_of,
    makes_fresh,
    tables_of_job,
)
from dagster_airbyte_sync.resources import Job
from dagster_airbyte_sync.sensors.promises import Promise


@dataclass(frozen=True)
class Known:
    """All a tick has read: the tables of each connection, live runs, and what has been told.

    `tables` has every connection of the new jobs, if only with none: what is missing would be lost.
    `unreadable` are connections whose tables cannot be told now; `started_by` names the Dagster run
    that started a job, `checked` the assets that have the check, `held` since when a job waits
    (epoch seconds, as `now`), `hold_limit` how long it may, `most_events` when to stop.
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
    unreadable: frozenset[str] = frozenset()
    most_events: int = 250


@dataclass(frozen=True)
class ToldSync:
    """A finished job that has something to tell outside of a run: of which tables, by which events.

    `is_ours` is False for a job that a run has told and only its checks are missing. Of a job of
    ours `events` is empty if an earlier tick stored them but died before its bookmark moved.
    `taken_from` is a live run that should have told it but was waited for long enough.
    """

    sync: FinishedSync
    keys: tuple[dg.AssetKey, ...]
    events: tuple[Event, ...]
    is_ours: bool = True
    taken_from: str | None = None

    @property
    def makes_fresh(self) -> bool:
        """Whether the sensor tells fresh tables here, so that what follows may run."""
        return self.is_ours and makes_fresh(self.sync.job)


@dataclass(frozen=True)
class Decision:
    """What becomes of the new jobs of a scan: told now, waiting, or left for the next tick.

    A job in none of them has nothing to tell: no asset stands for its streams. `unreadable` are
    connections of which nothing is told because their tables cannot be known now.
    """

    told: tuple[ToldSync, ...] = ()
    waiting: tuple[Job, ...] = ()
    left: tuple[Job, ...] = ()
    unreadable: frozenset[str] = frozenset()


@dataclass
class _Teller:
    """What has been decided so far in one tick."""

    known: Known
    ledger: Ledger
    told: list[ToldSync] = field(default_factory=list)
    waiting: list[Job] = field(default_factory=list)
    blocked: set[str] = field(default_factory=set)
    events: int = 0

    def take(self, job: Job) -> None:
        """Tell the job, or let it wait, and with it the later jobs of its connection."""
        of_connection = self.known.tables[job.connection_id]
        named = in_words_of([table.stream for table in of_connection], job)
        tables = tables_of_job(named, of_connection)
        untold = _untold(job, tables, self.ledger)
        holder = _holder(job, untold, self.known, self.ledger)
        if self._must_wait(job, holder):
            self.blocked.add(job.connection_id)
            self.waiting.append(job)
        elif tables:
            self._tell(named, tables, untold, holder)

    def _must_wait(self, job: Job, holder: str | None) -> bool:
        if job.connection_id in self.blocked or job.connection_id in self.known.unreadable:
            return True
        return holder is not None and _in_time(job, self.known)

    def _tell(
        self, job: Job, tables: Sequence[Table], untold: Sequence[Table], holder: str | None
    ) -> None:
        known = self.known
        ours = bool(untold) or _is_ours(job, tables, known)
        sync = FinishedSync(job, known.job_url(job), known.started_by.get(job.id))
        if untold or not ours:
            events = events_of(sync, tables, untold, self.ledger, known.checked)
        else:
            events = []
        if untold or events or (ours and makes_fresh(job)):
            keys = tuple(table.key for table in tables)
            self.told.append(ToldSync(sync, keys, tuple(events), ours, holder))
        self.events += len(events)
        self.ledger = _after(self.ledger, job, events)


def decide(new: Sequence[Job], known: Known) -> Decision:
    """Sort new jobs, given in the order of their end, until there are enough events for a tick.

    A job waits for a live run that is about to report it. The later jobs of its connection wait
    with it, so that each table hears of its jobs in order.
    """
    teller = _Teller(known, known.ledger)
    left: Sequence[Job] = ()
    for place, job in enumerate(new):
        if teller.events >= known.most_events:
            left = new[place:]
            break
        teller.take(job)
    return Decision(tuple(teller.told), tuple(teller.waiting), tuple(left), known.unreadable)


def _untold(job: Job, tables: Sequence[Table], ledger: Ledger) -> list[Table]:
    """The tables still owed an event.

    Only what makes a table fresh leaves its mark in the ledger. Anything else is owed as long as
    no later job is told: after one, a failure of yesterday would look like the state of today.
    """
    if makes_fresh(job):
        return [table for table in tables if not ledger.is_told(table.key, job.id)]
    return [table for table in tables if (ledger.highest(table.key) or 0) < job.id]


def _holder(job: Job, untold: Sequence[Table], known: Known, ledger: Ledger) -> str | None:
    """A live run that may still report the job, or None."""
    if not untold or not makes_fresh(job):
        return None
    tables = known.tables[job.connection_id]
    return next((p.run_id for p in known.promises if p.holds(job, tables, ledger)), None)


def _in_time(job: Job, known: Known) -> bool:
    return known.now - known.held.get(job.id, known.now) < known.hold_limit


def _is_ours(job: Job, tables: Sequence[Table], known: Known) -> bool:
    """Whether a sensor, not a run, told the job: the runs that follow it may still be owed.

    Who started it says little: a run tells syncs that it found running, and leaves others to us.
    """
    last = (known.ledger.last.get(table.key) for table in tables)
    tellers = [told.run_id for told in last if told and told.job_id == job.id]
    # Where a later job was told since, the ledger has forgotten the teller: who starts, tells.
    return "" in tellers if tellers else job.id not in known.started_by


def _after(ledger: Ledger, job: Job, events: Sequence[Event]) -> Ledger:
    for event in events:
        if isinstance(event, dg.AssetMaterialization):
            version = (event.tags or {})[DATA_VERSION_TAG]
            ledger = ledger.after(event.asset_key, job.id, version)
    return ledger
