"""Nights that Hypothesis makes up: whatever dies or comes in which order, no more syncs run than
there are places, each that waits starts once, and none is forgotten.

`NIGHT_SEED` and `NIGHT_EXAMPLES` choose which and how many are tried.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

import dagster as dg
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from dagster_airbyte_sync.assets.queue.queue_name import QueueName
from dagster_airbyte_sync.assets.queue.standing import Queue, QueueStart, StartState, queue_of
from dagster_airbyte_sync.assets.queue.wait import Wait
from dagster_airbyte_sync.sensors.queue.choose import Busy, chosen, run_key_of

EXAMPLES = int(os.environ.get("NIGHT_EXAMPLES", "300"))
NAMES = "abcdef"
PLACES = 2
LIMIT = 86_400.0
QUEUE = QueueName("w")


class Last(Enum):
    """What a run that died was at: it had said that it starts one, and perhaps sent it."""

    NOTHING = "nothing"
    SAID = "said"
    SENT = "sent"


@dataclass
class World:
    """Dagster's storage, Airbyte, and what has happened to each sync that was asked for.

    `owed` are the syncs that waited and have not begun; `begun` says when others have.
    """

    now: float = 0.0
    waits: list[Wait] = field(default_factory=list)
    starts: dict[str, QueueStart] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)
    owed: set[str] = field(default_factory=set)
    begun: dict[str, list[float]] = field(default_factory=dict)
    written: int = 0

    def queue(self) -> Queue:
        return queue_of(self.waits, list(self.starts.values()), self.now)

    def write_down(self, names: str, *, looks: bool) -> None:
        """A run wants these; two runs at once see nothing of each other."""
        queue = self.queue()
        self.written += 1
        for name in names:
            if looks and (name in queue.waiting or name in queue.coming):
                continue
            key = dg.AssetKey(name)
            run, order = f"wait {self.written}", len(self.waits)
            self.waits.append(
                Wait(name, name, QUEUE, key, PLACES, LIMIT, run, "j", self.now, order)
            )
            self.owed.add(name)

    def tick(self, *, is_lost: bool) -> None:
        """The sensor looks; its result may get lost, as the daemon dies."""
        queue = self.queue()
        busy = self.running | self.outside
        starts = chosen(queue, Busy(busy), self.now)
        new = starts.keys() - busy
        assert not new or len({*busy, *queue.coming, *new}) <= PLACES, "too many start"
        if starts and not is_lost:
            waits = {each: tuple(wait.run_id for wait in found) for each, found in starts.items()}
            self.create(run_key_of(starts, queue), waits)

    def create(self, key: str, waits: Mapping[str, Sequence[str]]) -> None:
        if key in self.keys:
            return  # Dagster has a run under that key.
        run = self.keys[key] = f"start {len(self.keys)}"
        self.starts[run] = QueueStart(run, len(self.starts), StartState.COMING, waits, at=self.now)

    def ask_again(self, place: int) -> None:
        """Another sensor has looked at the same moment, and asks for the same run."""
        coming = [each for each in self.starts.values() if each.state is StartState.COMING]
        if coming:
            first = coming[place % len(coming)]
            self.create(f"{first.run_id} again {len(self.starts)}", first.waits)

    def work(self, place: int, comes_to: int, end: StartState, last: Last = Last.NOTHING) -> None:
        """One of the runs that were asked for comes to so many of its syncs, and ends so. One that
        dies may have been at another one."""
        coming = [each for each in self.starts.values() if each.state is StartState.COMING]
        if not coming:
            return
        start = coming[place % len(coming)]
        left, unsettled = self.divided(start)
        names = [each for each in start.waits if each not in left]
        reached = names if end is StartState.DONE else names[:comes_to]
        for name in reached:
            if name not in unsettled or not self.has_begun(name, unsettled[name]):
                self.begin(name)
        said, starting = dict.fromkeys(reached, self.now), dict[str, float]()
        if end is StartState.LOST and last is not Last.NOTHING and len(reached) < len(names):
            name = names[len(reached)]
            starting[name] = self.now
            settled = name in unsettled and self.has_begun(name, unsettled[name])
            # What is refused as it is busy, the next run finds out for itself.
            if last is Last.SENT and not settled and name not in self.running | self.outside:
                self.begin(name)
        self.starts[start.run_id] = replace(
            start, state=end, said=said, starting=starting, left=left, at=self.now
        )

    def divided(self, start: QueueStart) -> tuple[set[str], dict[str, float]]:
        """What it leaves to others, and what they may have begun, and since when."""
        left: set[str] = set()
        unsettled: dict[str, float] = {}
        for other in self.starts.values():
            for each in start.same_as(other) if other.run_id != start.run_id else ():
                if start.leaves_to(other, each):
                    left.add(each)
                elif since := other.starting.get(each):
                    unsettled[each] = min(since, unsettled.get(each, since))
        return left, unsettled

    def has_begun(self, name: str, since: float) -> bool:
        return any(at >= since for at in self.begun.get(name, ()))

    def begin(self, name: str) -> None:
        """Airbyte is asked to start a sync; it does, unless one runs."""
        if name in self.running | self.outside:
            self.owed.discard(name)
            return
        assert name in self.owed, f"{name} starts twice"
        self.owed.discard(name)
        self.running.add(name)
        self.begun.setdefault(name, []).append(self.now)
        assert len(self.running) <= PLACES, "too many run"

    def end(self, place: int) -> None:
        if self.running | self.outside:
            name = sorted(self.running | self.outside)[place % len(self.running | self.outside)]
            self.running.discard(name)
            self.outside.discard(name)


WRITE = st.tuples(st.just("write"), st.sets(st.sampled_from(NAMES)), st.booleans())
TICK = st.tuples(st.just("tick"), st.booleans(), st.none())
WORK = st.tuples(
    st.just("work"),
    st.integers(0, 3),
    st.tuples(st.integers(0, 2), st.sampled_from(StartState), st.sampled_from(Last)),
)
AGAIN = st.tuples(st.just("again"), st.integers(0, 3), st.none())
OUTSIDE = st.tuples(st.just("outside"), st.sampled_from(NAMES), st.none())
END = st.tuples(st.just("end"), st.integers(0, 5), st.none())
WAIT = st.tuples(st.just("wait"), st.sampled_from([1.0, 30.0, 400.0, 4000.0]), st.none())
NIGHTS = st.lists(st.one_of(WRITE, TICK, TICK, WORK, WORK, AGAIN, OUTSIDE, END, WAIT), max_size=50)


@seed(int(os.environ.get("NIGHT_SEED", "0")))
@settings(max_examples=EXAMPLES, deadline=None, database=None)
@given(NIGHTS)
def test_no_night_starts_too_many_or_one_twice_or_forgets_one(
    night: list[tuple[str, object, object]],
) -> None:
    world = World()
    for what, first, second in night:
        world.now += 0.001
        if what == "write":
            assert isinstance(first, set)
            world.write_down("".join(sorted(first)), looks=bool(second))
        elif what == "tick":
            world.tick(is_lost=bool(first))
        elif what == "work":
            assert isinstance(first, int)
            assert isinstance(second, tuple)
            if second[1] is not StartState.COMING:
                world.work(first, *second)
        elif what == "again":
            assert isinstance(first, int)
            world.ask_again(first)
        elif what == "outside":
            world.outside |= {str(first)} - world.running
        elif what == "end":
            assert isinstance(first, int)
            world.end(first)
        else:
            assert isinstance(first, float)
            world.now += first
    go_on_until_nothing_waits(world)
    assert not world.owed


def go_on_until_nothing_waits(world: World) -> None:
    for _ in range(60):
        world.work(0, len(NAMES), StartState.DONE)
        world.end(0)
        world.end(0)
        world.tick(is_lost=False)
        world.work(0, len(NAMES), StartState.DONE)
        world.end(0)
        world.end(0)
        world.now += 600.0
        queue = world.queue()
        if not queue.waiting and not queue.coming:
            return
    raise AssertionError(f"these wait for ever: {list(world.queue().waiting)}")
