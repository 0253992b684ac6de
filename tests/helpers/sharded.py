"""Sensors that share the connections, beside a Dagster that lives at Airbyte's time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from random import Random
from uuid import UUID

import dagster as dg

from dagster_airbyte_sync import AirbyteWorkspace, Shard, build_airbyte_definitions
from dagster_airbyte_sync.sensors import polling_of
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.deployment import Deployment, Tick, forget_clients
from helpers.model_clock import ModelClock, dagster_goes_by


class Sharded:
    """A deployment that may be loaded with another number of sensors.

    Dagster keeps the cursor of each name, as long as a sensor of that name is away, too.
    """

    def __init__(
        self,
        airbyte: AirbyteSimulator,
        clock: ModelClock,
        instance: dg.DagsterInstance,
        *more: dg.AssetsDefinition,
        **options: object,
    ) -> None:
        self.airbyte, self.clock, self.instance = airbyte, clock, instance
        self.workspace = AirbyteWorkspace(
            **airbyte.workspace_config(), poll_interval=0.02, request_retry_delay=0.01
        )
        self._more = dg.Definitions(more)
        self._options = {"checks": False, **options}
        self.cursors: dict[str, str | None] = {}
        self.sensors: list[Deployment] = []

    def load(self, shards: int) -> None:
        """In a new code server."""
        self._store_cursors()
        forget_clients()
        built = build_airbyte_definitions(self.workspace, shards=shards, **self._options)  # type: ignore[arg-type]
        defs = dg.Definitions.merge(built, self._more)
        repository = defs.get_repository_def()
        names = sorted(each.name for each in repository.sensor_defs if polling_of(each))
        self.sensors = [
            Deployment(
                self.airbyte, self.workspace, defs, self.instance, name, self.cursors.get(name)
            )
            for name in names
        ]

    def _store_cursors(self) -> None:
        self.cursors |= {each.sensor: each.cursor for each in self.sensors}

    def tick(self, *, crash_after: int | None = None) -> list[Tick]:
        """One tick of each."""
        return [self.tick_of(each, crash_after=crash_after) for each in self.sensors]

    def tick_of(self, sensor: Deployment, *, crash_after: int | None = None) -> Tick:
        sensor.later = self.clock.real - datetime.now(timezone.utc)
        return sensor.tick(crash_after=crash_after)

    def wait(self, by: timedelta) -> None:
        self.airbyte.advance(by)

    def sync(self, connection: SimulatedConnection, after: timedelta = timedelta(0)) -> int:
        """The id of a sync that ends after that time."""
        self.wait(after)
        return self.airbyte.run_sync(connection, rows=1).job_id

    def reported(self, connection: SimulatedConnection) -> list[list[int | None]]:
        """For each table of the connection the ids of its materializations, in their order."""
        return [self.sensors[0].reported(each.name) for each in connection.streams]

    def synced(self, connection: SimulatedConnection) -> list[int]:
        """The ids of its syncs, in their order."""
        own = connection.connection_id
        return [each.job_id for each in self.airbyte.jobs if each.connection_id == own]

    def check_each_sync_is_reported_once(self) -> None:
        for connection in self.airbyte.connections:
            ids = self.synced(connection)
            assert self.reported(connection) == [ids for _ in connection.streams], connection.name

    def come_to_rest(self) -> None:
        for _ in range(40):
            if not any(tick.events or tick.requests for tick in self.tick()):
                return
        raise AssertionError(f"still not at rest: {self.sensors[0].ticks[-1].summary}")

    def of(self, connection: SimulatedConnection) -> Deployment:
        """The sensor that has the connection."""
        shards = Shard.each(len(self.sensors))
        places = [n for n, each in enumerate(shards) if each.has(connection.connection_id)]
        return self.sensors[places[0]]


def ids_of(connections: int, seed: int = 0) -> list[str]:
    """The same in each test, so that the same ones share a sensor."""
    random = Random(seed)
    return [str(UUID(int=random.getrandbits(128))) for _ in range(connections)]


@contextmanager
def sharded(
    instance: dg.DagsterInstance,
    connections: int,
    *more: dg.AssetsDefinition,
    seed: int = 0,
    **options: object,
) -> Iterator[Sharded]:
    """With so many connections, c0 and so on, which have not synced yet; not loaded."""
    clock = ModelClock(timedelta(0))
    with AirbyteSimulator(clock=clock) as airbyte, dagster_goes_by(clock):
        for number, connection_id in enumerate(ids_of(connections, seed)):
            streams = [f"t{number}_a", f"t{number}_b"]
            airbyte.add_connection(f"c{number}", streams, connection_id=connection_id)
        yield Sharded(airbyte, clock, instance, *more, **options)
