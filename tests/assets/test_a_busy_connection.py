"""A connection that is busy as a sync is to start: `on_active_sync` says what to do."""

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.sync.busy_connection import start_or_attach
from dagster_airbyte_sync.assets.sync.follow import TookTooLong
from dagster_airbyte_sync.resources import JobRequest
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
    by: str | None = None,
    **changes: object,
) -> tuple[int, bool]:
    job, started = start_or_attach(
        client_of(airbyte),
        JobRequest(shop.connection_id),
        poll_options(airbyte, on_active_sync=choice, **changes),
        log.logger,
        is_own=lambda job: job.id == own,
        link=lambda job: f"http://airbyte.test/{job.id}",
        name="shop",
        started_by=lambda job: by,
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
    said = failure.value.description or ""
    assert said.startswith(BUSY)
    assert "job 1, a clear, since" in said
    assert "on_active_sync='attach'" not in said
    assert failure.value.metadata["dagster-airbyte/job_type"].value == "clear"
    assert [job.job_id for job in airbyte.jobs] == [clear.job_id]


@pytest.mark.parametrize(
    ("by", "who"),
    [
        (None, "started in Airbyte or by its API"),
        ("5ae6b09b-fdec-41af-aaf7-7d94cfc33ef6", "started by Dagster's run 5ae6b09b-fdec-"),
    ],
)
def test_fail_names_the_connection_the_job_that_runs_who_started_it_and_what_to_do(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, by: str | None, who: str
) -> None:
    running = airbyte.begin(airbyte.start_sync(shop))
    airbyte.advance(130)
    since = f"{running.created_at:%Y-%m-%d %H:%M} UTC (2 min 10 s ago)"
    with pytest.raises(dg.Failure) as failure:
        start(airbyte, shop, log, "fail", by=by)
    said = failure.value.description or ""
    first, second = said.split("\n")
    named = f"{BUSY}: 'shop' ({shop.connection_id}), job {running.job_id}, a sync, since {since}"
    assert first.startswith(f"{named}, {who}")
    assert first.endswith(f". http://airbyte.test/{running.job_id}")
    assert second == (
        "With on_active_sync='attach' on the workspace a run follows it; with on_active_sync='wait'"
        " a run syncs when it has ended. Or materialize again after its end."
    )
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


@pytest.mark.parametrize(
    ("kind", "followed"), [("sync", (2, False)), ("refresh", (2, False)), ("clear", (3, True))]
)
def test_of_those_that_wait_one_starts_the_next_sync_and_the_others_follow_it(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    log: Log,
    kind: str,
    followed: tuple[int, bool],
) -> None:
    """Whoever that was: what began after the wait is as good as one's own, unless it is a clear."""
    airbyte.start_sync(shop, unattended=True)
    overtaken: list[str] = []

    def overtake(request: RecordedRequest) -> None:
        if airbyte.jobs[0].is_finished and not overtaken:
            overtaken.append(request.path)
            getattr(airbyte, f"start_{kind}")(shop, unattended=True)

    airbyte.on_request(overtake)
    assert start(airbyte, shop, log, "wait") == followed


def test_waiting_has_a_limit_of_its_own_and_cancels_nothing(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    running = airbyte.begin(airbyte.start_sync(shop))
    begun = airbyte.now
    with pytest.raises(TookTooLong) as failure:
        start(airbyte, shop, log, "wait", timeout=60, wait_timeout=120)
    said = failure.value.description or ""
    assert said.startswith(
        "What was running on the Airbyte connection did not end within wait_timeout: 'shop'"
    )
    assert "job 1, a sync, since" in said
    assert failure.value.metadata["wait_timeout"].value == 120
    assert 120 < (airbyte.now - begun).total_seconds() < 180
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
    assert failure.value.description == (
        f"{BUSY}: 'shop' ({shop.connection_id}). Airbyte does not list that job."
        " Materialize again in some minutes."
    )


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
