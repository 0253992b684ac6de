"""A schedule starts hundreds of syncs at two in the morning, and Airbyte has room for twenty."""

import os
import random
import time
import uuid
from collections.abc import Callable
from datetime import datetime

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, RecordedRequest, SimulatedJob
from helpers.queued import Queued, queued
from helpers.start_jobs import JOBS

CONNECTIONS = int(os.environ.get("NIGHT_CONNECTIONS", "500"))
PLACES = 20
# Seconds of Airbyte's clock between two ticks: the fewer, the longer the test takes.
TICK = 1500


@pytest.fixture
def night(airbyte: AirbyteSimulator, memory: dg.DagsterInstance) -> Queued:
    """Syncs that take between a quarter of an hour and an hour and a half."""
    chance = random.Random(0)
    for number in range(CONNECTIONS):
        airbyte.add_connection(
            f"connection {number}",
            streams=[f"table_{number}"],
            connection_id=str(uuid.UUID(int=number + 1)),
            sync_seconds=chance.uniform(900, 5400),
        )
    return queued(airbyte, memory, max_running=PLACES)


def test_a_night_stays_at_twenty_and_syncs_each_connection_once(
    night: Queued, record_property: Callable[[str, object], None]
) -> None:
    airbyte, began = night.airbyte, time.process_time()
    at_once: list[int] = []

    def count(request: RecordedRequest) -> None:
        if (request.method, request.path) == ("POST", JOBS):
            at_once.append(len(night.running()))

    airbyte.on_request(count)
    night.run()
    ticks, left = 0, CONNECTIONS
    while left:
        tick = night.go_on()
        ticks += 1
        left = CONNECTIONS - len(airbyte.jobs)
        if left:
            assert len(night.running()) == PLACES, tick.summary
        airbyte.advance(TICK)

    assert len({job.connection_id for job in airbyte.jobs}) == len(airbyte.jobs) == CONNECTIONS
    assert max(at_once) < PLACES
    assert most_at_once(airbyte.jobs) == PLACES
    seconds = time.process_time() - began
    record_property(
        "measured", f"{CONNECTIONS} syncs in {ticks} ticks took {seconds:.0f} s of one core"
    )


def most_at_once(jobs: list[SimulatedJob]) -> int:
    """How many ran at one moment; one that ends as another begins does not count with it."""
    moments: list[tuple[datetime, int]] = []
    for job in jobs:
        moments += [(job.created_at, 1), (job.updated_at, -1)] if job.is_finished else []
    running = most = 0
    for _, change in sorted(moments):
        running += change
        most = max(most, running)
    return most
