"""What ticks of the sensor cost: one with nothing to report beside that of a sensor that does
nothing, those that work off a backlog beside what Dagster takes to store their events."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import dagster as dg

from bench.table import Row
from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_definitions
from helpers.airbyte_process import STREAMS, AirbyteProcess, airbyte_process

LATENCY = 0.02
IDLE_TICKS = 20
JOBS, CONNECTIONS, MANY = 1_000, 100, 600


@dataclass(frozen=True)
class Tick:
    """Seconds in our function, seconds in which Dagster stored its events."""

    seconds: float
    storing: float
    requests: int
    events: int


@dataclass
class Deployment:
    """A sensor with a cursor and an event log, and no daemon in between."""

    airbyte: AirbyteProcess
    instance: dg.DagsterInstance
    definitions: dg.Definitions
    workspace: AirbyteWorkspace
    sensor: str
    cursor: str | None = None
    ticks: list[Tick] = field(default_factory=list)

    def tick(self) -> Tick:
        self.airbyte.forget_requests()
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            definitions=self.definitions,
            sensor_name=self.sensor,
            resources={"airbyte": self.workspace},
        ) as context:
            sensor = self.definitions.get_repository_def().get_sensor_def(self.sensor)
            start = time.perf_counter()
            result = sensor.evaluate_tick(context)
            seconds = time.perf_counter() - start
        self.cursor = result.cursor
        start = time.perf_counter()
        for event in result.asset_events:
            self.instance.report_runless_asset_event(event)
        storing = time.perf_counter() - start
        requests, events = self.airbyte.requests(), len(result.asset_events)
        self.ticks.append(tick := Tick(seconds, storing, requests, events))
        return tick


@dg.sensor(asset_selection="*")
def nothing(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    return dg.SkipReason("Nothing new.")


def deployment(airbyte: AirbyteProcess, instance: dg.DagsterInstance) -> Deployment:
    workspace = airbyte.workspace()
    made = build_airbyte_definitions(workspace)
    definitions = dg.Definitions.merge(made, dg.Definitions(sensors=[nothing]))
    return Deployment(airbyte, instance, definitions, workspace, "airbyte_sync_sensor")


def rows() -> Iterator[Row]:
    yield from idle()
    yield from backlog()


def idle() -> Iterator[Row]:
    with (
        airbyte_process(MANY, LATENCY) as airbyte,
        tempfile.TemporaryDirectory() as folder,
        dg.DagsterInstance.local_temp(folder) as instance,
    ):
        ours = deployment(airbyte, instance)
        empty = Deployment(airbyte, instance, ours.definitions, ours.workspace, nothing.name)
        ours.tick(), empty.tick()
        for _ in range(IDLE_TICKS):
            ours.tick(), empty.tick()
    mine, other = (_usual(each.ticks[1:]) for each in (ours, empty))
    requests = max(tick.requests for tick in ours.ticks[1:])
    more = mine - other - LATENCY
    yield Row(
        f"idle tick, {MANY} connections",
        f"{mine * 1000:.1f} ms, {requests} request(s)",
        f"an empty sensor {other * 1000:.1f} ms",
        f"{more * 1000:+.1f} ms",
        "1 request",
        requests == 1,
    )


def _usual(ticks: list[Tick]) -> float:
    return statistics.median(tick.seconds for tick in ticks)


def backlog() -> Iterator[Row]:
    with (
        airbyte_process(CONNECTIONS, LATENCY) as airbyte,
        tempfile.TemporaryDirectory() as folder,
        dg.DagsterInstance.local_temp(folder) as instance,
    ):
        ours = deployment(airbyte, instance)
        ours.tick()
        airbyte.backlog(JOBS)
        while ours.tick().events:
            pass
        busy = ours.ticks[1:]
        seconds, storing = (sum(getattr(t, n) for t in busy) for n in ("seconds", "storing"))
        requests, events = sum(t.requests for t in busy), sum(t.events for t in busy)
        ratio = seconds / storing
        yield Row(
            f"backlog of {JOBS:,} jobs x {STREAMS} tables, in the function",
            f"{seconds:.1f} s in {len(busy)} ticks",
            f"Dagster's storing of {events:,} events on SQLite {storing:.1f} s",
            f"{ratio:.2f}",
            "<= 0.25",
            ratio <= 0.25,
        )
        yield Row("backlog: requests", str(requests), "", "", "<= 25", requests <= 25)
        airbyte.sync(CONNECTIONS)
        stored, tables = ours.tick().events, CONNECTIONS * STREAMS
        yield Row(
            "a table's good sync: events stored",
            f"{stored}",
            f"{tables} tables",
            f"{stored / tables:.2f}",
            "1",
            stored == tables,
        )
