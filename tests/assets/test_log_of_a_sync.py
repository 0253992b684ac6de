"""What the log says of a sync that is followed."""

import pytest

from dagster_airbyte_sync.assets.sync.follow import follow
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    SimulatedConnection,
    SimulatedJob,
    SimulatedStream,
)
from helpers.airbyte_time import Log, client_of, poll_options

STREAMS = [
    SimulatedStream("orders", sync_mode="incremental", rows=1_200_000),
    SimulatedStream("users", rows=50_000),
]


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=STREAMS, sync_seconds=300)


def followed(airbyte: AirbyteSimulator, job: SimulatedJob, log: Log, **changes: object) -> None:
    record = client_of(airbyte).job(job.job_id)
    follow(client_of(airbyte), record, poll_options(airbyte, **changes), log.logger)


def test_once_a_minute_it_says_how_far_the_sync_is(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    job = airbyte.start_sync(shop, unattended=True)
    airbyte.advance(30)
    followed(airbyte, job, log)
    assert log.lines() == [
        "Airbyte job 1 is running: attempt 1, 250,000 rows (25.0 MB) read,"
        " 240,000 rows (24.0 MB) written, 1 min 0 s",
        "Airbyte job 1 is running: attempt 1, 500,000 rows (50.0 MB) read,"
        " 480,000 rows (48.0 MB) written, 2 min 0 s",
        "Airbyte job 1 is running: attempt 1, 750,000 rows (75.0 MB) read,"
        " 720,000 rows (72.0 MB) written, 3 min 0 s",
        "Airbyte job 1 is running: attempt 1, 1,000,000 rows (100.0 MB) read,"
        " 960,000 rows (96.0 MB) written, 4 min 0 s",
        "Airbyte job 1 is succeeded: attempt 1, 1,250,000 rows (125.0 MB) written, 4 min 30 s",
    ]


def test_it_says_each_change_at_once(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    airbyte.update_connection(shop, sync_seconds=30)
    airbyte.plan(shop, failing_attempts=1)
    job = airbyte.start_sync(shop, unattended=True)
    followed(airbyte, job, log, interval=1)
    states = [line.split(",")[0] for line in log.lines()]
    assert states == [
        "Airbyte job 1 is running: attempt 1",
        "Airbyte job 1 is incomplete: attempt 1",
        "Airbyte job 1 is running: attempt 2",
        "Airbyte job 1 is succeeded: attempt 2",
    ]


def test_where_the_configuration_api_is_closed_it_says_what_is_written(log: Log) -> None:
    with AirbyteSimulator(configuration_api=False) as airbyte:
        shop = airbyte.add_connection("shop", streams=STREAMS, sync_seconds=120)
        followed(airbyte, airbyte.begin(airbyte.start_sync(shop, unattended=True)), log)
    assert log.lines() == [
        "Airbyte job 1 is running: 600,000 rows (60.0 MB) written, 1 min 0 s",
        "Airbyte job 1 is succeeded: 1,250,000 rows (125.0 MB) written, 2 min 0 s",
    ]
