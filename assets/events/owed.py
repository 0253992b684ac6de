"""What a finished job still owes its tables, as far as the event log is known. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

import dagster as dg

from dagster_airbyte_sync.assets.checks.check_settings import (
    CHECKS_OF_SYNCS,
    NO_CHECKS,
    ROWS_CHECK,
    SYNC_CHECK,
    TableChecks,
)
from dagster_airbyte_sync.assets.checks.last_evaluation import (
    lacks_evaluation,
    says_something_of_rows,
)
from dagster_airbyte_sync.assets.events.ledger import Ledger
from dagster_airbyte_sync.assets.events.table_history import Kind, Question
from dagster_airbyte_sync.assets.tables.matching import streams_of
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import Job

# So many tables are looked up one by one.
_FEW = 50

# Questions that leave only the table unclear about which they are, and those behind it.
_OF_TABLES = ("materialization", "past")

# Which checks each table has.
Checked = Mapping[dg.AssetKey, TableChecks]


@dataclass(frozen=True)
class Share:
    """What one table is owed: its materialization or observation, evaluations of checks, or both.

    Of the `checks` beside a mark only those are stored that say something new.
    """

    table: Table
    marks: bool
    checks: TableChecks = NO_CHECKS


@dataclass(frozen=True)
class Owed:
    """The shares of a job in the order in which they are reported.

    `questions` must be answered before the shares are certain; they are about the materializations
    of the `unclear` tables, at least. `is_cut` if more may follow, at which nobody has looked yet.
    """

    shares: tuple[Share, ...] = ()
    questions: tuple[Question, ...] = ()
    is_cut: bool = False
    unclear: frozenset[dg.AssetKey] = frozenset()

    @property
    def marks(self) -> bool:
        return any(share.marks for share in self.shares)

    @property
    def certain(self) -> tuple[Share, ...]:
        """The shares before the first about which there is a question."""
        if any(question.kind not in _OF_TABLES for question in self.questions):
            return ()
        return tuple(takewhile(lambda share: share.table.key not in self.unclear, self.shares))


def owed_by(
    job: Job,
    tables: Sequence[Table],
    ledger: Ledger,
    checked: Checked,
    most: int,
) -> Owed:
    """What the job owes `tables`, which are in reporting order, looking for `most` shares at most.

    A materialization is owed whatever was reported since, unless a backfill has noted the job as
    one of the past. Anything else is owed as long as no later job was: a failure of yesterday would
    look like the state of today.
    """
    if job.wrote_tables:
        return _Fresh(job, ledger, checked).owed(tables, most)
    if job.complete_streams:
        return _of_partial_success(job, tables, ledger, checked, most)
    due = [table for table in tables if _is_newest(job, table, ledger)]
    if job.succeeded:
        # Where Airbyte does not say what was cleared, a red check must not turn green for it.
        is_known = len(tables) == 1 or bool(streams_of(job))
        shares = [
            Share(table, True, _of_ends(table, ledger, checked) if is_known else NO_CHECKS)
            for table in due
        ]
        owed = _from_first(job, shares, ledger, most)
        unread = _unread_evaluations(job, owed.shares, ledger)
        return replace(owed, questions=(*owed.questions, *unread))
    return _of_failure(job, due, ledger, checked, most)


def _of_partial_success(
    job: Job, tables: Sequence[Table], ledger: Ledger, checked: Checked, most: int
) -> Owed:
    """First what the complete tables are owed, as after a success, then what the others are."""
    complete = [table for table in tables if job.made_fresh(table.stream)]
    owed = _Fresh(job, ledger, checked).owed(complete, most)
    if owed.is_cut:
        return owed
    others = [t for t in tables if not job.made_fresh(t.stream) and _is_newest(job, t, ledger)]
    rest = _of_failure(job, others, ledger, checked, most - len(owed.shares))
    shares, questions = (*owed.shares, *rest.shares), (*owed.questions, *rest.questions)
    return Owed(shares, questions, rest.is_cut, owed.unclear)


def _of_ends(table: Table, ledger: Ledger, checked: Checked) -> TableChecks:
    """The checks that a job without fresh tables has something to say to: of rows only that there
    are none, if nothing was ever said of them."""
    checks = checked.get(table.key, NO_CHECKS).among(CHECKS_OF_SYNCS)
    said = ledger.evaluations.get(table.key, {}).get(ROWS_CHECK)
    if says_something_of_rows(said, is_materialized=table.key in ledger.last):
        return checks.among([SYNC_CHECK])
    return checks


def _of_failure(
    job: Job, due: Sequence[Table], ledger: Ledger, checked: Checked, most: int
) -> Owed:
    """What is left of the tables' checks: who died may have stored the first of them."""
    shares = [Share(table, False, _of_ends(table, ledger, checked)) for table in due]
    unread = _unread_evaluations(job, shares, ledger)
    left = [replace(share, checks=_unsaid(job, share, ledger)) for share in shares]
    left = [share for share in left if share.checks.names]
    return Owed(tuple(left[:most]), unread, len(left) > most)


def _unsaid(job: Job, share: Share, ledger: Ledger) -> TableChecks:
    """The checks that were not evaluated for the job yet, nor for a later one."""
    said = ledger.evaluations.get(share.table.key, {})
    names = share.checks.names
    return share.checks.among(
        name for name in names if (last := said.get(name)) is None or not last.is_of(job)
    )


def _unread_evaluations(job: Job, shares: Iterable[Share], ledger: Ledger) -> tuple[Question, ...]:
    unread = (s for s in shares if s.checks.names and s.table.key not in ledger.evaluations)
    return tuple(Question("evaluations", share.table, job) for share in unread)


def _is_newest(job: Job, table: Table, ledger: Ledger) -> bool:
    newest = ledger.newest(table.key)
    if newest is None:
        return not ledger.was_made_since(table.key, job)
    return not (newest.is_same(job.ref) or job.ref.precedes(newest))


@dataclass
class _Fresh:
    """Goes through the tables of a job that made them fresh."""

    job: Job
    ledger: Ledger
    checked: Checked
    shares: list[Share] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    stored: frozenset[dg.AssetKey] = frozenset()
    missing: frozenset[dg.AssetKey] = frozenset()
    unclear: set[dg.AssetKey] = field(default_factory=set)

    def owed(self, tables: Sequence[Table], most: int) -> Owed:
        self._look_behind_the_last(tables)
        self._look_behind_later_ones(tables)
        for table in tables:
            if len(self.shares) >= most:
                return self._owed(is_cut=True)
            self._add(table)
        return self._owed(is_cut=False)

    def _owed(self, *, is_cut: bool) -> Owed:
        self.questions.extend(_unread_evaluations(self.job, self.shares, self.ledger))
        return Owed(tuple(self.shares), tuple(self.questions), is_cut, frozenset(self.unclear))

    def _look_behind_the_last(self, tables: Sequence[Table]) -> None:
        """Find tables for which the job was reported though their last event is of an earlier one.

        A process that died may have stored an event without Dagster noting it as the asset's last.
        And where a run reports the job while an earlier decided tick is being stored, the last
        event is the tick's. Both store in reporting order: the first look-up mostly settles it.
        """
        asked_of = [table for table in tables if self._may_hide_the_job(table)]
        first, asked = first_missing(len(asked_of), lambda place: self._has(asked_of[place]))
        self.stored = frozenset(table.key for table in asked_of[:first])
        self._ask(asked_of, first, asked)

    def _look_behind_later_ones(self, tables: Sequence[Table]) -> None:
        """Find the tables for which the job was reported though their last event is of a later one.

        Few tables are looked up one by one, as `_add` does. Thousands would take more than a tick:
        they were reported in order, so the first without it is looked for. If the last has
        what the first lacks, their order does not help.
        """
        asked_of = [table for table in tables if self._was_overtaken_on(table)]
        if len(asked_of) <= _FEW:
            return
        first, asked = first_missing(len(asked_of), lambda place: self._has(asked_of[place]))
        last = self._has(asked_of[-1]) if first == 0 and asked is None else False
        if last is None:
            asked = len(asked_of) - 1
        self._ask(asked_of, first, asked)
        if not last:
            self.stored |= {table.key for table in asked_of[:first]}
            self.missing = frozenset(table.key for table in asked_of[first:])
            if asked is None:
                self._look_for_notes(asked_of[first:])

    def _look_for_notes(self, tables: Sequence[Table]) -> None:
        """Find those for which a backfill has noted the job: the first of them, if it died."""
        first, asked = first_missing(len(tables), lambda place: self._is_noted(tables[place]))
        self._ask(tables, first, asked, "past")
        self.stored |= {table.key for table in tables[:first]}

    def _ask(
        self,
        tables: Sequence[Table],
        first: int,
        place: int | None,
        kind: Kind = "materialization",
    ) -> None:
        """Ask about the table at the place, if any; all from the first on are unclear till then."""
        if place is not None:
            self.questions.append(Question(kind, tables[place], self.job))
            self.unclear.update(table.key for table in tables[first:])

    def _was_overtaken_on(self, table: Table) -> bool:
        is_last = self.ledger.is_last(table.key, self.job)
        return not is_last and not self.ledger.is_after_last(table.key, self.job)

    def _may_hide_the_job(self, table: Table) -> bool:
        is_last = self.ledger.is_last(table.key, self.job)
        return not is_last and self.ledger.is_after_last(table.key, self.job)

    def _has(self, table: Table) -> bool | None:
        return self.ledger.is_in_history(table.key, self.job)

    def _is_noted(self, table: Table) -> bool | None:
        return self.ledger.is_noted(table.key, self.job)

    def _add(self, table: Table) -> None:
        if self._is_reported(table):
            lacking = self._lacks_only_checks(table)
            self.shares.extend([Share(table, False, lacking)] if lacking.names else [])
            return
        self.shares.append(Share(table, True, self._checks(table)))

    def _is_reported(self, table: Table) -> bool:
        """As far as is known; where it is not, that is asked."""
        if table.key in self.stored or table.key in self.missing:
            return table.key in self.stored
        is_reported = self.ledger.is_reported(table.key, self.job)
        if is_reported is None:
            self._ask([table], 0, 0)
        elif not is_reported and self._was_overtaken_on(table):
            is_reported = self._is_noted(table)
            if is_reported is None:
                self._ask([table], 0, 0, "past")
        return bool(is_reported)

    def _checks(self, table: Table) -> TableChecks:
        return self.checked.get(table.key, NO_CHECKS).among(CHECKS_OF_SYNCS)

    def _lacks_only_checks(self, table: Table) -> TableChecks:
        """The checks that a run left out which has reported the job. A sensor has left out none."""
        last = self.ledger.last.get(table.key)
        if last is None or not last.run_id or not self.ledger.is_last(table.key, self.job):
            return NO_CHECKS
        said = self.ledger.evaluations.get(table.key, {})
        checks = self._checks(table)
        return checks.among(
            name
            for name in checks.names
            if lacks_evaluation(
                said.get(name), self.job, run_id=last.run_id, materialized_at=last.stored_at
            )
        )


def _from_first(job: Job, shares: list[Share], ledger: Ledger, most: int) -> Owed:
    """The shares from the first on whose observations the event log does not have yet.

    They are reported in their order, so that is found with few look-ups.
    """

    def question(place: int) -> Question:
        return Question("observation", shares[place].table, job)

    first, asked = first_missing(len(shares), lambda place: ledger.noted.get(question(place).key))
    left = tuple(shares[first : first + most])
    is_cut = len(shares) > first + most
    return Owed(left, () if asked is None else (question(asked),), is_cut)


def first_missing(count: int, has: Callable[[int], bool | None]) -> tuple[int, int | None]:
    """How many of `count` places, from the first on, have something; and the place to ask about.

    What `has` answers is True up to some place, and False from there on; None is not known yet,
    and that place is returned to be asked about.
    """
    low, high, place = 0, count, 0
    while low < high:
        answer = has(place)
        if answer is None:
            return low, place
        if answer:
            low = place + 1
        else:
            high = place
        place = (low + high) // 2
    return low, None
