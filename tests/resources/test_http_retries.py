"""When a request is sent again: only if that can help, and only if it does no harm."""

import socket
from collections.abc import Callable

import pytest
import requests
import responses
from freezegun import freeze_time
from hypothesis import given
from hypothesis import strategies as st

from dagster_airbyte_sync.resources import (
    AirbyteRefused,
    AirbyteRequestError,
    AirbyteSettings,
    AirbyteUnavailable,
)
from dagster_airbyte_sync.resources.errors import (
    AirbyteRateLimited,
    AirbyteSentPage,
    AirbyteUnreadable,
)
from dagster_airbyte_sync.resources.http.retry import RetryPolicy, retry_after_seconds
from dagster_airbyte_sync.resources.http.transport import Call, Http

MakeSettings = Callable[..., AirbyteSettings]
Mock = responses.RequestsMock

URL = "http://airbyte.test/api/public/v1/jobs"
READ = Call("GET", URL)
START = Call("POST", URL, body={"jobType": "sync"}, repeatable=False)
BROKEN = AirbyteUnavailable("GET", URL, "broken", status=502)


def rate_limited(retry_after: float | None) -> AirbyteRateLimited:
    return AirbyteRateLimited("GET", URL, "slow down", retry_after=retry_after)


def fails(http: Http, call: Call) -> AirbyteRequestError:
    with pytest.raises(AirbyteRequestError) as failed:
        http.send(call)
    return failed.value


# How long it waits


def test_the_wait_doubles_with_each_try() -> None:
    policy = RetryPolicy(max_retries=4, delay=0.25, jitter=lambda: 1.0)
    assert [policy.wait(tries, BROKEN) for tries in (1, 2, 3, 4)] == [0.25, 0.5, 1.0, 2.0]


@given(jitter=st.floats(0, 1), tries=st.integers(1, 100))
def test_jitter_shortens_a_wait_to_half_of_it_at_most(jitter: float, tries: int) -> None:
    longest = RetryPolicy(100, 0.25, jitter=lambda: 1.0).wait(tries, BROKEN) or 0
    wait = RetryPolicy(100, 0.25, jitter=lambda: jitter).wait(tries, BROKEN) or 0
    assert longest / 2 <= wait <= longest <= 60


def test_after_the_last_retry_it_gives_up() -> None:
    assert RetryPolicy(max_retries=2, delay=1).wait(3, BROKEN) is None
    assert RetryPolicy(max_retries=0, delay=1).wait(1, BROKEN) is None


def test_the_wait_is_what_airbyte_asks_for() -> None:
    policy = RetryPolicy(max_retries=3, delay=0.25)
    assert [policy.wait(tries, rate_limited(7)) for tries in (1, 2, 3, 4)] == [7, 7, 7, None]


def test_a_wait_that_would_take_longer_than_a_minute_is_left_to_the_caller() -> None:
    policy = RetryPolicy(max_retries=3, delay=0.25)
    assert policy.wait(1, rate_limited(60)) == 60
    assert policy.wait(1, rate_limited(61)) is None


def test_retry_after_may_be_seconds() -> None:
    assert retry_after_seconds("30") == 30


@freeze_time("2026-08-01T12:00:00Z")
def test_retry_after_may_be_an_http_date() -> None:
    assert retry_after_seconds("Sat, 01 Aug 2026 12:00:30 GMT") == 30


@freeze_time("2026-08-01T12:00:00Z")
def test_a_retry_after_in_the_past_means_now() -> None:
    assert retry_after_seconds("Sat, 01 Aug 2026 11:00:00 GMT") == 0


@pytest.mark.parametrize(
    "header",
    [None, "", "soon", "-1", "1.5", "9" * 5000, "Mon, 01 Jan 99999 00:00:00 GMT"],
    ids=lambda header: str(header)[:40],
)
def test_a_retry_after_that_makes_no_sense_is_ignored(header: str | None) -> None:
    assert retry_after_seconds(header) is None


@given(st.text())
def test_no_retry_after_ever_breaks_the_client(header: str) -> None:
    seconds = retry_after_seconds(header)
    assert seconds is None or seconds >= 0


# What is worth repeating


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_passing_trouble_is_repeated_until_it_passes(
    http: Http, mocked: Mock, waits: list[float], status: int
) -> None:
    mocked.get(URL, status=status)
    mocked.get(URL, status=status)
    mocked.get(URL, json={"data": []})
    assert http.send(READ) == {"data": []}
    assert 0.5 <= waits[0] <= 1
    assert 1 <= waits[1] <= 2


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_trouble_that_stays_is_reported_after_the_last_retry(
    http: Http, mocked: Mock, waits: list[float], status: int
) -> None:
    mocked.get(URL, status=status, json={"message": "I am tired"})
    error = fails(http, READ)
    assert isinstance(error, AirbyteUnavailable)
    assert (error.status, error.reason) == (status, "I am tired")
    assert (len(mocked.calls), len(waits)) == (4, 3)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 409, 413, 422, 501])
def test_a_refusal_is_reported_at_once(http: Http, mocked: Mock, status: int) -> None:
    mocked.get(URL, status=status, json={"message": "No, because."})
    error = fails(http, READ)
    assert isinstance(error, AirbyteRefused)
    assert str(error).startswith(f"GET {URL} answered {status}: No, because.")
    assert len(mocked.calls) == 1


@pytest.mark.parametrize(
    "broken",
    [requests.ConnectionError("reset"), requests.ReadTimeout(), requests.ConnectTimeout(),
     requests.exceptions.ChunkedEncodingError("half"), requests.exceptions.ContentDecodingError()],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_a_broken_connection_is_repeated(http: Http, mocked: Mock, broken: Exception) -> None:
    mocked.get(URL, body=broken)
    mocked.get(URL, json={})
    assert http.send(READ) == {}


@pytest.mark.parametrize("body", ['{"data": [', "", "true"])
def test_a_good_status_with_a_bad_body_is_repeated(http: Http, mocked: Mock, body: str) -> None:
    mocked.get(URL, body=body)
    mocked.get(URL, json={})
    assert http.send(READ) == {}


def test_retry_after_is_what_is_slept(http: Http, mocked: Mock, waits: list[float]) -> None:
    mocked.get(URL, status=429, headers={"Retry-After": "17"})
    mocked.get(URL, json={})
    http.send(READ)
    assert waits == [17]


def test_retry_after_is_named_to_who_must_wait_longer(http: Http, mocked: Mock) -> None:
    mocked.get(URL, status=429, headers={"Retry-After": "3600"})
    error = fails(http, READ)
    assert isinstance(error, AirbyteRateLimited)
    assert error.retry_after == 3600
    assert len(mocked.calls) == 1


def test_an_unavailable_airbyte_may_ask_for_a_wait_too(
    http: Http, mocked: Mock, waits: list[float]
) -> None:
    mocked.get(URL, status=503, headers={"Retry-After": "17"})
    mocked.get(URL, json={})
    http.send(READ)
    assert waits == [17]


# What must never be done twice


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_sync_start_is_not_repeated_when_the_server_failed(
    http: Http, mocked: Mock, status: int
) -> None:
    mocked.post(URL, status=status)
    assert isinstance(fails(http, START), AirbyteUnavailable)
    assert len(mocked.calls) == 1


@pytest.mark.parametrize(
    "broken",
    [requests.ReadTimeout(), requests.ConnectionError("reset"),
     requests.exceptions.ChunkedEncodingError("half")],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_a_sync_start_is_not_repeated_when_the_answer_was_lost(
    http: Http, mocked: Mock, broken: Exception
) -> None:
    mocked.post(URL, body=broken)
    assert isinstance(fails(http, START), AirbyteUnavailable)
    assert len(mocked.calls) == 1


@pytest.mark.parametrize("body", ['{"jobId": 1', "<!DOCTYPE html><html></html>"])
def test_a_sync_start_is_not_repeated_when_the_answer_is_unreadable(
    http: Http, mocked: Mock, body: str
) -> None:
    mocked.post(URL, body=body)
    assert isinstance(fails(http, START), AirbyteUnreadable)
    assert len(mocked.calls) == 1


def test_a_sync_start_is_repeated_on_429_as_nothing_was_done(http: Http, mocked: Mock) -> None:
    mocked.post(URL, status=429)
    mocked.post(URL, json={"jobId": 1})
    assert http.send(START) == {"jobId": 1}


def test_a_sync_start_is_repeated_when_connecting_timed_out(http: Http, mocked: Mock) -> None:
    mocked.post(URL, body=requests.ConnectTimeout())
    mocked.post(URL, json={"jobId": 1})
    assert http.send(START) == {"jobId": 1}


def test_a_sync_start_is_repeated_when_nobody_listened(http: Http, waits: list[float]) -> None:
    error = fails(http, Call("POST", f"http://127.0.0.1:{free_port()}/jobs", repeatable=False))
    assert isinstance(error, AirbyteUnavailable)
    assert len(waits) == 3


def test_a_sync_start_is_not_repeated_when_the_connection_broke_after_sending(
    settings: MakeSettings, waits: list[float]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/jobs"
        http = Http(settings(request_timeout=0.3), sleep=waits.append)
        error = fails(http, Call("POST", url, repeatable=False))
    assert "no answer within 0.3 s" in str(error)
    assert waits == []


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_a_page_in_place_of_an_answer_is_asked_for_once_more(
    http: Http, mocked: Mock, waits: list[float]
) -> None:
    mocked.get(URL, body="<!DOCTYPE html><html>Please sign in</html>", content_type="text/html")
    assert isinstance(fails(http, READ), AirbyteSentPage)
    assert len(mocked.calls) == 2
    assert len(waits) == 1
