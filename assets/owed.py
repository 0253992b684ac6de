"""What a finished job still owes its tables, as far as the event log is known. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

import dagster as dg

from dagster_airbyte_sync.assets.ledger import Ledger
from dagster_airbyte_sync.assets.table_history import Kind, Question
from dagster_airbyte_sync.assets.tables import Table
from dagster_airbyte_sync.resources import Job


def makes_fresh(job: Job) -> bool:
    """Whether the job leaves fresh tables: a sync or refresh that succeeded."""
    return job.succeeded and job.type.writes_tables


@dataclass(frozen=True)
class Share:
    """What one table is owed: its materialization or observation, its check, or both."""

    table: Table
    marks: bool
    checks: bool


@dataclass(frozen=True)
class Owed:
    """The shares of a job in the order in which they are reported.

    `questions` must be answered before the shares are certain. `is_cut` if more may follow, at
    which nobody has looked yet.
    """

    shares: tuple[Share, ...] = ()
    questions: tuple[Question, ...] = ()
    is_cut: bool = False

    @property
    def marks(self) -> bool:
        return any(share.marks for share in self.shares)

    @property
    def certain(self) -> tuple[Share, ...]:
        """The shares before the first about which there is a question."""
        if any(question.kind != "materialization" for question in self.questions):
            return ()
        unclear = {question.table.key for question in self.questions}
        return tuple(takewhile(lambda share: share.table.key not in unclear, self.shares))


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
    if makes_fresh(job):
        return _Fresh(job, ledger, checked).owed(tables, most)
    due = [table for table in tables if _is_newest(job, table, ledger)]
    if job.succeeded:
        shares = [Share(table, True, table.key in checked) for table in due]
        return _from_first(job, shares, ledger, "observation", most)
    shares = [Share(table, False, True) for table in due if table.key in checked]
    return _from_first(job, shares, ledger, "check", most)


def _is_newest(job: Job, table: Table, ledger: Ledger) -> bool:
    newest = ledger.newest(table.key)
    return newest is None or not (newest.is_same(job.ref) or job.ref.precedes(newest))


@dataclass
class _Fresh:
    """Goes through the tables of a job that made them fresh."""

    job: Job
    ledger: Ledger
    checked: frozenset[dg.AssetKey]
    shares: list[Share] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    is_doubt_settled: bool = False

    def owed(self, tables: Sequence[Table], most: int) -> Owed:
        checks = [table for table in tables if self._lacks_only_its_check(table)]
        rest = _from_first(
            self.job, [Share(table, False, True) for table in checks], self.ledger, "check", most
        )
        late_checks = {share.table.key: share for share in rest.shares}
        self.questions.extend(rest.questions)
        for table in tables:
            if len(self.shares) >= most:
                return Owed(tuple(self.shares), tuple(self.questions), is_cut=True)
            self._add(table, late_checks.get(table.key))
        return Owed(tuple(self.shares), tuple(self.questions), is_cut=rest.is_cut)

    def _add(self, table: Table, late_check: Share | None) -> None:
        told = self.ledger.is_told(table.key, self.job)
        if told:
            self.is_doubt_settled |= not self._is_last(table)
            self.shares.extend([late_check] if late_check else [])
            return
        is_read = table.key in self.ledger.history
        if told is None or not (is_read or self.is_doubt_settled):
            self.questions.append(Question("materialization", table, self.job))
        share = Share(table, True, self._is_checked(table))
        if not self.is_doubt_settled and share.checks:
            share = self._without_noted_check(share)
        # Who died has left one event at most that is stored and not noted as the table's last.
        self.is_doubt_settled = True
        self.shares.append(share)

    def _without_noted_check(self, share: Share) -> Share:
        question = Question("check", share.table, self.job)
        noted = self.ledger.noted.get(question.key)
        if noted is None:
            self.questions.append(question)
        return replace(share, checks=not noted)

    def _is_last(self, table: Table) -> bool:
        last = self.ledger.last.get(table.key)
        return last is not None and last.job is not None and last.job.is_same(self.job.ref)

    def _is_checked(self, table: Table) -> bool:
        return table.key in self.checked and not self.ledger.is_late(table.key, self.job.ref)

    def _lacks_only_its_check(self, table: Table) -> bool:
        """Whether a run has reported it: that evaluates no checks. A sensor did so before."""
        last = self.ledger.last.get(table.key)
        if last is None or not last.run_id or not self._is_checked(table):
            return False
        is_unnamed = last.job is None and self.ledger.is_told(table.key, self.job) is True
        return self._is_last(table) or is_unnamed


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
