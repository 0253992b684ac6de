"""Connections that all sync once an hour, each at a moment of its own."""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection

HOUR = timedelta(hours=1)
# Each sync takes so long, and is written down at most so long before its end; until that it runs.
LENGTH = timedelta(minutes=5)
AHEAD = timedelta(minutes=2)


def add_connections(
    airbyte: AirbyteSimulator, number: int, streams: int
) -> list[SimulatedConnection]:
    return [
        airbyte.add_connection(
            f"connection {place}",
            [f"table_{place}_{stream}" for stream in range(streams)],
            sync_seconds=LENGTH.total_seconds(),
        )
        for place in range(number)
    ]


class HourlySyncs:
    """Their jobs. `begin` is when the first hour begins; all of the jobs succeed."""

    def __init__(
        self,
        airbyte: AirbyteSimulator,
        connections: Sequence[SimulatedConnection],
        begin: datetime,
        seed: int = 1,
    ) -> None:
        self._airbyte = airbyte
        self._ends = _ends(connections, begin, random.Random(seed))
        self._next = next(self._ends)
        self._end_of: dict[int, datetime] = {}

    def go_on(self) -> None:
        """Write all jobs that end soon. It is to be called at least each `AHEAD`."""
        until = self._airbyte.now + AHEAD
        while self._next[0] <= until:
            end, connection = self._next
            job = self._airbyte.add_finished_job(
                connection, created_at=end - LENGTH, updated_at=end, visible_at=end, rows=1000
            )
            self._end_of[job.job_id] = end
            self._next = next(self._ends)

    def ended(self, before: datetime) -> set[int]:
        """The ids of the jobs that had ended then."""
        return {job_id for job_id, end in self._end_of.items() if end <= before}


def _ends(
    connections: Sequence[SimulatedConnection], begin: datetime, chance: random.Random
) -> Iterator[tuple[datetime, SimulatedConnection]]:
    """When each job ends, one after the other without end."""
    moments: Mapping[float, SimulatedConnection] = {
        chance.uniform(0, HOUR.total_seconds()): each for each in connections
    }
    for hour in count():
        for seconds, connection in sorted(moments.items(), key=lambda each: each[0]):
            yield begin + hour * HOUR + timedelta(seconds=seconds), connection
