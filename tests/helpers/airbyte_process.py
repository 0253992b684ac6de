"""A simulated Airbyte in a process of its own, so that it takes no time from what is measured."""

import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from multiprocessing.connection import Connection
from typing import Any

from dagster_airbyte_sync import AirbyteWorkspace
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedStream
from dagster_airbyte_sync.testing.wire.payload import Json, JsonObject

STREAMS = 5
COLUMNS = 10
_KINDS: tuple[JsonObject, ...] = (
    {"type": ["null", "string"]},
    {"type": ["null", "integer"]},
    {"type": ["null", "number"], "description": "In the currency of the account."},
    {"type": "string", "format": "date-time", "airbyte_type": "timestamp_with_timezone"},
    {"type": ["null", "boolean"]},
    {"type": "object", "properties": {"id": {"type": "string"}, "tags": {"type": "array"}}},
)
# So many connections read one source.
TOGETHER = 10


@dataclass(frozen=True)
class AirbyteProcess:
    """The other end of the pipe."""

    settings: Mapping[str, Any]
    streams: int
    pipe: Connection

    def workspace(self) -> AirbyteWorkspace:
        return AirbyteWorkspace(**self.settings)

    def forget_requests(self) -> None:
        self._ask("forget")

    def requests(self) -> int:
        """How many requests came since they were forgotten."""
        return self._ask("count")

    def sync(self, connections: int) -> int:
        """Let that many connections finish a sync; answers how many tables they write."""
        return self._ask("sync", connections) * self.streams

    def backlog(self, jobs: int) -> int:
        """Let so many syncs end, three seconds apart, of each connection in turn."""
        return self._ask("backlog", jobs) * self.streams

    def _ask(self, what: str, number: int = 0) -> int:
        self.pipe.send((what, number))
        answer = self.pipe.recv()
        assert isinstance(answer, int)
        return answer


@contextmanager
def airbyte_process(
    connections: int, latency: float = 0.0, streams: int = STREAMS
) -> Iterator[AirbyteProcess]:
    """An Airbyte with so many connections, which takes `latency` seconds for each answer."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(
        target=_serve, args=(connections, latency, streams, there), daemon=True
    )
    process.start()
    try:
        yield AirbyteProcess(here.recv(), streams, here)
    finally:
        here.send(("stop", 0))
        process.join()


def _serve(connections: int, latency: float, streams: int, pipe: Connection) -> None:
    with AirbyteSimulator(latency=latency) as airbyte:
        last = None
        for number in range(connections):
            shared = last if number % TOGETHER else None
            name, tables = f"connection {number}", _streams(number, streams)
            last = airbyte.add_connection(name, tables, source_of=shared)
        actions: dict[str, Callable[[int], int]] = {
            "forget": lambda _: _forget(airbyte),
            "count": lambda _: len(airbyte.requests),
            "backlog": lambda jobs: _backlog(airbyte, jobs),
            "sync": lambda count: _sync(airbyte, count),
        }
        pipe.send(airbyte.workspace_config())
        while (question := pipe.recv())[0] != "stop":
            pipe.send(actions[question[0]](question[1]))


def _forget(airbyte: AirbyteSimulator) -> int:
    airbyte.forget_requests()
    return 0


def _sync(airbyte: AirbyteSimulator, count: int) -> int:
    airbyte.advance(60)
    chosen = airbyte.connections[:count]
    for connection in chosen:
        airbyte.run_sync(connection, rows=1000)
    return len(chosen)


def _backlog(airbyte: AirbyteSimulator, jobs: int) -> int:
    for connection in islice(cycle(airbyte.connections), jobs):
        airbyte.advance(3)
        airbyte.run_sync(connection, rows=1000)
    return jobs


def _streams(number: int, count: int) -> list[SimulatedStream]:
    """Tables whose columns have some hundred names and some kinds of types, one of them nested."""
    return [_stream(number * count + place) for place in range(count)]


def _stream(number: int) -> SimulatedStream:
    columns: dict[str, Json] = {
        f"column_{(number * 7 + place) % 997}": _KINDS[(number + place) % len(_KINDS)]
        for place in range(COLUMNS)
    }
    schema: JsonObject = {"type": "object", "properties": columns}
    return SimulatedStream(f"table_{number}", json_schema=schema)
