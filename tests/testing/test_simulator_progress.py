"""What a running sync has moved so far, as both APIs report it."""

from collections.abc import Iterator
from typing import Any

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection, SimulatedStream
from helpers.simulated import Client

STREAMS = [
    SimulatedStream("orders", sync_mode="incremental", rows=1000),
    SimulatedStream("users", rows=500),
]


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        yield airbyte


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=STREAMS, sync_seconds=100)


def totals(airbyte: AirbyteSimulator, job_id: int) -> tuple[int, int]:
    """Rows read and rows committed so far, by the Configuration API."""
    answer: dict[str, Any] = (
        Client(airbyte).configuration("/jobs/get_without_logs", {"id": job_id}).json()
    )
    stats = answer["job"]["aggregatedStats"]
    return stats["recordsEmitted"], stats["recordsCommitted"]


def test_nothing_is_reported_before_the_first_flush(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    job = airbyte.start_sync(shop, unattended=True)
    airbyte.advance(15)
    assert totals(airbyte, job.job_id) == (0, 0)


def test_a_running_sync_shows_what_it_has_read_and_what_incremental_streams_have_committed(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    job = airbyte.start_sync(shop, unattended=True)
    airbyte.advance(10)
    airbyte.advance(59)
    assert totals(airbyte, job.job_id) == (750, 500)
    assert Client(airbyte).get(f"/jobs/{job.job_id}").json()["rowsSynced"] == 500


def test_in_the_end_all_is_committed(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> None:
    job = airbyte.start_sync(shop, unattended=True)
    airbyte.advance(60)
    airbyte.advance(60)
    assert totals(airbyte, job.job_id) == (1500, 1500)


def test_a_test_says_how_far_its_own_job_is(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    job = airbyte.report_progress(airbyte.start_sync(shop), rows={"orders": 7, "users": 2})
    assert totals(airbyte, job.job_id) == (9, 7)
