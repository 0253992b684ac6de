"""What an answer means: its JSON, or one error that says what Airbyte said."""

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from dagster_airbyte_sync.resources import (
    AirbyteConflict,
    AirbyteError,
    AirbyteForbidden,
    AirbyteNotFound,
    AirbyteRefused,
    AirbyteRequestError,
    AirbyteUnavailable,
)
from dagster_airbyte_sync.resources.errors import (
    AirbyteRateLimited,
    AirbyteRedirected,
    AirbyteUnauthorized,
    AirbyteUnreadable,
)
from dagster_airbyte_sync.resources.http.responses import reason_in
from dagster_airbyte_sync.resources.http.transport import Call, Http

Mock = responses.RequestsMock

URL = "http://airbyte.test/api/public/v1/jobs"
ONCE = Call("POST", URL, params={"limit": 5}, repeatable=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def failure(http: Http) -> AirbyteRequestError:
    with pytest.raises(AirbyteRequestError) as failed:
        http.send(ONCE)
    return failed.value


@pytest.mark.parametrize("body", [{"jobId": 2**40}, [], {}, [{"a": None}]], ids=str)
def test_an_object_or_a_list_is_an_answer(http: Http, mocked: Mock, body: object) -> None:
    mocked.post(URL, json=body)
    assert http.send(ONCE) == body


@pytest.mark.parametrize("page", ["<!DOCTYPE html><title>Sign in</title>", "  <HTML></HTML>"])
def test_a_page_with_a_good_status_is_called_one(http: Http, mocked: Mock, page: str) -> None:
    mocked.post(URL, body=page)
    error = failure(http)
    assert isinstance(error, AirbyteUnreadable)
    assert "an HTML page with status 200: is the address that of Airbyte's API?" in str(error)


@pytest.mark.parametrize(
    "body",
    [b"", b'{"jobId": ', b'"text"', b"12", b"null", b"true", b"\xff\xfe\x00", b"[" * 100_000],
    ids=lambda body: str(body[:12]),
)
def test_a_good_status_without_an_object_or_list_is_an_error(
    http: Http, mocked: Mock, body: bytes
) -> None:
    mocked.post(URL, body=body)
    error = failure(http)
    assert isinstance(error, AirbyteUnreadable)
    assert "no readable JSON with status 200" in str(error)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, AirbyteRedirected),
        (400, AirbyteRefused),
        (401, AirbyteUnauthorized),
        (403, AirbyteForbidden),
        (404, AirbyteNotFound),
        (408, AirbyteUnavailable),
        (409, AirbyteConflict),
        (422, AirbyteRefused),
        (429, AirbyteRateLimited),
        (500, AirbyteUnavailable),
        (501, AirbyteNotFound),
        (503, AirbyteUnavailable),
    ],
)
def test_each_status_is_an_error_of_its_own_kind(
    http: Http, mocked: Mock, status: int, kind: type[AirbyteRequestError]
) -> None:
    mocked.post(URL, status=status, json={"message": "because"})
    with pytest.raises(AirbyteRequestError) as failed:
        http.send(ONCE)
    assert type(failed.value) is kind
    assert (failed.value.method, failed.value.url, failed.value.status) == ("POST", URL, status)


def test_the_address_is_reported_without_its_query(http: Http, mocked: Mock) -> None:
    mocked.post(URL, status=404)
    assert str(failure(http)) == f"POST {URL} answered 404: no message"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"data": {"message": "own"}, "message": "m", "detail": "d", "title": "t"}, "own"),
        ({"message": "m", "detail": "d", "title": "t"}, "m"),
        ({"detail": "d", "title": "t"}, "d"),
        ({"title": "t"}, "t"),
        ({"message": "", "detail": " ", "title": "t"}, "t"),
        ({"errorId": "e1"}, "errorId e1"),
        ({"data": "odd", "message": "m"}, "m"),
        ({}, None),
    ],
    ids=str,
)
def test_the_reason_is_the_most_specific_of_airbyte_s_messages(
    body: dict[str, object], reason: str | None
) -> None:
    assert reason_in(body) == reason


@given(st.dictionaries(st.sampled_from(["data", "message", "detail", "title", "errorId"]), JSON))
def test_no_error_body_ever_breaks_the_client(body: dict[str, object]) -> None:
    reason = reason_in(body)
    assert reason is None or 0 < len(reason) <= 500


def test_a_plain_reason_is_reported_in_one_line(http: Http, mocked: Mock) -> None:
    mocked.post(URL, status=404, body="Object\n  not found.\n")
    assert failure(http).reason == "Object not found."


def test_a_page_is_not_reported_but_named(http: Http, mocked: Mock) -> None:
    mocked.post(URL, status=403, body="<html><body>Forbidden by the firewall</body></html>")
    assert failure(http).reason == "an HTML page"


def test_a_reason_is_cut_where_it_gets_boring(http: Http, mocked: Mock) -> None:
    mocked.post(URL, status=400, body="x" * 10_000)
    assert len(failure(http).reason) == 500


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ({"title": "try-again-later", "type": "https://a.test/#t"}, "try-again-later"),
        ({"type": "https://a.test/#state-conflict"}, "https://a.test/#state-conflict"),
        ({}, ""),
    ],
    ids=str,
)
def test_conflicts_are_kept_apart_by_their_title(
    http: Http, mocked: Mock, body: dict[str, str], title: str
) -> None:
    mocked.post(URL, status=409, json=body)
    error = failure(http)
    assert isinstance(error, AirbyteConflict)
    assert error.title == title


def test_no_answer_at_all_is_reported_with_what_to_check(http: Http) -> None:
    with pytest.raises(AirbyteUnavailable, match="is Airbyte running, and is the address right"):
        http.send(Call("GET", "http://127.0.0.1:1/jobs"))


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".test", "exa mple"])
def test_a_host_that_cannot_be_is_an_error_of_ours(http: Http, host: str) -> None:
    with pytest.raises(AirbyteError):
        http.send(Call("GET", f"http://{host}/jobs"))
