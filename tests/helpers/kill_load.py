"""Work for a deployment that is being killed: jobs of all kinds in Airbyte, syncs by Dagster."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.kill_runs import Runs, is_sync

CONNECTIONS = 5
STREAMS = 3
_PAUSE = 0.25
_MOST_RUNS = 3


class Demands:
    """The file that the deployment's own sensor reads: a run for each line."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.count = 0
        file.touch()

    def add(self, connection: SimulatedConnection) -> None:
        words = [connection.name, *(stream.name for stream in connection.streams)]
        with self.file.open("a") as file:
            file.write(" ".join(words) + "\n")
        self.count += 1


class Load:
    """Starts something in the simulator now and then; what it starts ends by itself."""

    def __init__(
        self, airbyte: AirbyteSimulator, demands: Demands, runs: Runs, rng: random.Random
    ) -> None:
        self._airbyte = airbyte
        self._runs = runs
        self._demands = demands
        self._rng = rng
        self._connections = airbyte.connections
        self._until_demand = 0.0

    @property
    def demanded(self) -> int:
        """How many runs Dagster was asked for."""
        return self._demands.count

    def step(self) -> None:
        self._until_demand -= _PAUSE
        if self._until_demand <= 0:
            self._until_demand = self._rng.uniform(1.0, 4.0)
            self._demand()
        if self._rng.random() < 0.5:
            # Syncs of the first connection are followed by runs, so it has fewer.
            weights = [0.3 if each is self._connections[0] else 1.0 for each in self._connections]
            self._start_if_free(self._rng.choices(self._connections, weights)[0])

    def _demand(self) -> None:
        if sum(is_sync(run) for run in self._runs.unfinished()) < _MOST_RUNS:
            self._demands.add(self._rng.choice(self._connections[1:]))

    def _start_if_free(self, connection: SimulatedConnection) -> None:
        busy = {job.connection_id for job in self._airbyte.jobs if not job.is_finished}
        if connection.connection_id not in busy:
            self._start(connection)

    def _start(self, connection: SimulatedConnection) -> None:
        self._plan(connection)
        start = self._rng.choices([self._sync, self._refresh, self._clear], [8, 2, 1])[0]
        start(connection)

    def _plan(self, connection: SimulatedConnection) -> None:
        """What will become of its next job."""
        fate = self._rng.random()
        if fate < 0.12:
            self._airbyte.plan(connection, outcome="failed", rows=1)
        elif fate < 0.2:
            self._airbyte.plan(connection, failing_attempts=1, rows=2)
        elif fate < 0.25:
            self._airbyte.plan(connection, outcome="cancelled")
        elif fate < 0.4:
            self._airbyte.plan(connection, rows=0)

    def _sync(self, connection: SimulatedConnection) -> None:
        self._airbyte.start_sync(connection, unattended=True)

    def _refresh(self, connection: SimulatedConnection) -> None:
        names = [stream.name for stream in connection.streams]
        some = self._rng.sample(names, self._rng.randint(1, len(names)))
        self._airbyte.start_refresh(connection, some, unattended=True)

    def _clear(self, connection: SimulatedConnection) -> None:
        self._airbyte.start_clear(connection, unattended=True)


def add_connections(airbyte: AirbyteSimulator) -> None:
    for number in range(CONNECTIONS):
        name = f"shop{number}"
        streams = [f"{name}_{stream}" for stream in ("orders", "users", "items")[:STREAMS]]
        airbyte.add_connection(name, streams, sync_seconds=1.0 + 0.5 * number)


class Steps(Protocol):
    """What applies a load, a little at a time."""

    def step(self) -> None: ...


@contextmanager
def under_load(load: Steps) -> Iterator[None]:
    """Apply the load in a thread of its own; what goes wrong there is raised here in the end."""
    stop = threading.Event()
    wrong: list[BaseException] = []

    def work() -> None:
        try:
            while not stop.wait(_PAUSE):
                load.step()
        except BaseException as error:
            wrong.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if wrong:
        raise wrong[0]
