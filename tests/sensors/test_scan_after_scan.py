"""Scan after scan over made-up histories: whatever waits, is cut short or cannot be read, each job
is come to once, and those of a connection in order.

Only what decides, without Airbyte and Dagster: thousands of ticks take seconds.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import cast

import pytest

from dagster_airbyte_sync import Job, JobStatus, JobType
from dagster_airbyte_sync.resources import NO_LIMIT, AirbyteClient, OutOfTime, TimeBudget
from dagster_airbyte_sync.sensors import cursor_advance
from dagster_airbyte_sync.sensors.cursor.cursor import first_cursor, read_cursor
from dagster_airbyte_sync.sensors.cursor_advance import move
from dagster_airbyte_sync.sensors.decision import Decision
from dagster_airbyte_sync.sensors.reading.scan import HistoryScan, Scan
from helpers.finished_jobs import NOON

CONNECTIONS = [f"c{number}" for number in range(5)]


@dataclass
class HistoryOfAirbyte:
    """Lists the jobs that are committed by `now` (seconds after noon); `pages` until time is up."""

    random: Random
    now: int = 0
    jobs: list[tuple[Job, int]] = field(default_factory=list)
    pages: int | None = None

    def go_on(self) -> None:
        """Some jobs end, a few of them are committed late, many in one second."""
        began, self.now = self.now, self.now + self.random.randint(5, 600)
        for connection in CONNECTIONS:
            for _ in range(self.random.choice([0, 0, 0, 1, 1, 2])):
                ends = [began + 1, self.random.randint(began + 1, self.now)]
                self._end(connection, self.random.choice(ends))

    def _end(self, connection: str, second: int) -> None:
        own = [job for job, _ in self.jobs if job.connection_id == connection]
        after = max((job.ended_at for job in own if job.ended_at), default=NOON)
        ended_at = max(NOON + timedelta(seconds=second), after)
        late = self.random.choice([0, 0, 0, 0, self.random.randint(1, 200)])
        job = Job(
            id=len(self.jobs) + 1,
            connection_id=connection,
            type=JobType.SYNC,
            status=JobStatus.SUCCEEDED,
            created_at=ended_at - timedelta(seconds=2),
            updated_at=ended_at,
        )
        self.jobs.append((job, second + late))

    def finished_jobs(
        self,
        since: datetime,
        budget: TimeBudget,
        unreadable: Callable[[int], None],
        *of_instances: object,
    ) -> Iterator[Job]:
        known = [job for job, committed in self.jobs if committed <= self.now]
        known.sort(key=lambda job: (job.ended_at, job.created_at, job.id))
        for place, job in enumerate(job for job in known if job.ended_at and job.ended_at >= since):
            if place == self.pages:
                raise OutOfTime("The tick has no more time.")
            yield job


@dataclass
class Sensor:
    """Ticks with whatever may keep a connection's jobs from being reported just now."""

    history: HistoryOfAirbyte
    cursor: str = field(default_factory=lambda: first_cursor("w", NOON).to_text())
    reported: list[Job] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)

    def tick(self, *, disturbed: bool) -> None:
        random = self.history.random
        for connection in CONNECTIONS:
            if disturbed and random.random() < 0.1:
                self.unreadable ^= {connection}
            if disturbed and random.random() < 0.2:
                self.waiting ^= {connection}
        if not disturbed:
            self.unreadable, self.waiting = set(), set()
        self.history.pages = (
            random.choice([None, None, random.randint(1, 6)]) if disturbed else None
        )
        most = random.choice([None, None, random.randint(0, 6)]) if disturbed else None
        cursor = read_cursor(self.cursor, "w")
        scan = HistoryScan(cast(AirbyteClient, self.history), cursor, NO_LIMIT).go_on(
            lambda job: 1, enough=10**9
        )
        now = NOON + timedelta(seconds=self.history.now)
        moved = move(cursor, scan, self._decide(scan, most), int(now.timestamp()), now)
        back = moved.parked - self.unreadable
        self.cursor = moved.brought_back(sorted(back), int(now.timestamp())).to_text()

    def _decide(self, scan: Scan, most: int | None) -> Decision:
        waits: list[Job] = []
        reported = 0
        for place, job in enumerate(scan.new):
            blocked = {each.connection_id for each in waits} | self.unreadable | self.waiting
            if job.connection_id in blocked:
                waits.append(job)
            elif reported == most:
                return Decision((), tuple(waits), scan.new[place:], frozenset(self.unreadable))
            else:
                reported += 1
                if job not in self.reported:
                    self.reported.append(job)
        return Decision((), tuple(waits), (), frozenset(self.unreadable))


@pytest.mark.parametrize("most_pending", [2, 800], ids=["little room", "room for all"])
@pytest.mark.parametrize("seed", range(0, 120, 20))
def test_every_job_is_come_to_and_in_order(
    monkeypatch: pytest.MonkeyPatch, seed: int, most_pending: int
) -> None:
    monkeypatch.setattr(cursor_advance, "MOST_PENDING", most_pending)
    for one in range(seed, seed + 20):
        history = HistoryOfAirbyte(Random(one))
        sensor = Sensor(history)
        for _ in range(40):
            history.go_on()
            sensor.tick(disturbed=True)
        for _ in range(30):
            history.now += 60
            sensor.tick(disturbed=False)

        assert {job.id for job in sensor.reported} == {job.id for job, _ in history.jobs}
        assert out_of_order(sensor.reported, {job.id: at for job, at in history.jobs}) == []


def out_of_order(reported: list[Job], committed: dict[int, int]) -> list[tuple[int, int]]:
    """Jobs that were come to after a later one of their connection, though that was not committed
    before them."""
    return [
        (job.id, later.id)
        for place, job in enumerate(reported)
        for later in reported[:place]
        if later.connection_id == job.connection_id
        and later.id > job.id
        and committed[later.id] >= committed[job.id]
    ]
