"""Who waits for a place, and who is about to start. Pure: records in, a queue out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from dagster_airbyte_sync.assets.queue.wait import Wait

# A start run that died before it came to a connection is asked for again so many seconds later,
# then after twice as long, and so on: what broke it may need time.
_AGAIN_AFTER = 300.0
_LONGEST_PAUSE = 3600.0


class StartState(Enum):
    """What can still come of a run that the queue has asked for."""

    COMING = "coming"
    """It may start any sync of which it has not said what became of it."""
    DONE = "done"
    """It has come to all of them, or somebody has cancelled it."""
    LOST = "lost"
    """It failed, or died: of what it did not say what became of it nothing more is to come."""


@dataclass(frozen=True)
class QueueStart:
    """A run that starts what waited: `waits` has the runs that wrote a connection down.

    `said` has the connections of which the run has said what became of the start, and when;
    `starting` those of which it has said only that it begins, and when. Of runs that are done they
    are not always known; `left` is what such a run has left to another one. `order` grows in the
    order in which runs were created; `at` is when it last did anything. Times are Dagster's clock,
    in epoch seconds. One of another queue (`is_foreign`) takes places, and settles nothing here.
    """

    run_id: str
    order: int
    state: StartState
    waits: Mapping[str, Sequence[str]]
    said: Mapping[str, float] = field(default_factory=dict)
    starting: Mapping[str, float] = field(default_factory=dict)
    left: Collection[str] = ()
    at: float = 0.0
    is_foreign: bool = False

    def may_start(self) -> set[str]:
        """The connections that it may still start."""
        if self.state is not StartState.COMING:
            return set()
        return {each for each in self.waits if each not in self.said}

    def has_come_to(self, wait: Wait) -> bool:
        """Whether it came to the connection after the sync began to wait, whoever it did that for:
        of two runs that write the same down, the second may not see what the queue has begun."""
        said = self.said.get(wait.connection_id)
        return said is not None and said >= wait.since

    def has_left(self, connection_id: str) -> bool:
        """Whether no more comes of its start of the connection. It may have begun one: whether it
        did is for the next run to find out."""
        if self.state is StartState.LOST:
            return connection_id not in self.said
        return connection_id in self.left

    def leaves_to(self, other: "QueueStart", connection_id: str) -> bool:
        """Whether it need not start the connection, as the other was asked for the same. The first
        of two does, unless the second has begun while the first was taken for dead."""
        if other.order < self.order:
            return not other.has_left(connection_id)
        is_at_it = other.state is StartState.COMING and connection_id in other.starting
        return is_at_it or connection_id in other.said

    def same_as(self, other: "QueueStart") -> set[str]:
        """The connections for which both were asked by the same runs."""
        return {
            each
            for each, runs in self.waits.items()
            if not set(runs).isdisjoint(other.waits.get(each, ()))
        }


@dataclass(frozen=True)
class Queue:
    """What waits, by connection: each with all that wrote it down, the oldest first, and so they
    are ordered.

    `coming` are the connections that a run is about to start, with that run. Of those in `paused`
    a run was lost; they wait until a time before the next. `last_lost` is the newest such.
    `expired` have waited too long. `open_runs` wrote something down that is not settled for good.
    """

    waiting: Mapping[str, tuple[Wait, ...]]
    coming: Mapping[str, str]
    paused: Mapping[str, float]
    last_lost: Mapping[str, str]
    expired: tuple[Wait, ...]
    open_runs: frozenset[str]

    def due(self, now: float) -> Mapping[str, tuple[Wait, ...]]:
        """Those that may start as soon as there is a place."""
        return {
            each: waits
            for each, waits in self.waiting.items()
            if each not in self.coming and self.paused.get(each, 0.0) <= now
        }


def queue_of(waits: Iterable[Wait], starts: Sequence[QueueStart], now: float) -> Queue:
    """The queue of what was written down and of the runs that were asked for. Pure."""
    coming = {each: start.run_id for start in starts for each in start.may_start()}
    waiting: dict[str, list[Wait]] = {}
    paused: dict[str, float] = {}
    last_lost: dict[str, QueueStart] = {}
    expired: list[Wait] = []
    open_runs: set[str] = set()
    starts_of: dict[str, list[QueueStart]] = {}
    for start in starts:
        for each in () if start.is_foreign else start.waits:
            starts_of.setdefault(each, []).append(start)
    for wait in sorted(waits, key=lambda each: (each.since, each.order)):
        of_connection = starts_of.get(wait.connection_id, [])
        if any(start.has_come_to(wait) for start in of_connection):
            continue
        mine = [each for each in of_connection if wait.run_id in each.waits[wait.connection_id]]
        lost = [start for start in mine if start.has_left(wait.connection_id)]
        if len(lost) < len(mine):
            if wait.connection_id in coming:
                open_runs.add(wait.run_id)
            continue
        if wait.until <= now:
            expired.append(wait)
            continue
        open_runs.add(wait.run_id)
        waiting.setdefault(wait.connection_id, []).append(wait)
        if lost:
            known = last_lost.get(wait.connection_id)
            last = max(filter(None, [*lost, known]), key=lambda each: each.order)
            last_lost[wait.connection_id] = last
            again = max(each.at for each in lost) + _pause(len(lost))
            paused[wait.connection_id] = max(again, paused.get(wait.connection_id, 0.0))
    return Queue(
        {each: tuple(found) for each, found in waiting.items()},
        coming,
        paused,
        {each: start.run_id for each, start in last_lost.items()},
        tuple(expired),
        frozenset(open_runs),
    )


def _pause(tries: int) -> float:
    return min(_AGAIN_AFTER * 2.0 ** (tries - 1), _LONGEST_PAUSE)
