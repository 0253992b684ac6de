"""Decides what a tick reports, and what waits for a later one. Pure: records in, records out
(`decision.py`)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest

import dagster as dg

from dagster_airbyte_sync.assets.events.event_size import size_of
from dagster_airbyte_sync.assets.events.finished_sync import (
    MOST_LOGS,
    FinishedSync,
    in_reporting_order,
    tables_of_job,
)
from dagster_airbyte_sync.assets.events.job_details import JobDetails
from dagster_airbyte_sync.assets.events.ledger import Ledger
from dagster_airbyte_sync.assets.events.owed import Owed, Share, owed_by
from dagster_airbyte_sync.assets.events.sync_events import Event, events_of, ledger_after
from dagster_airbyte_sync.assets.events.table_history import Question
from dagster_airbyte_sync.assets.tables.matching import with_streams_of_tables
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import Job
from dagster_airbyte_sync.sensors.cursor.pending import JobKey, Reason, job_key
from dagster_airbyte_sync.sensors.decision import Decision, ReportedSync, TickInputs
from dagster_airbyte_sync.sensors.reading.live_runs import LiveRun


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
    outcomes_to_read: list[Job] = field(default_factory=list)
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
        outcomes = self.known.outcomes
        if outcomes.may_say_more_of(job, self._waited(job)):
            # As if all were complete: nothing but that can depend on the answer.
            possible = outcomes.at_best(job, tables)
            owed = self._owed_by(possible, tables)
            if owed.marks:
                return self._ask_for_outcomes(possible, of_connection, owed)
        job = outcomes.applied_to(job, of_connection)
        owed = self._owed_by(job, tables)
        self._look_for_followers(job, of_connection, owed)
        if self._lacks_answers(job, owed) or self._waits_for_a_run(job, owed):
            self._wait(job)
        elif tables:
            self._report(job, tables, owed)

    def _owed_by(self, job: Job, tables: Sequence[Table]) -> Owed:
        most = self.known.limits.events - self.events
        return owed_by(job, tables, self.ledger, self.known.checked, most)

    def _ask_for_outcomes(self, job: Job, of_connection: Sequence[Table], owed: Owed) -> None:
        """Ask how far the streams of the job came, unless it waits anyway, or for the answer."""
        self._look_for_followers(job, of_connection, owed)
        is_unfollowed = any(job is asked for _, asked in self.claims_to_read)
        if is_unfollowed and not self.known.is_final:
            return
        is_over = self.known.is_final or not self.known.outcomes.can_ask_for(job)
        if is_over or self._waits_for_a_run(job, owed):
            return self._wait(job)
        self.outcomes_to_read.append(job)
        self.events += len(owed.shares)
        if owed.is_cut:
            raise _Full

    def _lacks_answers(self, job: Job, owed: Owed) -> bool:
        """Whether time is up before anything is certain: other connections need not wait for it."""
        if not self.known.is_final:
            return False
        is_unfollowed = any(job is asked for _, asked in self.claims_to_read)
        return is_unfollowed or (bool(owed.questions) and not owed.certain)

    def _look_for_followers(self, job: Job, tables: Sequence[Table], owed: Owed) -> None:
        """Ask who follows the job, unless nothing depends on it."""
        known = self.known
        is_settled = not job.made_any_fresh or _reported_by(job, tables, known) is not None
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
        connection_id = job.connection_id
        if connection_id in self.blocked or connection_id in self.known.unreadable:
            return True
        # Done without a table that is newer than the definitions, it would be lost to that.
        first = self.known.pending.get(connection_id)
        waited = 0 if first is None else self.known.now - first.since
        return connection_id in self.known.outdated and waited < self.known.limits.catalog

    def _waits_for_a_run(self, job: Job, owed: Owed) -> bool:
        # Runs report what made tables fresh, and clears; how others failed they leave to us.
        if not owed.marks:
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
        is_open = self.questions or self.claims_to_read or self.outcomes_to_read
        if not known.is_final and is_open:
            # What is asked is decided again: events are made when all is certain.
            self.events += len(owed.shares)
            if owed.is_cut:
                raise _Full
            return
        shares = owed.certain if known.is_final else owed.shares
        details = known.details.get(job_key(job), JobDetails())
        starter, reporter = known.followers(job).started_by, known.reporter
        sync = FinishedSync(job, known.job_url(job), starter, details, reporter)
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
        if events or (is_whole and ours and job.made_any_fresh):
            keys = self._keys(job, tables, owed)
            reported = ReportedSync(sync, keys, tuple(events), ours, is_whole)
            self.reported.append(self._beside_runs(reported, owed) if owed.marks else reported)
        self.events += len(events)
        self.ledger = ledger_after(self.ledger, job, events, self.known.now)

    def _keys(self, job: Job, tables: Sequence[Table], owed: Owed) -> tuple[dg.AssetKey, ...]:
        if job.complete_streams:
            if not (owed.marks or _is_ours(job, tables, self.known)):
                return ()
            tables = [table for table in tables if job.made_fresh(table.stream)]
        return tuple(table.key for table in tables if table.is_defined)

    def _beside_runs(self, reported: ReportedSync, owed: Owed) -> ReportedSync:
        """With the runs that should have reported the job, or may have."""
        job, ledger = reported.sync.job, self.known.ledger
        holding = [run.run_id for run in _holding(job, self.known, self.ledger)]
        taken_from = holding[0] if holding else self.known.followers(job).orphan
        histories = (ledger.history.get(s.table.key) for s in owed.shares if s.marks)
        may_have = (history.may_have(job, ledger.skew) for history in histories if history)
        may_repeat = next(filter(None, may_have), None) if job.made_any_fresh else None
        return replace(reported, taken_from=taken_from, may_repeat=may_repeat)

    def _fitting(self, sync: FinishedSync, shares: Sequence[Share]) -> tuple[list[Event], int]:
        """The events of as many shares as there is room for, and how many those are."""
        limits, fitting = self.known.limits, list[Event]()
        for place, share in enumerate(shares):
            about = sync if place < MOST_LOGS else sync.without_log
            events = events_of(
                about, share, self.ledger, self.known.now, is_past=self.known.is_past
            )
            size = size_of(events)
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
        tuple(reporter.outcomes_to_read),
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
    return share.marks or not job.made_fresh(share.table.stream)


def _is_ours(job: Job, tables: Sequence[Table], known: TickInputs) -> bool:
    """Whether a sensor, not a run, reported the job: the runs that follow it may still be owed.

    Who started it says little: a run reports syncs that it found running, and leaves others to us.
    """
    reporter = _reported_by(job, tables, known)
    if reporter is None and any(known.ledger.is_noted(table.key, job) for table in tables):
        # Noted by a backfill: nothing became fresh.
        return False
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
