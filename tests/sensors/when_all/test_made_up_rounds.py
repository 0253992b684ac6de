"""Histories that Hypothesis makes up: whatever comes in which order, a round starts when all are in
and not before, and counts each job at most once.

`ROUND_SEED` and `ROUND_EXAMPLES` choose which and how many histories are tried.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

import dagster as dg
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from dagster_airbyte_sync import WhenAll
from dagster_airbyte_sync.assets.events.ledger import LastReported, Ledger
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import JobRef, StreamId
from dagster_airbyte_sync.sensors.cursor.pending import JobKey
from dagster_airbyte_sync.sensors.when_all.members import Member, Members
from dagster_airbyte_sync.sensors.when_all.progress import (
    SETTLED_AFTER,
    Progress,
    first_state,
    newest_of,
    progress_of,
)
from dagster_airbyte_sync.sensors.when_all.state import NOTHING, is_newer, read_state

BEGIN = 1_785_578_400
DEADLINE = 3600
EXAMPLES = int(os.environ.get("ROUND_EXAMPLES", "300"))
TABLES = {"a": 1, "b": 2, "c": 3}


def member(name: str, count: int) -> Member:
    streams = [StreamId(f"{name}{number}") for number in range(count)]
    return Member(name, name, tuple(Table(name, each, dg.AssetSpec(each.name)) for each in streams))


MEMBERS = Members(tuple(member(name, count) for name, count in TABLES.items()))


@dataclass(frozen=True)
class Sync:
    """A sync of which so many tables are reported, at a time."""

    member: str
    tables: int
    at: int


@dataclass
class World:
    """Syncs of which all tables are reported or only some, and a trigger that looks now and then.

    What each start counted is in `counted`.
    """

    when_all: WhenAll
    now: int = BEGIN
    jobs: int = 0
    last: dict[dg.AssetKey, LastReported] = field(default_factory=dict)
    syncs: dict[int, Sync] = field(default_factory=dict)
    counted: dict[str, list[JobKey]] = field(default_factory=dict)
    cursor: str = ""

    def __post_init__(self) -> None:
        self.cursor = first_state(MEMBERS, self.ledger, {}).to_text()

    @property
    def ledger(self) -> Ledger:
        return Ledger(dict(self.last))

    def sync(self, of: Member, tables: int) -> None:
        """A sync, of which so many tables are reported."""
        self.jobs += 1
        self.syncs[self.jobs] = Sync(of.name, min(tables, len(of.tables)), self.now)
        created = datetime.fromtimestamp(self.now, timezone.utc)
        job = JobRef(self.jobs, created, created)
        for table in of.tables[:tables]:
            self.last[table.key] = LastReported(job, job, job.name, stored_at=self.now)

    def by_hand(self, of: Member) -> None:
        self.last[of.tables[0].key] = LastReported(stored_at=self.now)

    def look(self) -> Progress:
        progress = progress_of(
            self.when_all, read_state(self.cursor), MEMBERS, self.ledger, self.now
        )
        self.check(progress)
        if progress.is_due:
            for each in progress.present:
                self.counted.setdefault(each.name, []).append(
                    progress.state.members[each.mark].came
                )
        self.cursor = (progress.after if progress.is_due else progress.state).to_text()
        return progress

    def check(self, progress: Progress) -> None:
        before = {each.name: self.counted.get(each.name, [NOTHING])[-1] for each in MEMBERS.known}
        waits = {each.name for each in MEMBERS.known if self.is_waited_for(each, before[each.name])}
        assert set(progress.missing) <= waits, "one that is in is waited for"
        must_start = not progress.missing or self.is_late(progress)
        assert progress.is_due == bool(progress.present and must_start)
        for each in progress.present:
            came = progress.state.members[each.mark].came
            assert is_newer(came, before[each.name]), "a job counts twice"
            assert self.is_done(came[0]), "a sync that is still being reported counts"

    def is_done(self, job: int) -> bool:
        """Whether nothing more of the sync will be reported."""
        sync = self.syncs[job]
        has_later = any(
            number > job and other.member == sync.member for number, other in self.syncs.items()
        )
        is_whole = sync.tables == TABLES[sync.member]
        return is_whole or has_later or self.now - sync.at >= SETTLED_AFTER

    def is_waited_for(self, of: Member, counted: JobKey) -> bool:
        """Whether no whole job is newer than what counted, as far as the log shows it now."""
        newest = newest_of(of, self.ledger)
        if newest is None or newest.job.id <= counted[0]:
            return True
        return not (newest.is_whole or self.now - newest.stored_at >= SETTLED_AFTER)

    def is_late(self, progress: Progress) -> bool:
        since = progress.state.since
        starts = self.when_all.deadline is not None and self.when_all.at_deadline == "start"
        return starts and since is not None and self.now >= since + DEADLINE


SYNC = st.tuples(st.just("sync"), st.sampled_from(MEMBERS.known), st.integers(1, 3))
HAND = st.tuples(st.just("hand"), st.sampled_from(MEMBERS.known), st.just(0))
WAIT = st.tuples(st.just("wait"), st.just(None), st.sampled_from([1, 30, 119, 121, 1800, 3600]))
LOOK = st.tuples(st.just("look"), st.just(None), st.just(0))
HISTORIES = st.lists(st.one_of(SYNC, SYNC, HAND, WAIT, LOOK, LOOK), max_size=60)
TRIGGERS = st.sampled_from(
    [
        WhenAll("nightly", ["a"]),
        WhenAll("nightly", ["a"], deadline=timedelta(seconds=DEADLINE)),
        WhenAll("nightly", ["a"], deadline=timedelta(seconds=DEADLINE), at_deadline="report"),
    ]
)


@seed(int(os.environ.get("ROUND_SEED", "0")))
@settings(max_examples=EXAMPLES, deadline=None, database=None)
@given(TRIGGERS, HISTORIES)
def test_no_history_starts_early_or_late_or_counts_twice(
    when_all: WhenAll, history: list[tuple[str, Member | None, int]]
) -> None:
    world = World(when_all)
    for what, of, number in history:
        if what == "wait":
            world.now += number
        elif of is None:
            world.look()
        elif what == "sync":
            world.sync(of, number)
        else:
            world.by_hand(of)
    for each in MEMBERS.known:
        world.sync(each, 3)
    assert world.look().is_due
    assert not world.look().present
    assert_rising(world.counted)


def assert_rising(counted: Mapping[str, list[JobKey]]) -> None:
    for jobs in counted.values():
        assert jobs == sorted(set(jobs))


def test_a_job_that_counted_and_of_which_a_table_was_materialized_by_hand_counts_once() -> None:
    """As another one of its connection begins to be reported."""
    *others, of_three = MEMBERS.known
    world = World(WhenAll("nightly", ["a"]))
    world.sync(of_three, 3)
    world.look()
    world.by_hand(of_three)
    for each in others:
        world.sync(each, 3)
    assert world.look().is_due
    world.sync(of_three, 1)

    assert world.look().present == ()
