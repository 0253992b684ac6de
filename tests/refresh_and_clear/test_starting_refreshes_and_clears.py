"""A refresh or clear is sent once, only to what can do it, and while nothing runs."""

from collections.abc import Callable
from typing import cast

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.sync.start import AlreadyRunning, RefreshStored, start_new
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteForbidden,
    AirbyteSettings,
    Job,
    JobRequest,
    JobType,
)
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    RecordedRequest,
    SimulatedConnection,
    SimulatedStream,
)
from helpers.airbyte_time import Log
from helpers.refreshes import CLEAR, JOBS, REFRESH, clear_of, refresh_of, sent, sync_of

Ask = Callable[[SimulatedConnection], JobRequest]
BOTH = pytest.mark.parametrize("ask", [refresh_of, clear_of])


def start(airbyte: AirbyteSimulator, request: JobRequest, log: Log) -> tuple[Job, bool]:
    settings = AirbyteSettings(**airbyte.workspace_config(), request_retry_delay=0)
    return start_new(
        AirbyteClient(settings),
        request,
        log.logger,
        clock=lambda: airbyte.now.timestamp(),
        sleep=cast(Callable[[float], None], airbyte.advance),
    )


def refused(airbyte: AirbyteSimulator, request: JobRequest, log: Log) -> dg.Failure:
    with pytest.raises(dg.Failure) as failure:
        start(airbyte, request, log)
    return failure.value


def named(*streams: str) -> list[dict[str, str]]:
    return [{"streamName": name} for name in streams]


@pytest.mark.parametrize(
    ("streams", "keeps", "said"),
    [
        ((), True, {"refreshMode": "Merge"}),
        ((), False, {"refreshMode": "Truncate"}),
        (("users",), True, {"refreshMode": "Merge", "streams": named("users")}),
    ],
)
def test_a_refresh_is_of_the_streams_and_in_the_mode_that_it_was_asked_for(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    log: Log,
    streams: tuple[str, ...],
    keeps: bool,
    said: dict[str, object],
) -> None:
    job, is_ours = start(airbyte, refresh_of(shop, *streams, keep_records=keeps), log)

    assert sent(airbyte) == [(REFRESH, said)]
    assert (job.type, is_ours, airbyte.jobs[0].type) == (JobType.REFRESH, True, "refresh")


@pytest.mark.parametrize(
    ("streams", "asked"),
    [((), (CLEAR, {})), (("users",), (f"{CLEAR}/stream", {"streams": named("users")}))],
)
def test_a_clear_is_of_the_streams_that_it_was_asked_for(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    log: Log,
    streams: tuple[str, ...],
    asked: object,
) -> None:
    job, is_ours = start(airbyte, clear_of(shop, *streams), log)

    assert sent(airbyte) == [asked]
    assert (job.type, is_ours, airbyte.jobs[0].type) == (JobType.CLEAR, True, "reset")


@BOTH
def test_a_stream_is_named_as_airbyte_has_it_now(
    airbyte: AirbyteSimulator, log: Log, ask: Callable[..., JobRequest]
) -> None:
    """Definitions that were made from the public API may lack its namespace."""
    streams = [SimulatedStream("orders", "sales"), SimulatedStream("users", "audit")]
    shop = airbyte.add_connection("shop", streams=streams)
    start(airbyte, ask(shop, "users"), log)

    ((_, said),) = sent(airbyte)
    assert said["streams"] == [{"streamName": "users", "streamNamespace": "audit"}]


@BOTH
def test_a_stream_that_the_connection_does_not_sync_any_more_is_named_and_nothing_is_sent(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    log: Log,
    ask: Callable[..., JobRequest],
) -> None:
    failure = refused(airbyte, ask(shop, "orders", "gone"), log)

    done = "refreshed" if ask is refresh_of else "cleared"
    assert failure.description == (
        "The Airbyte connection 'shop' does not sync the streams that are to be"
        f" {done}: gone. Reload the definitions."
    )
    assert (failure.allow_retries, sent(airbyte)) == (False, [])


# What must be known before


@BOTH
@pytest.mark.parametrize("version", ["2.0.0", "2.1.0"])
@pytest.mark.parametrize("kind", ["sync", "refresh", "reset"])
def test_next_to_a_job_that_runs_nothing_is_sent(
    log: Log, ask: Ask, version: str, kind: str
) -> None:
    """A clear would cancel it, and a refresh would be the connection's next job."""
    with AirbyteSimulator(version=version) as airbyte:
        shop = airbyte.add_connection("shop")
        running = airbyte.begin(getattr(airbyte, f"start_{kind}")(shop))
        with pytest.raises(AlreadyRunning) as found:
            start(airbyte, ask(shop), log)

        assert found.value.running is not None
        assert found.value.running.id == running.job_id
        assert (sent(airbyte), running.status) == ([], "running")


@BOTH
@pytest.mark.parametrize("status", ["inactive", "locked", "deprecated"])
def test_of_a_connection_that_is_not_active_nothing_is_asked(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, ask: Ask, status: str
) -> None:
    """Airbyte would wait for ever."""
    airbyte.update_connection(shop, status=status)  # type: ignore[arg-type]
    failure = refused(airbyte, ask(shop), log)

    kind = ask(shop).type.value
    assert failure.description in (
        f"The Airbyte connection is inactive: enable it in Airbyte to {kind} it",
        f"The Airbyte connection is locked: Airbyte lets it {kind} again once it is unlocked",
        "The Airbyte connection was deleted: reload the definitions",
    )
    assert failure.metadata["dagster-airbyte/connection_status"].value == status
    assert (failure.allow_retries, sent(airbyte)) == (False, [])


@BOTH
@pytest.mark.parametrize("admin", [True, False])
def test_a_connection_that_is_gone_is_named_as_such(log: Log, ask: Ask, admin: bool) -> None:
    with AirbyteSimulator(admin=admin) as airbyte:
        gone = airbyte.add_connection("gone")
        airbyte.forget_connection(gone)
        failure = refused(airbyte, ask(gone), log)
    assert failure.description == ("These credentials can see no such Airbyte connection")


def test_a_destination_that_supports_no_refreshes_is_named_and_nothing_is_sent(
    airbyte: AirbyteSimulator, log: Log
) -> None:
    """Airbyte would answer as if all were well, and do nothing."""
    lake = airbyte.add_destination("old lake", supports_refreshes=False)
    shop = airbyte.add_connection("shop", destination=lake)
    failure = refused(airbyte, refresh_of(shop), log)

    assert failure.description == (
        "The destination 'old lake' does not support refreshes: upgrade its connector in Airbyte"
        " (Settings > Destinations). Nothing was started."
    )
    assert (failure.allow_retries, sent(airbyte)) == (False, [])
    start(airbyte, clear_of(shop), log)
    assert [job.type for job in airbyte.jobs] == ["reset"]


def test_who_is_no_editor_may_refresh_and_is_told_what_a_clear_takes(log: Log) -> None:
    with AirbyteSimulator(editor=False) as airbyte:
        shop, address = airbyte.add_connection("shop"), airbyte.configuration_api_base_url
        failure = refused(airbyte, clear_of(shop), log)
        start(airbyte, refresh_of(shop), log)
    assert failure.description == (
        "These credentials may not clear in Airbyte: that requires the role of an editor. If they"
        " have it, something in front of Airbyte (a gateway or reverse proxy) blocks POST"
        f" {address}/connections/clear: let that address through for these credentials, or clear in"
        " Airbyte's UI. Nothing was started."
    )
    assert failure.allow_retries is False
    assert [job.type for job in airbyte.jobs] == ["refresh"]


# What a gateway lets nobody to, while the rest of the Configuration API is open

VERSION = "/api/v1/actor_definition_versions/get_for_destination"
BLOCKED = [
    Fault.blocked(403),
    Fault.blocked(404),
    Fault.blocked(405),
    Fault.status(401),
    Fault.status(302, headers={"Location": "https://login.test/"}),
]


@pytest.mark.parametrize("fault", BLOCKED, ids=lambda fault: str(fault.name))
@pytest.mark.parametrize(
    ("ask", "path"),
    [
        (refresh_of, REFRESH),
        (lambda shop: clear_of(shop), CLEAR),
        (lambda shop: clear_of(shop, "users"), f"{CLEAR}/stream"),
        (refresh_of, VERSION),
    ],
    ids=["refresh", "clear", "clear of a stream", "look-up"],
)
def test_an_address_that_is_blocked_is_named_with_what_to_do(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    log: Log,
    ask: Ask,
    path: str,
    fault: Fault,
) -> None:
    airbyte.add_fault(fault, path=path, times=None)
    failure = refused(airbyte, ask(shop), log)

    said, kind = failure.description or "", ask(shop).type.value
    assert said.endswith(
        "something in front of Airbyte (a gateway or reverse proxy) blocks POST"
        f" {airbyte.url}{path}: let that address through for these credentials, or {kind} in"
        " Airbyte's UI. Nothing was started."
    )
    is_role = fault.name == "blocked(403)" and path != VERSION
    start = f"These credentials may not {kind} in Airbyte" if is_role else "It seems that"
    assert said.startswith(start)
    assert keys.FAILURE_REASON in failure.metadata
    assert (airbyte.jobs, shop.stored.refreshes) == ([], {})


def test_a_page_in_the_place_of_the_look_up_is_named_and_nothing_is_sent(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    airbyte.add_fault(Fault.html(), path=VERSION, times=None)
    failure = refused(airbyte, refresh_of(shop), log)
    assert (failure.description or "").startswith("It seems that something in front of Airbyte")
    assert sent(airbyte) == []


@BOTH
def test_a_page_in_the_place_of_an_answer_is_named_and_its_job_is_looked_for(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, ask: Ask
) -> None:
    """Who sent it may have let the request through."""
    path = REFRESH if ask is refresh_of else CLEAR
    airbyte.add_fault(Fault.html(), path=path)
    failure = refused(airbyte, ask(shop), log)

    assert (failure.description or "").startswith(
        f"An HTML page came instead of Airbyte's answer to the start of the"
        f" {ask(shop).type.value}, and no new job was found. Something in front of Airbyte (a"
        f" gateway, or a login page) seems to block POST {airbyte.url}{path}"
    )
    assert failure.allow_retries is False


# Where the Configuration API is closed


def test_the_public_api_clears_a_whole_connection(log: Log) -> None:
    with AirbyteSimulator(configuration_api=False) as airbyte:
        shop = airbyte.add_connection("shop", streams=["orders", "users"])
        job, is_ours = start(airbyte, clear_of(shop), log)

    assert sent(airbyte) == [(JOBS, {"jobType": "clear"})]
    assert (job.type, is_ours) == (JobType.CLEAR, True)


@pytest.mark.parametrize(
    ("ask", "what"),
    [
        (refresh_of, "a refresh"),
        (lambda shop: refresh_of(shop, "orders"), "a refresh"),
        (lambda shop: clear_of(shop, "orders"), "a clear of single streams"),
    ],
)
def test_what_the_public_api_cannot_do_is_one_sentence_and_nothing_is_sent(
    log: Log, ask: Ask, what: str
) -> None:
    with AirbyteSimulator(configuration_api=False) as airbyte:
        shop = airbyte.add_connection("shop", streams=["orders", "users"])
        failure = refused(airbyte, ask(shop), log)
        assert failure.description == (
            f"Airbyte's public API cannot start {what}, and its Configuration API at"
            f" {airbyte.configuration_api_base_url} is closed. Open that for these credentials, or"
            " do it in Airbyte's UI."
        )
    assert (failure.allow_retries, sent(airbyte)) == (False, [])


# Lost answers

LOST = [Fault.drop_after(), Fault.half_json(), Fault.gateway_timeout()]


@BOTH
@pytest.mark.parametrize("lost", LOST, ids=lambda fault: str(fault.name))
def test_one_whose_answer_is_lost_is_found_and_not_sent_again(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, ask: Ask, lost: Fault
) -> None:
    airbyte.run_clear(shop)
    airbyte.run_refresh(shop)
    airbyte.add_fault(lost, path=REFRESH if ask is refresh_of else CLEAR)

    job, is_ours = start(airbyte, ask(shop), log)

    assert (job.id, job.type, is_ours) == (3, ask(shop).type, True)
    assert len(sent(airbyte)) == 1


@BOTH
def test_one_that_leaves_no_trace_is_not_tried_again_by_itself(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, ask: Ask
) -> None:
    """It may have removed rows, and a sync may have brought others since."""
    airbyte.add_fault(Fault.drop(), path=REFRESH if ask is refresh_of else CLEAR)
    failure = refused(airbyte, ask(shop), log)

    kind = ask(shop).type.value
    assert (failure.description or "").startswith(
        f"Airbyte did not answer the start of the {kind}, and no new job was found"
    )
    assert (failure.allow_retries, len(sent(airbyte))) == (False, 1)


@BOTH
def test_a_sync_that_began_meanwhile_is_not_taken_for_it(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, ask: Ask
) -> None:
    path = REFRESH if ask is refresh_of else CLEAR
    airbyte.add_fault(Fault.drop(), path=path)
    _as_arrives(airbyte, path, lambda: airbyte.start_sync(shop))
    refused(airbyte, ask(shop), log)
    assert [job.type for job in airbyte.jobs] == ["sync"]


@pytest.mark.parametrize("kind", ["refresh", "clear"])
def test_nor_is_one_of_other_streams(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, kind: str
) -> None:
    request = refresh_of(shop, "orders") if kind == "refresh" else clear_of(shop, "orders")
    path = REFRESH if kind == "refresh" else f"{CLEAR}/stream"
    airbyte.add_fault(Fault.drop(), path=path)
    _as_arrives(airbyte, path, lambda: getattr(airbyte, f"start_{kind}")(shop, ["users"]))
    assert "no new job was found" in (refused(airbyte, request, log).description or "")


# What Airbyte stores


def test_a_refresh_is_stored_if_a_sync_began_just_before_it(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    airbyte.run_sync(shop)
    _as_arrives(airbyte, REFRESH, lambda: airbyte.start_sync(shop))
    with pytest.raises(RefreshStored) as stored:
        start(airbyte, refresh_of(shop, "orders"), log)

    assert (stored.value.running and stored.value.running.id, stored.value.before) == (2, 1)
    assert str(stored.value) == (
        f"On the Airbyte connection {shop.connection_id} job 2 is already running. Airbyte"
        " postponed the refresh: the next job of the connection is a refresh."
    )


@pytest.mark.parametrize("lost", [False, True])
def test_a_sync_may_come_out_as_the_refresh_that_is_stored(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, lost: bool
) -> None:
    airbyte.store_refresh(shop, ["orders"])
    if lost:
        airbyte.add_fault(Fault.drop_after(), path=JOBS, method="POST")

    job, is_ours = start(airbyte, sync_of(shop), log)

    assert (job.id, job.type, is_ours) == (1, JobType.REFRESH, True)


@pytest.mark.parametrize("lost", [False, True])
def test_a_sync_may_come_out_as_the_clear_that_is_stored(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, lost: bool
) -> None:
    airbyte.store_clear(shop, ["orders"])
    if lost:
        airbyte.add_fault(Fault.drop_after(), path=JOBS, method="POST")

    job, _ = start(airbyte, sync_of(shop), log)

    assert (job.id, job.type, len(sent(airbyte))) == (1, JobType.CLEAR, 1)


def test_a_refusal_that_says_nothing_of_roles_is_left_as_it_is(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    airbyte.add_fault(Fault.status(422, {"message": "No such mode"}), path=REFRESH)
    with pytest.raises(Exception, match="No such mode") as refusal:
        start(airbyte, refresh_of(shop), log)
    assert not isinstance(refusal.value, AirbyteForbidden | dg.Failure)


def test_a_refresh_is_stored_also_if_nobody_says_what_runs(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    """It must not look as if nothing had been sent."""
    _as_arrives(airbyte, REFRESH, lambda: airbyte.start_sync(shop))
    airbyte.add_fault(Fault.status(404), path=JOBS, method="GET", after=1, times=None)
    with pytest.raises(RefreshStored) as stored:
        start(airbyte, refresh_of(shop), log)
    assert stored.value.running is None


def _as_arrives(airbyte: AirbyteSimulator, path: str, happen: Callable[[], object]) -> None:
    """Let something happen in Airbyte just before it gets the first request for a path."""
    done: list[str] = []

    def note(request: RecordedRequest) -> None:
        if request.path == path and not done:
            done.append(path)
            happen()

    airbyte.on_request(note)
