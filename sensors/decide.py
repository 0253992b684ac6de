"""Decides what a tick reports, and what waits for a later one. Pure: records in, records out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest

import dagster as dg

from dagster_airbyte_sync.assets.events.claims import Followers
from dagster_airbyte_sync.assets.events.event_log_facts import EventLogFacts
from dagster_airbyte_sync.assets.events.ledger import Ledger
from dagster_airbyte_sync.assets.events.owed import Owed, Share, owed_by
from dagster_airbyte_sync.assets.events.sync_events import (
    Event,
    FinishedSync,
    events_of,
    in_reporting_order,
    tables_of_job,
)
from dagster_airbyte_sync.assets.events.table_history import Question
from dagster_airbyte_sync.assets.tables.keys import DATA_VERSION_TAG
from dagster_airbyte_sync.assets.tables.matching import with_streams_of_tables
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import Job
from dagster_airbyte_sync.sensors.cursor.pending import JobKey, Pending, Reason, job_key
from dagster_airbyte_sync.sensors.live_runs import LiveRun


@dataclass(frozen=True)
class Limits:
    """How much one tick may report: events, and bytes of them as they are sent to the daemon.

    `hold` is how long (seconds) a finished job waits for the live run that is to report it, and
    `grace` for a run that is over, whose step may live on.
    """

    hold: float
    grace: float
    # Dagster stores 20 to 80 events a second after the tick, in the thread all sensors share.
    events: int = 250
    # gRPC takes 100 MB, and the table of 240 columns makes an event of 50 kB.
    bytes: int = 8_000_000


@dataclass(frozen=True)
class TickInputs:
    """All a tick has read: the tables of each connection, live runs, and what has been reported.

    `tables` has every connection of the new jobs, if only with none: what is missing would be lost.
    `unreadable` are connections whose tables cannot be known now. `checked` are the assets that
    have the check, `pending` is with which job each connection waits (`now` in epoch seconds).
    `is_final` if there is no time for further questions.
    """

    tables: Mapping[str, Sequence[Table]]
    live_runs: Sequence[LiveRun]
    facts: EventLogFacts
    checked: frozenset[dg.AssetKey]
    pending: Mapping[str, Pending]
    now: int
    limits: Limits
    job_url: Callable[[Job], str]
    unreadable: frozenset[str] = frozenset()
    is_final: bool = False

    @property
    def ledger(self) -> Ledger:
        return self.facts.ledger

    def followers(self, job: Job) -> Followers:
        return self.facts.followers.get(job.id, Followers())


@dataclass(frozen=True)
class ReportedSync:
    """A finished job that has something to report outside of a run: for which assets, by which
    events.

    `is_ours` is False for a job that a run has reported and only its checks are missing. Of a job
    of ours `events` is empty if an earlier tick stored them but died before its cursor moved.
    `is_whole` is False if the rest of its tables is left to the next tick. `taken_from` is the run
    that should have reported it but was waited for long enough; `may_repeat` one that may have
    reported it without naming it, though that cannot be known.
    """

    sync: FinishedSync
    keys: tuple[dg.AssetKey, ...]
    events: tuple[Event, ...]
    is_ours: bool = True
    is_whole: bool = True
    taken_from: str | None = None
    may_repeat: str | None = None

    @property
    def triggers_runs(self) -> bool:
        """Whether the sensor reports fresh tables here, so that what follows may run."""
        return self.is_ours and self.sync.job.wrote_tables

    @property
    def tables(self) -> int:
        """How many tables it is reported for in this tick."""
        return len({event.asset_key for event in self.events})


@dataclass(frozen=True)
class Decision:
    """What becomes of the new jobs of a scan: reported now, waiting, or left for the next tick.

    A job in none of them has nothing to report: no asset stands for its streams. `left` begins with
    a job that is also in `reported` if it is reported in part. Of `unreadable` connections nothing
    is reported because their tables cannot be known now; `graced` are those of the waiting
    jobs that wait for a step that may live on. With `questions`, or jobs of which nobody has looked
    up who follows them, the decision is not certain yet.
    """

    reported: tuple[ReportedSync, ...] = ()
    waiting: tuple[Job, ...] = ()
    left: tuple[Job, ...] = ()
    unreadable: frozenset[str] = frozenset()
    graced: frozenset[JobKey] = frozenset()
    questions: tuple[Question, ...] = ()
    claims_to_read: tuple[tuple[Table, Job], ...] = ()

    @property
    def is_certain(self) -> bool:
        return not (self.questions or self.claims_to_read)

    @property
    def events(self) -> int:
        return sum(len(reported.events) for reported in self.reported)


class _Full(Exception):
    """Raised when the tick can take no more: the job at hand is left, with all that follow."""


@dataclass
class _Reporter:
    """What has been decided so far in one tick."""

    known: TickInputs
    ledger: Ledger
    reported: list[ReportedSync] = field(default_factory=list)
    waiting: list[Job] = field(default_factory=list)
    graced: set[JobKey] = field(default_factory=set)
    questions: list[Question] = field(default_factory=list)
    claims_to_read: list[tuple[Table, Job]] = field(default_factory=list)
    blocked: set[str] = field(default_factory=set)
    events: int = 0
    bytes: int = 0

    def take(self, job: Job) -> None:
        """Report the job, or let it wait, and with it the later jobs of its connection."""
        if self._waits_for_others(job):
            self._wait(job)
        else:
            self._take(job)

    def _take(self, job: Job) -> None:
        of_connection = self.known.tables[job.connection_id]
        job = with_streams_of_tables([table.stream for table in of_connection], job)
        tables = in_reporting_order(tables_of_job(job, of_connection))
        most = self.known.limits.events - self.events
        owed = owed_by(job, tables, self.ledger, self.known.checked, most)
        self._look_for_followers(job, of_connection, owed)
        if self._lacks_answers(job, owed) or self._waits_for_a_run(job, owed):
            self._wait(job)
        elif tables:
            self._report(job, tables, owed)

    def _lacks_answers(self, job: Job, owed: Owed) -> bool:
        """Whether time is up before anything is certain: other connections need not wait for it."""
        if not self.known.is_final:
            return False
        is_unfollowed = any(job is asked for _, asked in self.claims_to_read)
        return is_unfollowed or (bool(owed.questions) and not owed.certain)

    def _look_for_followers(self, job: Job, tables: Sequence[Table], owed: Owed) -> None:
        """Ask who follows the job, unless nothing depends on it."""
        known = self.known
        is_settled = not job.wrote_tables or _reported_by(job, tables, known) is not None
        if job.id in known.facts.followers or (is_settled and not owed.shares):
            return
        defined = next((table for table in tables if table.is_defined), None)
        if defined is None:
            return
        self.claims_to_read.append((defined, job))

    def _wait(self, job: Job) -> None:
        self.blocked.add(job.connection_id)
        self.waiting.append(job)

    def _waits_for_others(self, job: Job) -> bool:
        return job.connection_id in self.blocked or job.connection_id in self.known.unreadable

    def _waits_for_a_run(self, job: Job, owed: Owed) -> bool:
        if not (owed.marks and job.wrote_tables):
            return False
        since = _unclaimed_since(job, self.known, self.ledger)
        if since is not None:
            waited = max(self._waited(job), self.known.now - since)
            return waited < self.known.limits.hold
        is_over = self.known.followers(job).orphan is not None
        if is_over and self._waited(job, Reason.GRACE) < self.known.limits.grace:
            self.graced.add(job_key(job))
            return True
        return False

    def _waited(self, job: Job, reason: Reason | None = None) -> int:
        """For how many seconds the job has waited, for that reason or for any."""
        first = self.known.pending.get(job.connection_id)
        if first is None or first.job != job_key(job) or reason not in (None, first.reason):
            return 0
        return self.known.now - first.since

    def _report(self, job: Job, tables: Sequence[Table], owed: Owed) -> None:
        known = self.known
        self.questions.extend(owed.questions)
        if not known.is_final and (self.questions or self.claims_to_read):
            # What is asked is decided again: events are made when all is certain.
            self.events += sum(share.marks + share.checks for share in owed.shares)
            if owed.is_cut:
                raise _Full
            return
        shares = owed.certain if known.is_final else owed.shares
        sync = FinishedSync(job, known.job_url(job), self.known.followers(job).started_by)
        events, fitting = self._fitting(sync, shares)
        is_whole = fitting == len(owed.shares) and not owed.is_cut
        if known.is_final and owed.questions:
            is_whole = False
        self._note(sync, tables, owed, events, is_whole=is_whole)
        if not is_whole:
            raise _Full

    def _note(
        self,
        sync: FinishedSync,
        tables: Sequence[Table],
        owed: Owed,
        events: Sequence[Event],
        *,
        is_whole: bool,
    ) -> None:
        job = sync.job
        is_owed = any(share.table.is_defined and _is_own(job, share) for share in owed.shares)
        ours = is_owed or _is_ours(job, tables, self.known)
        if events or (is_whole and ours and job.wrote_tables):
            keys = tuple(table.key for table in tables if table.is_defined)
            reported = ReportedSync(sync, keys, tuple(events), ours, is_whole)
            self.reported.append(self._beside_runs(reported, owed) if owed.marks else reported)
        self.events += len(events)
        self.ledger = _after(self.ledger, job, events)

    def _beside_runs(self, reported: ReportedSync, owed: Owed) -> ReportedSync:
        """With the runs that should have reported the job, or may have."""
        job, ledger = reported.sync.job, self.known.ledger
        holding = [run.run_id for run in _holding(job, self.known, self.ledger)]
        taken_from = holding[0] if holding else self.known.followers(job).orphan
        histories = (ledger.history.get(s.table.key) for s in owed.shares if s.marks)
        may_have = (history.may_have(job, ledger.skew) for history in histories if history)
        may_repeat = next(filter(None, may_have), None) if job.wrote_tables else None
        return replace(reported, taken_from=taken_from, may_repeat=may_repeat)

    def _fitting(self, sync: FinishedSync, shares: Sequence[Share]) -> tuple[list[Event], int]:
        """The events of as many shares as there is room for, and how many those are."""
        limits, fitting = self.known.limits, list[Event]()
        for place, share in enumerate(shares):
            events = events_of(sync, share, self.ledger)
            size = sum(len(dg.serialize_value(event)) for event in events)
            is_first = not (fitting or self.events)
            is_full = (
                self.events + len(fitting) + len(events) > limits.events
                or self.bytes + size > limits.bytes
            )
            if is_full and not is_first:
                return fitting, place
            fitting += events
            self.bytes += size
        return fitting, len(shares)


def decide(new: Sequence[Job], known: TickInputs) -> Decision:
    """Sort new jobs, given in the order of their end, until there is enough for a tick.

    A job waits for a run that is about to report it. The later jobs of its connection wait with it,
    so that each table hears of its jobs in order.
    """
    reporter = _Reporter(known, known.ledger)
    left: Sequence[Job] = ()
    for place, job in enumerate(new):
        try:
            reporter.take(job)
        except _Full:
            left = new[place:]
            break
    return Decision(
        tuple(reporter.reported),
        tuple(reporter.waiting),
        tuple(left),
        known.unreadable,
        frozenset(reporter.graced),
        _in_turn(reporter.questions),
        tuple(reporter.claims_to_read),
    )


def up_to(decision: Decision, place: int, new: Sequence[Job]) -> Decision:
    """The decision without what it reports from that place on, which is left to the next tick."""
    first = job_key(decision.reported[place].sync.job)
    start = next(number for number, job in enumerate(new) if job_key(job) == first)
    left = new[start:]
    kept = {job_key(job) for job in new[:start]}
    return replace(
        decision,
        reported=decision.reported[:place],
        waiting=tuple(job for job in decision.waiting if job_key(job) in kept),
        left=tuple(left),
    )


def _holding(job: Job, known: TickInputs, ledger: Ledger) -> list[LiveRun]:
    """The live runs that may still report the job."""
    tables = known.tables[job.connection_id]
    return [run for run in known.live_runs if run.holds(job, tables, ledger)]


def _unclaimed_since(job: Job, known: TickInputs, ledger: Ledger) -> float | None:
    """Since when a live run holds the job without saying which job is its own, or now; or None.

    So a run that hangs there does not hold each job of its connection anew.
    """
    tables = known.tables[job.connection_id]
    begun = [run.unclaimed_since(tables) for run in _holding(job, known, ledger)]
    # Another one may still be in time.
    return max((since if since is not None else known.now for since in begun), default=None)


def _is_own(job: Job, share: Share) -> bool:
    """Whether the share is more than the check of a table that a run has reported."""
    return share.marks or not job.wrote_tables


def _is_ours(job: Job, tables: Sequence[Table], known: TickInputs) -> bool:
    """Whether a sensor, not a run, reported the job: the runs that follow it may still be owed.

    Who started it says little: a run reports syncs that it found running, and leaves others to us.
    """
    reporter = _reported_by(job, tables, known)
    # Where a later job was reported since, the ledger forgot by whom: who starts one, reports it.
    return known.followers(job).started_by is None if reporter is None else reporter == ""


def _reported_by(job: Job, tables: Sequence[Table], known: TickInputs) -> str | None:
    """The run that reported the job for a table of its, "" for a sensor; None if none is known."""
    ledger, keys = known.ledger, [table.key for table in tables if table.is_defined]
    run_ids = [ledger.last[key].run_id for key in keys if ledger.is_last(key, job)]
    if run_ids:
        return min(run_ids)
    return next(filter(None, (ledger.unnamed_report(key, job) for key in keys)), None)


def _in_turn(questions: Iterable[Question]) -> tuple[Question, ...]:
    """One question of each job, then a second of each: no job takes all the time of the others."""
    by_job: dict[int, list[Question]] = {}
    for question in questions:
        by_job.setdefault(question.job.id, []).append(question)
    turns = zip_longest(*by_job.values())
    return tuple(question for turn in turns for question in turn if question is not None)


def _after(ledger: Ledger, job: Job, events: Sequence[Event]) -> Ledger:
    for event in events:
        if isinstance(event, dg.AssetMaterialization):
            version = (event.tags or {})[DATA_VERSION_TAG]
            ledger = ledger.after(event.asset_key, job.ref, version)
    return ledger
