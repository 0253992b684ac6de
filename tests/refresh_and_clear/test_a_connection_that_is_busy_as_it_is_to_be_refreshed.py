"""What a run does that is to refresh or clear, or gets something else than it asked for."""

from collections.abc import Callable
from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.event_log.sync_claim import ClaimStatus
from dagster_airbyte_sync.assets.sync.busy_connection import start_or_attach
from dagster_airbyte_sync.assets.sync.follow import TookTooLong
from dagster_airbyte_sync.resources import AirbyteError, JobRequest
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    RecordedRequest,
    SimulatedConnection,
)
from helpers.airbyte_time import Log, client_of, poll_options
from helpers.refreshes import CLEAR, JOBS, REFRESH, clear_of, refresh_of, sent, sync_of

Ask = Callable[[SimulatedConnection], JobRequest]
BOTH = pytest.mark.parametrize("ask", [refresh_of, clear_of])


def start(
    airbyte: AirbyteSimulator,
    request: JobRequest,
    log: Log,
    choice: str,
    *,
    own: int | None = None,
    said: list[ClaimStatus] | None = None,
    stored_after: int | None = None,
    **changes: object,
) -> tuple[int, bool]:
    job, started = start_or_attach(
        client_of(airbyte),
        request,
        poll_options(airbyte, on_active_sync=choice, **changes),
        log.logger,
        is_own=lambda job: job.id == own,
        link=lambda job: f"http://airbyte.test/{job.id}",
        name="shop",
        say=([] if said is None else said).append,
        stored_after=stored_after,
    )
    return job.id, started


def kinds(airbyte: AirbyteSimulator) -> list[tuple[str, str]]:
    return [(job.type, job.status) for job in airbyte.jobs]


@BOTH
@pytest.mark.parametrize("choice", ["attach", "fail"])
@pytest.mark.parametrize("kind", ["sync", "refresh", "clear"])
def test_what_somebody_else_started_is_not_followed(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, ask: Ask, choice: str, kind: str
) -> None:
    """Of a refresh, too, Airbyte does not say in which mode it is."""
    airbyte.begin(getattr(airbyte, f"start_{kind}")(shop))
    with pytest.raises(dg.Failure) as failure:
        start(airbyte, ask(shop), log, choice)

    first, second = (failure.value.description or "").split("\n")
    assert first.startswith("Airbyte is already running a job on this connection: 'shop'")
    assert second == (
        "With on_active_sync='wait' on the workspace a run starts its"
        f" {ask(shop).type.value} when it has ended. Or materialize again after its end."
    )
    assert (len(airbyte.jobs), sent(airbyte)) == (1, [])


@BOTH
@pytest.mark.parametrize("kind", ["sync", "refresh", "clear"])
def test_wait_starts_it_when_what_runs_has_ended(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, ask: Ask, kind: str
) -> None:
    getattr(airbyte, f"start_{kind}")(shop, unattended=True)
    assert start(airbyte, ask(shop), log, "wait") == (2, True)
    assert airbyte.jobs[0].status == "succeeded"
    assert airbyte.jobs[1].type == ("refresh" if ask is refresh_of else "reset")


@BOTH
def test_what_began_while_it_waited_is_waited_for_too(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, ask: Ask
) -> None:
    """Unlike for a sync, it is not as good as its own."""
    airbyte.start_sync(shop, unattended=True)
    _once(airbyte, lambda: airbyte.jobs[0].is_finished, lambda: _sync(airbyte, shop))
    assert start(airbyte, ask(shop), log, "wait") == (3, True)


@BOTH
def test_waiting_has_a_limit_and_sends_nothing(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, ask: Ask
) -> None:
    airbyte.begin(airbyte.start_sync(shop))
    with pytest.raises(TookTooLong) as failure:
        start(airbyte, ask(shop), log, "wait", wait_timeout=120)
    assert f"No {ask(shop).type.value} was started" in (failure.value.description or "")
    assert sent(airbyte) == []


@BOTH
@pytest.mark.parametrize("choice", ["attach", "wait", "fail"])
def test_its_own_job_that_still_runs_is_gone_on_with(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, ask: Ask, choice: str
) -> None:
    kind = "refresh" if ask is refresh_of else "clear"
    own = getattr(airbyte, f"start_{kind}")(shop)
    assert start(airbyte, ask(shop), log, choice, own=own.job_id) == (1, True)
    assert sent(airbyte) == []


@pytest.mark.parametrize("choice", ["attach", "fail"])
@pytest.mark.parametrize("kind", ["refresh", "clear"])
def test_its_own_job_of_other_streams_is_not_gone_on_with(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, kind: str, choice: str
) -> None:
    """Its run was run again with another selection."""
    own = getattr(airbyte, f"start_{kind}")(shop, ["users"])
    request = refresh_of(shop, "orders") if kind == "refresh" else clear_of(shop, "orders")
    with pytest.raises(dg.Failure, match="already running"):
        start(airbyte, request, log, choice, own=own.job_id)


def test_a_sync_of_the_run_that_is_run_again_to_refresh_is_not_gone_on_with(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    own = airbyte.start_sync(shop)
    with pytest.raises(dg.Failure, match="already running"):
        start(airbyte, refresh_of(shop), log, "fail", own=own.job_id)


# A refresh that Airbyte has stored, as a sync began just before it


@pytest.mark.parametrize("choice", ["attach", "wait", "fail"])
def test_a_stored_refresh_is_waited_for_and_not_sent_again(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, choice: str
) -> None:
    _once(airbyte, lambda: _is_sent(airbyte, REFRESH), lambda: _sync(airbyte, shop))

    assert start(airbyte, refresh_of(shop, "orders"), log, choice) == (2, True)

    assert kinds(airbyte) == [("sync", "succeeded"), ("refresh", "running")]
    assert airbyte.jobs[1].named == (("orders", None),)
    assert [path for path, _ in sent(airbyte)] == [REFRESH, JOBS]
    assert "Airbyte postponed the refresh" in log.lines(30)[0]


@pytest.mark.parametrize("ends", [False, True])
def test_a_stored_refresh_that_a_schedule_starts_is_followed(
    airbyte: AirbyteSimulator, log: Log, ends: bool
) -> None:
    shop = airbyte.add_connection("shop", sync_seconds=5 if ends else 100)
    _once(airbyte, lambda: _is_sent(airbyte, REFRESH), lambda: _sync(airbyte, shop))
    _once(
        airbyte,
        lambda: len(airbyte.jobs) == 1 and airbyte.jobs[0].is_finished,
        lambda: _by_schedule(airbyte, shop, ends=ends),
    )

    assert start(airbyte, refresh_of(shop), log, "fail") == (2, False)

    assert [job.type for job in airbyte.jobs] == ["sync", "refresh"]
    assert [path for path, _ in sent(airbyte)] in ([REFRESH], [REFRESH, JOBS])


def test_a_stored_refresh_whose_turn_does_not_come_is_named_in_the_end(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    _once(
        airbyte, lambda: _is_sent(airbyte, REFRESH), lambda: airbyte.begin(airbyte.start_sync(shop))
    )
    with pytest.raises(TookTooLong) as failure:
        start(airbyte, refresh_of(shop), log, "fail", wait_timeout=120)
    assert (failure.value.description or "").endswith(
        "Airbyte postponed the refresh: the connection's next job is a refresh."
    )


def test_a_sync_in_the_place_of_a_stored_refresh_is_no_refresh(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    """Somebody has taken it back: saved the connection's streams, for example."""
    _once(airbyte, lambda: _is_sent(airbyte, REFRESH), lambda: _sync(airbyte, shop))
    _once(airbyte, lambda: _is_sent(airbyte, JOBS), shop.stored.take_refreshes)
    with pytest.raises(dg.Failure) as failure:
        start(airbyte, refresh_of(shop), log, "fail")
    assert failure.value.description == (
        "Airbyte has started job 2, a sync, instead of the refresh: http://airbyte.test/2"
    )
    assert failure.value.allow_retries is False


@pytest.mark.parametrize("ends", [False, True])
def test_a_refresh_that_is_stored_for_an_earlier_try_is_not_sent_again(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, ends: bool
) -> None:
    running = airbyte.start_sync(shop, unattended=not ends)
    airbyte.store_refresh(shop, ["orders"])
    if ends:
        airbyte.succeed(running)
    assert start(airbyte, refresh_of(shop, "orders"), log, "fail", stored_after=1) == (2, True)
    assert kinds(airbyte) == [("sync", "succeeded"), ("refresh", "running")]
    assert REFRESH not in [path for path, _ in sent(airbyte)]


# What a run says, by which its next try knows whether anything was sent


@BOTH
def test_where_nothing_was_sent_nothing_is_said(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, ask: Ask
) -> None:
    airbyte.begin(airbyte.start_sync(shop))
    assert said_in_vain(airbyte, ask(shop), log) == []
    airbyte.succeed(airbyte.jobs[0])
    airbyte.update_connection(shop, status="inactive")
    assert said_in_vain(airbyte, ask(shop), log) == []


@BOTH
@pytest.mark.parametrize("fault", [Fault.status(403), Fault.blocked(404), Fault.rate_limited()])
def test_a_start_that_is_refused_is_taken_back(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, ask: Ask, fault: Fault
) -> None:
    airbyte.add_fault(fault, path=REFRESH if ask is refresh_of else CLEAR)
    assert said_in_vain(airbyte, ask(shop), log) == ["starting", "not_started"]


@BOTH
def test_a_start_that_was_not_answered_is_not_taken_back(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, ask: Ask
) -> None:
    airbyte.add_fault(Fault.drop(), path=REFRESH if ask is refresh_of else CLEAR)
    assert said_in_vain(airbyte, ask(shop), log) == ["starting", "unanswered"]


def test_what_the_public_api_cannot_start_is_taken_back(log: Log) -> None:
    with AirbyteSimulator(configuration_api=False) as airbyte:
        shop = airbyte.add_connection("shop")
        assert said_in_vain(airbyte, refresh_of(shop), log) == ["starting", "not_started"]


def test_a_stored_refresh_is_said_to_be_stored(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    said: list[ClaimStatus] = []
    _once(airbyte, lambda: _is_sent(airbyte, REFRESH), lambda: _sync(airbyte, shop))
    start(airbyte, refresh_of(shop, "orders"), log, "fail", said=said)
    assert said == ["starting", "stored", "starting"]


def test_so_is_one_behind_a_stored_clear(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    said: list[ClaimStatus] = []
    airbyte.store_clear(shop, ["orders"])
    start(airbyte, refresh_of(shop, "users"), log, "fail", said=said)
    assert said == ["starting", "stored", "starting"]


def test_a_sync_says_so_only_if_it_has_waited(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    said: list[ClaimStatus] = []
    airbyte.start_sync(shop, unattended=True)
    start(airbyte, sync_of(shop), log, "wait", said=said)
    airbyte.succeed(airbyte.jobs[-1])
    assert said == ["starting"]
    start(airbyte, sync_of(shop), log, "wait", said=said)
    assert said == ["starting"]


def said_in_vain(airbyte: AirbyteSimulator, request: JobRequest, log: Log) -> list[ClaimStatus]:
    said: list[ClaimStatus] = []
    with pytest.raises((dg.Failure, AirbyteError)):
        start(airbyte, request, log, "fail", said=said)
    return said


# A clear that Airbyte has stored


@pytest.mark.parametrize("choice", ["attach", "wait", "fail"])
def test_a_sync_that_comes_out_as_a_stored_clear_is_started_after_it(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, choice: str
) -> None:
    """A clear leaves the tables empty."""
    airbyte.store_clear(shop, ["orders"])
    assert start(airbyte, sync_of(shop), log, choice) == (2, True)
    assert kinds(airbyte) == [("reset", "succeeded"), ("sync", "running")]
    assert log.lines(30) == [
        "Airbyte had postponed a clear of the connection, and has started that instead of the sync:"
        " job 1. The sync starts when the clear has ended."
    ]


def test_a_stored_clear_that_fails_stays_stored_and_fails_the_run(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    airbyte.store_clear(shop)
    airbyte.plan(shop, outcome="failed")
    with pytest.raises(dg.Failure, match="The Airbyte clear failed"):
        start(airbyte, sync_of(shop), log, "fail")
    assert kinds(airbyte) == [("reset", "failed")]


def test_a_refresh_behind_a_stored_clear_is_found_after_it_and_not_sent_again(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    """Airbyte starts the clear, stores the refresh, and answers with an error."""
    airbyte.store_clear(shop, ["orders"])
    assert start(airbyte, refresh_of(shop, "users"), log, "fail") == (2, True)
    assert kinds(airbyte) == [("reset", "succeeded"), ("refresh", "running")]
    assert [path for path, _ in sent(airbyte)] == [REFRESH, JOBS]


def _sync(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> None:
    airbyte.start_sync(shop, unattended=True)


def _by_schedule(airbyte: AirbyteSimulator, shop: SimulatedConnection, *, ends: bool) -> None:
    airbyte.update_connection(shop, schedule=timedelta(hours=1))
    if ends:
        airbyte.advance(10)


def _is_sent(airbyte: AirbyteSimulator, path: str) -> bool:
    return airbyte.requests[-1].path == path and airbyte.requests[-1].method == "POST"


def _once(
    airbyte: AirbyteSimulator, is_due: Callable[[], bool], happen: Callable[[], object]
) -> None:
    """Let something happen in Airbyte before it looks at the first request at which it is due."""
    done: list[RecordedRequest] = []

    def note(request: RecordedRequest) -> None:
        if not done and is_due():
            done.append(request)
            happen()

    airbyte.on_request(note)
