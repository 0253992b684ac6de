"""What a finished job still owes its tables, as far as the event log is known. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

import dagster as dg

from dagster_airbyte_sync.assets.events.ledger import Ledger
from dagster_airbyte_sync.assets.events.table_history import Kind, Question
from dagster_airbyte_sync.assets.tables.matching import streams_of
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import Job

# So many tables are looked up one by one.
_FEW = 50


@dataclass(frozen=True)
class Share:
    """What one table is owed: its materialization or observation, its check, or both."""

    table: Table
    marks: bool
    checks: bool


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
        if any(question.kind != "materialization" for question in self.questions):
            return ()
        return tuple(takewhile(lambda share: share.table.key not in self.unclear, self.shares))


def owed_by(
    job: Job,
    tables: Sequence[Table],
    ledger: Ledger,
    checked: frozenset[dg.AssetKey],
    most: int,
) -> Owed:
    """What the job owes `tables`, which are in reporting order, looking for `most` shares at most.

    A materialization is owed whatever was reported since. Anything else is owed as long as no
    later job was: a failure of yesterday would look like the state of today.
    """
    if job.wrote_tables:
        return _Fresh(job, ledger, checked).owed(tables, most)
    due = [table for table in tables if _is_newest(job, table, ledger)]
    if job.succeeded:
        # Where Airbyte does not say what was cleared, a red check must not turn green for it.
        is_known = len(tables) == 1 or bool(streams_of(job))
        shares = [Share(table, True, is_known and table.key in checked) for table in due]
        return _of_clear(job, _from_first(job, shares, ledger, "observation", most), ledger)
    shares = [Share(table, False, True) for table in due if table.key in checked]
    return _from_first(job, shares, ledger, "check", most)


def _of_clear(job: Job, owed: Owed, ledger: Ledger) -> Owed:
    """Without the check of the first table, if who died had stored that and no observation yet."""
    if owed.questions or not (owed.shares and owed.shares[0].checks):
        return owed
    first, questions = _without_noted_check(job, owed.shares[0], ledger)
    return replace(owed, shares=(first, *owed.shares[1:]), questions=questions)


def _without_noted_check(
    job: Job, share: Share, ledger: Ledger
) -> tuple[Share, tuple[Question, ...]]:
    """The share, without its check if the event log has that, and what is to be asked for this."""
    question = Question("check", share.table, job)
    noted = ledger.noted.get(question.key)
    return replace(share, checks=not noted), () if noted is not None else (question,)


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
    checked: frozenset[dg.AssetKey]
    shares: list[Share] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    stored: frozenset[dg.AssetKey] = frozenset()
    missing: frozenset[dg.AssetKey] = frozenset()
    unclear: set[dg.AssetKey] = field(default_factory=set)

    def owed(self, tables: Sequence[Table], most: int) -> Owed:
        checks = [table for table in tables if self._lacks_only_its_check(table)]
        rest = _from_first(
            self.job, [Share(table, False, True) for table in checks], self.ledger, "check", most
        )
        late_checks = {share.table.key: share for share in rest.shares}
        self.questions.extend(rest.questions)
        self._look_behind_the_last(tables)
        self._look_behind_later_ones(tables)
        for table in tables:
            if len(self.shares) >= most:
                return self._owed(is_cut=True)
            self._add(table, late_checks.get(table.key))
        return self._owed(is_cut=rest.is_cut)

    def _owed(self, *, is_cut: bool) -> Owed:
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

    def _ask(self, tables: Sequence[Table], first: int, place: int | None) -> None:
        """Ask about the table at the place, if any; all from the first on are unclear till then."""
        if place is not None:
            self.questions.append(Question("materialization", tables[place], self.job))
            self.unclear.update(table.key for table in tables[first:])

    def _was_overtaken_on(self, table: Table) -> bool:
        is_last = self.ledger.is_last(table.key, self.job)
        return not is_last and not self.ledger.is_after_last(table.key, self.job)

    def _may_hide_the_job(self, table: Table) -> bool:
        is_last = self.ledger.is_last(table.key, self.job)
        return not is_last and self.ledger.is_after_last(table.key, self.job)

    def _has(self, table: Table) -> bool | None:
        return self.ledger.is_in_history(table.key, self.job)

    def _add(self, table: Table, late_check: Share | None) -> None:
        is_reported = self._is_reported(table)
        if is_reported:
            self.shares.extend([late_check] if late_check else [])
            return
        if is_reported is None:
            self.questions.append(Question("materialization", table, self.job))
            self.unclear.add(table.key)
        is_first = not any(share.marks for share in self.shares)
        share = Share(table, True, self._is_checked(table))
        if is_first and share.checks:
            share, questions = _without_noted_check(self.job, share, self.ledger)
            self.questions.extend(questions)
        self.shares.append(share)

    def _is_reported(self, table: Table) -> bool | None:
        if table.key in self.stored or table.key in self.missing:
            return table.key in self.stored
        return self.ledger.is_reported(table.key, self.job)

    def _is_checked(self, table: Table) -> bool:
        return table.key in self.checked and not self.ledger.is_late(table.key, self.job.ref)

    def _lacks_only_its_check(self, table: Table) -> bool:
        """Whether a run has reported it: that evaluates no checks. A sensor did so before."""
        last = self.ledger.last.get(table.key)
        if last is None or not last.run_id or not self._is_checked(table):
            return False
        return self.ledger.is_last(table.key, self.job)


def _from_first(job: Job, shares: list[Share], ledger: Ledger, kind: Kind, most: int) -> Owed:
    """The shares from the first on that the event log does not have yet.

    They are reported in their order, so that is found with few look-ups.
    """

    def question(place: int) -> Question:
        return Question(kind, shares[place].table, job)

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
