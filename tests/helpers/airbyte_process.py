"""A simulated Airbyte in a process of its own, so that it takes no time from what is measured."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

from dagster_airbyte_sync import AirbyteWorkspace
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedStream
from dagster_airbyte_sync.testing.wire.payload import Json, JsonObject

STREAMS = 5
COLUMNS = 10


@dataclass(frozen=True)
class AirbyteProcess:
    """The other end of the pipe."""

    workspace_id: str
    url: str
    pipe: Connection

    def workspace(self) -> AirbyteWorkspace:
        return AirbyteWorkspace(
            workspace_id=self.workspace_id,
            rest_api_base_url=f"{self.url}/api/public/v1",
            configuration_api_base_url=f"{self.url}/api/v1",
        )

    def forget_requests(self) -> None:
        self._ask("forget")

    def requests(self) -> int:
        """How many requests came since they were forgotten."""
        return self._ask("count")

    def sync(self, connections: int) -> int:
        """Let that many connections finish a sync; answers how many tables they write."""
        return self._ask("sync", connections) * STREAMS

    def _ask(self, what: str, number: int = 0) -> int:
        self.pipe.send((what, number))
        answer = self.pipe.recv()
        assert isinstance(answer, int)
        return answer


@contextmanager
def airbyte_process(connections: int, latency: float = 0.0) -> Iterator[AirbyteProcess]:
    """An Airbyte with so many connections, which takes `latency` seconds for each answer."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(connections, latency, there), daemon=True)
    process.start()
    try:
        workspace_id, url = here.recv()
        yield AirbyteProcess(workspace_id, url, here)
    finally:
        here.send(("stop", 0))
        process.join()


def _serve(connections: int, latency: float, pipe: Connection) -> None:
    with AirbyteSimulator(auth="none", latency=latency) as airbyte:
        for number in range(connections):
            airbyte.add_connection(f"connection {number}", _streams(number))
        actions: dict[str, Callable[[int], int]] = {
            "forget": lambda _: _forget(airbyte),
            "count": lambda _: len(airbyte.requests),
            "sync": lambda count: _sync(airbyte, count),
        }
        pipe.send((airbyte.workspace_id, airbyte.url))
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


def _streams(number: int) -> list[SimulatedStream]:
    columns: dict[str, Json] = {f"c{n}": {"type": ["null", "string"]} for n in range(COLUMNS)}
    schema: JsonObject = {"type": "object", "properties": columns}
    names = (f"table_{number}_{n}" for n in range(STREAMS))
    return [SimulatedStream(name, json_schema=schema) for name in names]
