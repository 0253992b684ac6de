"""A connection that is busy as a sync is to start: `on_active_sync` says what to do."""

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.sync.busy_connection import start_or_attach
from dagster_airbyte_sync.assets.sync.follow import TookTooLong
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    RecordedRequest,
    SimulatedConnection,
)
from helpers.airbyte_time import Log, client_of, poll_options

BUSY = "Airbyte is already running a job on this connection"


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", sync_seconds=300)


def start(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    log: Log,
    choice: str,
    *,
    own: int | None = None,
    **changes: object,
) -> tuple[int, bool]:
    job, started = start_or_attach(
        client_of(airbyte),
        shop.connection_id,
        poll_options(airbyte, on_active_sync=choice, **changes),
        log.logger,
        is_own=lambda job: job.id == own,
        link=lambda job: f"http://airbyte.test/{job.id}",
    )
    return job.id, started


@pytest.mark.parametrize("choice", ["attach", "wait", "fail"])
def test_a_connection_at_rest_is_synced(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, choice: str
) -> None:
    airbyte.run_sync(shop)
    assert start(airbyte, shop, log, choice) == (2, True)


@pytest.mark.parametrize("version", ["2.0.0", "2.1.0"])
@pytest.mark.parametrize("kind", ["sync", "refresh"])
def test_attach_follows_what_runs(version: str, kind: str, log: Log) -> None:
    with AirbyteSimulator(version=version) as airbyte:
        shop = airbyte.add_connection("shop")
        getattr(airbyte, f"start_{kind}")(shop)
        assert start(airbyte, shop, log, "attach") == (1, False)


@pytest.mark.parametrize("choice", ["attach", "fail"])
def test_a_clear_is_never_followed(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, choice: str
) -> None:
    clear = airbyte.start_clear(shop)
    with pytest.raises(dg.Failure) as failure:
        start(airbyte, shop, log, choice)
    assert failure.value.description == BUSY
    assert failure.value.metadata["dagster-airbyte/job_type"].value == "clear"
    assert [job.job_id for job in airbyte.jobs] == [clear.job_id]


def test_fail_names_the_job_that_runs(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    running = airbyte.start_sync(shop)
    with pytest.raises(dg.Failure) as failure:
        start(airbyte, shop, log, "fail")
    assert failure.value.description == BUSY
    assert {key: entry.value for key, entry in failure.value.metadata.items()} == {
        "dagster-airbyte/connection_id": shop.connection_id,
        "dagster-airbyte/job_id": running.job_id,
        "dagster-airbyte/job_type": "sync",
        "dagster-airbyte/job_url": f"http://airbyte.test/{running.job_id}",
    }


@pytest.mark.parametrize("kind", ["sync", "refresh", "reset"])
def test_wait_starts_a_sync_when_what_runs_has_ended(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, kind: str
) -> None:
    running = getattr(airbyte, f"start_{kind}")(shop, unattended=True)
    assert start(airbyte, shop, log, "wait") == (2, True)
    assert running.is_finished
    assert log.lines()[0] == "Waiting for the end of Airbyte job 1: http://airbyte.test/1"


def test_wait_waits_for_the_next_one_too(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    airbyte.start_sync(shop, unattended=True)
    overtaken: list[str] = []

    def overtake(request: RecordedRequest) -> None:
        if airbyte.jobs[0].is_finished and not overtaken:
            overtaken.append(request.path)
            airbyte.start_sync(shop, unattended=True)

    airbyte.on_request(overtake)
    assert start(airbyte, shop, log, "wait") == (3, True)


def test_wait_waits_no_longer_than_poll_timeout_and_cancels_nothing(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    running = airbyte.begin(airbyte.start_sync(shop))
    with pytest.raises(TookTooLong) as failure:
        start(airbyte, shop, log, "wait", timeout=120)
    assert failure.value.description == (
        "What ran on the Airbyte connection before did not end within poll_timeout"
    )
    assert running.status == "running"


@pytest.mark.parametrize("choice", ["attach", "wait", "fail"])
def test_what_this_run_started_itself_is_gone_on_with(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, choice: str
) -> None:
    before = airbyte.start_sync(shop)
    assert start(airbyte, shop, log, choice, own=before.job_id) == (before.job_id, True)


@pytest.mark.parametrize("choice", ["attach", "wait", "fail"])
def test_what_is_just_ending_is_waited_for(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, choice: str
) -> None:
    busy = Fault.status(409, {"title": "try-again-later"})
    airbyte.add_fault(busy, path="/jobs", method="POST", times=3)
    assert start(airbyte, shop, log, choice) == (1, True)


def test_what_is_always_just_ending_is_given_up(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    busy = Fault.status(409, {"title": "try-again-later"})
    airbyte.add_fault(busy, path="/jobs", method="POST", times=None)
    with pytest.raises(dg.Failure) as failure:
        start(airbyte, shop, log, "wait")
    assert failure.value.description == BUSY


def test_what_is_just_ending_is_waited_for_after_a_long_wait_too(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    """The first start finds nothing that runs, the second a sync, the next three nothing again."""
    starts = "/public/v1/jobs"
    busy = Fault.status(409, {"title": "try-again-later"})
    airbyte.add_fault(busy, path=starts, method="POST")
    airbyte.add_fault(busy, path=starts, method="POST", times=3, after=1)

    def overtake(request: RecordedRequest) -> None:
        if len(starts_in(airbyte.requests)) == 2 and not airbyte.jobs:
            airbyte.start_sync(shop, unattended=True)

    airbyte.on_request(overtake)
    assert start(airbyte, shop, log, "wait") == (2, True)


def starts_in(requests: list[RecordedRequest]) -> list[RecordedRequest]:
    return [r for r in requests if r.method == "POST" and r.path.endswith("/public/v1/jobs")]
