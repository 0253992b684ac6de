"""What a tick of the sensor costs.

Wanted: an idle tick sends one request and takes as long for 600 connections as for 10. Measured
is the tick itself, as the code server runs it; storing its events is up to Dagster. Run it with
`make bench`.
"""

import logging
import time
from dataclasses import dataclass

import dagster as dg

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_definitions
from helpers.airbyte_process import AirbyteProcess, airbyte_process

LATENCY = 0.02
IDLE_TICKS = 20
# Of 5 streams each, so 125 tables: a materialization and a check for each.
BUSY_CONNECTIONS = 25


@dataclass(frozen=True)
class Tick:
    seconds: float
    requests: int
    events: int


class Deployment:
    """The sensor with a cursor and an event log, and no daemon in between."""

    def __init__(self, airbyte: AirbyteProcess, instance: dg.DagsterInstance) -> None:
        self._airbyte = airbyte
        self._workspace: AirbyteWorkspace = airbyte.workspace()
        self._definitions = build_airbyte_definitions(self._workspace)
        self._sensor = self._definitions.get_repository_def().get_sensor_def("airbyte_sync_sensor")
        self._instance = instance
        self._cursor: str | None = None

    def tick(self) -> Tick:
        self._airbyte.forget_requests()
        with dg.build_sensor_context(
            instance=self._instance,
            cursor=self._cursor,
            definitions=self._definitions,
            sensor_name=self._sensor.name,
            resources={"airbyte": self._workspace},
        ) as context:
            start = time.perf_counter()
            result = self._sensor.evaluate_tick(context)
            seconds = time.perf_counter() - start
        self._cursor = result.cursor
        for event in result.asset_events:
            self._instance.report_runless_asset_event(event)
        return Tick(seconds, self._airbyte.requests(), len(result.asset_events))


def measure(connections: int) -> tuple[Tick, list[Tick]]:
    """An idle tick (the slowest of the later ones) and two busy ones, the first on an empty log."""
    with (
        airbyte_process(connections, LATENCY) as airbyte,
        dg.DagsterInstance.ephemeral() as instance,
    ):
        deployment = Deployment(airbyte, instance)
        deployment.tick()
        idle = [deployment.tick() for _ in range(IDLE_TICKS)]
        busy = []
        for _ in range(2):
            airbyte.sync(min(BUSY_CONNECTIONS, connections))
            busy.append(deployment.tick())
    return max(idle, key=lambda tick: (tick.requests, tick.seconds)), busy


def main() -> None:
    logging.disable(logging.INFO)
    print(f"A tick of the sensor, {LATENCY * 1000:.0f} ms an answer")
    for connections in (10, 600):
        idle, busy = measure(connections)
        print(f"{connections:4} connections, idle:  {_shown(idle)} (the slowest of {IDLE_TICKS})")
        for tick in busy:
            print(f"{connections:4} connections, busy:  {_shown(tick)}")


def _shown(tick: Tick) -> str:
    return f"{tick.seconds:.2f} s, {tick.requests} requests, {tick.events} events"


if __name__ == "__main__":
    main()
