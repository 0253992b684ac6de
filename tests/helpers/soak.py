"""Hours of a deployment in minutes: connections that sync hourly, a real daemon and a code server,
whose time is skipped as soon as they have nothing to do until the next tick."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from statistics import linear_regression, median

import dagster as dg

from dagster_airbyte_sync.assets.tables.keys import JOB_ID, int_in
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.hourly_syncs import HourlySyncs, add_connections
from helpers.kill_group import ProcessGroup
from helpers.live_dagster import LiveDagster, live_dagster
from helpers.process_size import Size, size_of
from helpers.runless_events import RunlessEvents
from helpers.shared_clock import SharedClock

INTERVAL = 30
STREAMS = 5
# Of ticks: until then the sensor has not seen how fast Dagster stores, and caches are filled.
WARM_UP = 4


@dataclass(frozen=True)
class Tick:
    """One of the sensor's: when it began, by the skipped clock, how long it took, how many syncs it
    reported, how many that had ended before it began are not reported after it, and how large the
    processes were then."""

    began: float
    seconds: float
    syncs: int
    behind: int
    sizes: Mapping[str, Size]


@dataclass(frozen=True)
class Soaked:
    """All ticks but those of the warm-up."""

    ticks: Sequence[Tick]

    @property
    def share(self) -> float:
        """The part of an interval that the longest tick takes, with all of its storing."""
        return max(tick.seconds for tick in self.ticks) / INTERVAL

    @property
    def syncs(self) -> int:
        return sum(tick.syncs for tick in self.ticks)

    @property
    def behind(self) -> int:
        """How many syncs a tick left to the next one, at most."""
        return max(tick.behind for tick in self.ticks)

    def growth(self, part: Callable[[Size], float]) -> dict[str, tuple[float, float]]:
        """For each process its usual size in the first third of the time, and in the last."""
        third = len(self.ticks) // 3
        first, last = self.ticks[:third], self.ticks[-third:]
        return {
            name: (_usual(first, name, part), _usual(last, name, part))
            for name in self.ticks[0].sizes
        }

    def growth_per_hour(self, part: Callable[[Size], float]) -> dict[str, float]:
        """For each process the slope of a line through its sizes, without the first quarter."""
        settled = self.ticks[len(self.ticks) // 4 :]
        hours = [tick.began / 3600 for tick in settled]
        return {
            name: linear_regression(hours, [part(tick.sizes[name]) for tick in settled]).slope
            for name in settled[0].sizes
        }

    def __str__(self) -> str:
        sizes = (
            f"{name} {before:.0f} -> {after:.0f} MB"
            for name, (before, after) in self.growth(lambda size: size.megabytes).items()
        )
        slopes = (
            f"{name} {slope:+.1f} MB/h"
            for name, slope in self.growth_per_hour(lambda size: size.megabytes).items()
        )
        ticks = f"{len(self.ticks)} ticks, the longest {self.share:.1%} of the interval"
        found = [*sizes, *slopes]
        return f"{self.syncs} syncs in {ticks}, {self.behind} late; {', '.join(found)}"


def soak(group: ProcessGroup, folder: Path, connections: int, minutes: int) -> Soaked:
    """Let that much time pass for so many connections, and the warm-up before it."""
    clock = SharedClock(folder / "clock")
    with AirbyteSimulator(clock=clock) as airbyte:
        every = add_connections(airbyte, connections, STREAMS)
        with live_dagster(airbyte, clock, group, folder, interval=INTERVAL) as live:
            live.next_tick()
            syncs = HourlySyncs(airbyte, every, clock.now())
            seen = _Seen(live.instance)
            count = WARM_UP + minutes * 60 // INTERVAL
            ticks = [_tick(live, syncs, seen) for _ in range(count)]
    return Soaked(ticks[WARM_UP:])


class _Seen:
    """The jobs of which the event log has an event for each table."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._log = RunlessEvents(instance, {dg.DagsterEventType.ASSET_MATERIALIZATION})
        self._events = Counter[int | None]()

    def jobs(self) -> Set[int | None]:
        """With what is new in it. Each table is to be reported once."""
        for record in self._log.read_on():
            made = record.asset_materialization
            assert made is not None
            self._events[int_in(made.metadata, JOB_ID)] += 1
        assert max(self._events.values(), default=0) <= STREAMS, "reported twice"
        return {job for job, events in self._events.items() if events == STREAMS}


def _tick(live: LiveDagster, syncs: HourlySyncs, seen: _Seen) -> Tick:
    before = len(seen.jobs())
    syncs.go_on()
    tick = live.next_tick()
    assert tick.end_timestamp is not None
    reported = seen.jobs()
    behind = syncs.ended(before=datetime.fromtimestamp(tick.timestamp, timezone.utc)) - reported
    sizes = {name: size_of(pid) for name, pid in live.pids.items()}
    seconds = tick.end_timestamp - tick.timestamp
    return Tick(tick.timestamp, seconds, len(reported) - before, len(behind), sizes)


def _usual(ticks: Sequence[Tick], name: str, part: Callable[[Size], float]) -> float:
    return median(part(tick.sizes[name]) for tick in ticks)
