"""The Airbyte of the model, and what happens to it as a whole."""

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    SimulatedConnection,
    SimulatedJob,
)
from helpers.model_clock import ModelClock
from helpers.model_jobs import id_of
from helpers.model_score import SCORE
from helpers.model_truth import Truth

LETTERS = "abcdefgh"


@dataclass(frozen=True)
class Kind:
    """What kind of deployment a history is of.

    `events` is how many events a tick reports at most, and `look_back` the sensors' `start_from`.
    """

    clock_is_off: timedelta = timedelta(0)
    version: str = "2.1.0"
    configuration_api: bool = True
    page: int = 100
    events: int = 250
    checks: bool = False
    look_back: timedelta = timedelta(days=1)


class ModelAirbyte:
    """A simulated Airbyte and the record of what it did."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.stack = ExitStack()
        self.clock = ModelClock(kind.clock_is_off)
        simulator = AirbyteSimulator(
            clock=self.clock, version=kind.version, configuration_api=kind.configuration_api
        )
        self.airbyte = self.stack.enter_context(simulator)
        self.truth = Truth(self.airbyte, self.clock)
        self.connections_made = 0
        self.clock_was_set = False

    @property
    def connections(self) -> list[SimulatedConnection]:
        """Those that are not deleted."""
        return [each for each in self.airbyte.connections if each.status != "deprecated"]

    @property
    def attended(self) -> list[SimulatedJob]:
        """Jobs that go on only when a test says so."""
        return [job for job in self.airbyte.jobs if not job.is_finished and not job.unattended]

    def can_sync(self, connection: SimulatedConnection) -> bool:
        """Whether a sync could start now."""
        return connection.status == "active" and not self.is_busy(connection)

    def is_busy(self, connection: SimulatedConnection) -> bool:
        unfinished = (job for job in self.airbyte.jobs if not job.is_finished)
        return any(job.connection_id == connection.connection_id for job in unfinished)

    def add_connection(self, streams: int) -> SimulatedConnection:
        self.connections_made += 1
        key = f"c{self.connections_made}"
        return self.airbyte.add_connection(key, streams_of(key, streams), connection_id=id_of(key))

    def change_streams(self, connection: SimulatedConnection, streams: int) -> None:
        named = streams_of(connection.connection_id[:2], streams)
        self.truth.taken_away |= {stream.name for stream in connection.streams} - {*named}
        self.airbyte.update_connection(connection, streams=named)

    def streams_gone(self, connection: SimulatedConnection) -> list[str]:
        """What a connection once synced and does not any more."""
        key = connection.connection_id[:2]
        there = {stream.name for stream in connection.streams}
        taken = self.truth.taken_away - there
        return sorted(name for name in taken if name.startswith(f"{key}_"))

    def add_fault(self, fault: Fault, path: str | None, times: int) -> None:
        self.airbyte.add_fault(fault, path=path, times=times)
        SCORE.faults += 1

    def end_in_one_second(
        self, connections: Iterable[SimulatedConnection], times: int, how: str
    ) -> None:
        """Let each of them have so many jobs that begin and end at once."""
        for connection in connections:
            for _ in range(times):
                if self.can_sync(connection):
                    self.end(self.airbyte.start_sync(connection), how)

    def end(self, job: SimulatedJob, how: str) -> None:
        if how == "succeed":
            self.airbyte.succeed(job, rows=1)
        elif how == "fail":
            self.airbyte.fail(job)
        else:
            self.airbyte.cancel(job)

    def restore(self, ago: timedelta, *, fail_unfinished: bool) -> None:
        """Put a backup of so long ago in the place of all jobs, which takes some seconds."""
        self.truth.look()
        self.airbyte.restore(self.airbyte.now - ago, fail_unfinished=fail_unfinished)
        self.truth.jobs.restored()
        self.airbyte.advance(3)
        SCORE.restores += 1

    def set_clock(self, by: timedelta) -> None:
        """Set Airbyte's clock ahead, or back."""
        self.truth.clock_is_set()
        self.airbyte.set_clock(self.airbyte.now + by)
        self.clock_was_set = True
        SCORE.clocks_set += 1


def streams_of(key: str, count: int) -> list[str]:
    return [f"{key}_{letter}" for letter in LETTERS[:count]]
