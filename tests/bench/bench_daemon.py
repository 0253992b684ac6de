"""What is measured with Dagster's real daemon: a backlog, latency, and a large workspace at work.

Wanted: a daemon with a backlog stores at least 90 % of what a loop of `report_runless_asset_event`
does, and 80 % with the time of our function; of syncs that end at random moments, 95 % are in the
event log an interval and two seconds later; the sensor keeps up with 5,000 connections that sync
hourly, in processes that do not grow.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

import dagster as dg

from bench.table import Row
from dagster_airbyte_sync.assets.events.sync_events import Event
from dagster_airbyte_sync.assets.tables.keys import JOB_ID, int_in
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedJob
from helpers.dagster_private import InstigatorTick
from helpers.hourly_syncs import add_connections
from helpers.kill_databases import storage
from helpers.kill_deployment import instance_of
from helpers.kill_group import ProcessGroup, process_group
from helpers.live_dagster import LiveDagster, live_dagster, settings_of
from helpers.process_size import Size
from helpers.runless_events import RunlessEvents, event_of
from helpers.shared_clock import SharedClock
from helpers.soak import INTERVAL, STREAMS, Soaked, soak

DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
# The backlog: 100 jobs. With a longer interval a tick would have room for all of it.
CONNECTIONS = 25
JOBS_OF_EACH = 4
BACKLOG_INTERVAL = 10
# With a function that takes a quarter of that again.
LEAST_OF_LOOP, LEAST_IN_ALL = 0.9, 0.8

LATENCY_CONNECTIONS = 500
# Each connection syncs three times an hour, and that for some intervals.
SYNCS_A_SECOND = LATENCY_CONNECTIONS * 3 / 3600
LATENCY_SECONDS = 3.5 * INTERVAL
# Dagster looks for sensors that are due each five seconds and a little: one with 30 is due after 30
# or 35 seconds, and one with 28 after 30.
MINIMUM_INTERVAL = INTERVAL - 2
MOST_LATENCY = INTERVAL + 2

SOAK_CONNECTIONS = 5_000
SOAK_MINUTES = 4
MOST_SHARE = 0.5
MOST_GROWTH = 1.1


@dataclass(frozen=True)
class Scene:
    """A simulated Airbyte, and where a Dagster beside it may live."""

    airbyte: AirbyteSimulator
    clock: SharedClock
    group: ProcessGroup
    folder: Path

    def dagster(
        self, storage: str, interval: int, *, hurried: bool
    ) -> AbstractContextManager[LiveDagster]:
        place = (self.airbyte, self.clock, self.group, self.folder)
        return live_dagster(*place, storage=storage, interval=interval, hurried=hurried)


@contextmanager
def scene() -> Iterator[Scene]:
    with TemporaryDirectory() as folder, process_group() as group:
        clock = SharedClock(Path(folder) / "clock")
        with AirbyteSimulator(clock=clock) as airbyte:
            yield Scene(airbyte, clock, group, Path(folder))


# A backlog


@dataclass
class Stored:
    """Events, and the seconds that it took to store them."""

    events: int = 0
    seconds: float = 0.0

    def add(self, events: int, seconds: float) -> None:
        self.events += events
        self.seconds += seconds

    @property
    def per_second(self) -> float:
        return self.events / self.seconds


def backlog(database: str) -> list[Row]:
    """The daemon's ticks, and after each of them a loop with the same events on another storage of
    the same kind."""
    ticks, storing, loop = Stored(), Stored(), Stored()
    times = list[float]()
    with scene() as at, storage(database, at.group) as settings:
        add_connections(at.airbyte, CONNECTIONS, STREAMS)
        _write_backlog(at.airbyte)
        with (
            _empty_instance(database, at) as beside,
            at.dagster(settings, BACKLOG_INTERVAL, hurried=True) as live,
        ):
            log, tick = RunlessEvents(live.instance), live.next_tick()
            while records := log.read_on():
                events = [event_of(record) for record in records]
                times += (record.timestamp for record in records)
                ticks.add(len(events), _seconds_of(tick))
                # From behind the first event to behind the last.
                seconds = records[-1].timestamp - records[0].timestamp
                storing.add(len(events) - 1, seconds)
                with live.at_rest():
                    loop.add(len(events), _stored_in_a_loop(beside, events))
                tick = live.next_tick()
    what = f"events a second, backlog, daemon, {DATABASES[database]}"
    by_the_clock = len(times) / (times[-1] - times[0])
    return [
        _beside(loop, f"{what}: while it stores", storing, "", LEAST_OF_LOOP),
        _beside(
            loop,
            f"{what}: ticks",
            ticks,
            f", {by_the_clock:.0f} by the clock at {BACKLOG_INTERVAL} s",
            LEAST_IN_ALL,
        ),
    ]


def backlogs() -> Iterator[Row]:
    for database in DATABASES:
        yield from backlog(database)


def _beside(loop: Stored, what: str, stored: Stored, more: str, least: float) -> Row:
    ratio, beside = stored.per_second / loop.per_second, f"{loop.per_second:.0f} in a loop"
    ours = f"{stored.per_second:.0f}{more}"
    return Row(what, ours, beside, f"{ratio:.2f}", f">= {least}", ratio >= least)


def _write_backlog(airbyte: AirbyteSimulator) -> None:
    """The jobs of all connections in turn, a second apart, the last of them right now."""
    jobs = CONNECTIONS * JOBS_OF_EACH
    for place in range(jobs):
        end = airbyte.now - timedelta(seconds=jobs - place)
        connection = airbyte.connections[place % CONNECTIONS]
        airbyte.add_finished_job(connection, created_at=end, updated_at=end, rows=1000)


@contextmanager
def _empty_instance(database: str, at: Scene) -> Iterator[dg.DagsterInstance]:
    home = at.folder / "beside"
    home.mkdir()
    with storage(database, at.group) as settings:
        (home / "dagster.yaml").write_text(settings_of(settings))
        with instance_of(home) as instance:
            # What is stored first makes the tables.
            instance.report_runless_asset_event(dg.AssetMaterialization("first"))
            yield instance


def _stored_in_a_loop(instance: dg.DagsterInstance, events: Sequence[Event]) -> float:
    begun = time.perf_counter()
    for event in events:
        instance.report_runless_asset_event(event)
    return time.perf_counter() - begun


def _seconds_of(tick: InstigatorTick) -> float:
    assert tick.end_timestamp is not None
    return tick.end_timestamp - tick.timestamp


# Latency


@dataclass(frozen=True)
class Reported:
    """A table's event: when its sync ended, when the tick that reports it began, and when it was
    stored. In epoch seconds."""

    ended: float
    begun: float
    stored: float


def latency() -> list[Row]:
    """A daemon that nobody hurries, while syncs end at random moments."""
    with scene() as at:
        add_connections(at.airbyte, LATENCY_CONNECTIONS, STREAMS)
        with at.dagster("", MINIMUM_INTERVAL, hurried=False) as live:
            live.next_tick()
            jobs = _sync_at_random(at.airbyte, random.Random(1))
            last = max(job.updated_at for job in jobs).timestamp()
            while live.ticks[-1].timestamp <= last:
                live.next_tick()
            every = _reported(live, jobs)
    assert len(every) == len(jobs) * STREAMS
    whole = _p95([each.stored - each.ended for each in every])
    waiting = _p95([each.begun - each.ended for each in every])
    working = _p95([each.stored - each.begun for each in every])
    return [
        Row(
            f"sync finished -> event stored, {LATENCY_CONNECTIONS} connections"
            f" (minimum_interval_seconds={MINIMUM_INTERVAL}), p95",
            f"{whole:.1f} s ({working:.1f} s of them from the tick's start)",
            f"a tick every {INTERVAL} s ({waiting:.1f} s until it began)",
            f"{whole / INTERVAL:.2f}",
            f"<= {MOST_LATENCY} s",
            whole <= MOST_LATENCY,
        )
    ]


def _sync_at_random(airbyte: AirbyteSimulator, chance: random.Random) -> list[SimulatedJob]:
    """Each second as likely as another, and each connection once at most."""
    count = round(SYNCS_A_SECOND * LATENCY_SECONDS)
    begun = time.monotonic()
    jobs = []
    moments = sorted(chance.uniform(0, LATENCY_SECONDS) for _ in range(count))
    for moment, connection in zip(moments, chance.sample(airbyte.connections, count), strict=True):
        time.sleep(max(0.0, begun + moment - time.monotonic()))
        jobs.append(airbyte.run_sync(connection, rows=1000))
    return jobs


def _reported(live: LiveDagster, jobs: Sequence[SimulatedJob]) -> list[Reported]:
    """Each table's event of these jobs."""
    ends = {job.job_id: job.updated_at.timestamp() for job in jobs}
    begun = [tick.timestamp for tick in live.ticks]
    records = RunlessEvents(live.instance, {dg.DagsterEventType.ASSET_MATERIALIZATION}).read_on()
    made = ((each.timestamp, each.asset_materialization) for each in records)
    return [
        Reported(ends[job_id], max(at for at in begun if at <= stored), stored)
        for stored, event in made
        if event and (job_id := int_in(event.metadata, JOB_ID)) is not None
    ]


def _p95(values: Sequence[float]) -> float:
    return quantiles(values, n=20)[-1]


# An hour of a large workspace


def an_hour() -> list[Row]:
    """Some minutes of it; the other minutes are like them."""
    with TemporaryDirectory() as folder, process_group() as group:
        soaked = soak(group, Path(folder), SOAK_CONNECTIONS, SOAK_MINUTES)
    what = f"{SOAK_CONNECTIONS:,} hourly connections x {STREAMS}, {SOAK_MINUTES} minutes"
    return [_keeps_up(what, soaked), _stays_as_it_is(what, soaked)]


def _keeps_up(what: str, soaked: Soaked) -> Row:
    return Row(
        f"{what}: keeps up",
        f"{soaked.share * INTERVAL:.1f} s the longest tick, {soaked.behind} syncs late",
        f"{INTERVAL} s interval",
        f"{soaked.share:.2f}",
        f"<= {MOST_SHARE}, none late",
        soaked.share <= MOST_SHARE and soaked.behind == 0,
    )


def _stays_as_it_is(what: str, soaked: Soaked) -> Row:
    """Daemon and code server together, at first and in the end."""
    memory = _both(soaked, lambda size: size.megabytes)
    files = _both(soaked, lambda size: size.descriptors)
    threads = _both(soaked, lambda size: size.threads)
    ratio = memory[1] / memory[0]
    begin, end = (
        f"{memory[at]:,.0f} MB, {files[at]:.0f} files, {threads[at]:.0f} threads" for at in (0, 1)
    )
    is_flat = ratio <= MOST_GROWTH and all(each[1] <= each[0] + 2 for each in (files, threads))
    return Row(
        f"{what}: flat", end, f"{begin} at first", f"{ratio:.2f}", f"<= {MOST_GROWTH}", is_flat
    )


def _both(soaked: Soaked, part: Callable[[Size], float]) -> tuple[float, float]:
    pairs = soaked.growth(part).values()
    return sum(before for before, _ in pairs), sum(after for _, after in pairs)
