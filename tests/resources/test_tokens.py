"""Tokens: fetched once, renewed in time, and once more when Airbyte says no."""

import base64
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from dagster_airbyte_sync.resources import AirbyteClient, AirbyteError, AirbyteSettings
from dagster_airbyte_sync.resources.errors import (
    AirbyteUnauthorized,
    AirbyteUnreadable,
    TokenRefused,
    TokensNotGiven,
)
from dagster_airbyte_sync.resources.http.auth import Authenticator, BearerAuth, read_token
from dagster_airbyte_sync.resources.http.transport import Call, Http
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault

MakeSettings = Callable[..., AirbyteSettings]
Connect = Callable[..., AirbyteClient]
Mock = responses.RequestsMock

TOKEN_PATH = "/applications/token"
TOKEN_URL = f"http://airbyte.test/api/public/v1{TOKEN_PATH}"
URL = "http://airbyte.test/api/public/v1/jobs"
APPLICATION = {"client_id": "me", "client_secret": "hunter2"}


def jwt(**claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{payload}.c2lnbmF0dXJl"


def token_requests(airbyte: AirbyteSimulator) -> int:
    return sum(TOKEN_PATH in request.path for request in airbyte.requests)


def renewals(settings: AirbyteSettings, answer: dict[str, object], seconds: float) -> int:
    """How many tokens are fetched if something is asked each second for so long."""
    now, fetched = 0.0, 0

    def fetch() -> dict[str, object]:
        nonlocal fetched
        fetched += 1
        return answer

    authenticator = Authenticator(settings, clock=lambda: now)
    while now < seconds:
        authenticator.request_auth(fetch)
        now += 1
    return fetched


# How long a token is kept


def test_a_token_is_fetched_once_and_kept(airbyte: AirbyteSimulator, connect: Connect) -> None:
    client = connect(airbyte)
    for _ in range(3):
        client.check_workspace()
    assert token_requests(airbyte) == 1


def test_without_an_application_no_token_is_fetched(connect: Connect) -> None:
    with AirbyteSimulator(auth="basic") as airbyte:
        connect(airbyte).check_workspace()
        assert token_requests(airbyte) == 0


def test_a_token_is_renewed_before_its_end(settings: MakeSettings) -> None:
    answer = {"access_token": "opaque", "expires_in": 900}
    assert renewals(settings(**APPLICATION), answer, seconds=719) == 1
    assert renewals(settings(**APPLICATION), answer, seconds=721) == 2
    assert renewals(settings(**APPLICATION), answer, seconds=3600) == 5


def test_a_token_s_own_life_counts_even_if_expires_in_lies() -> None:
    token = read_token({"access_token": jwt(iat=1000, exp=1060), "expires_in": 900}, now=5000)
    assert token is not None
    assert 5000 < token.renew_at < 5060


def test_a_token_s_life_does_not_depend_on_airbyte_s_clock() -> None:
    lives = [
        read_token({"access_token": jwt(iat=start, exp=start + 300)}, now=0)
        for start in (1, 1_000_000_000, 4_000_000_000)
    ]
    assert {token.renew_at for token in lives if token} == {240.0}


@pytest.mark.parametrize(
    "value",
    ["opaque", "a.b.c", "a.e30.c", jwt(exp=900), jwt(iat=900, exp=100), jwt(iat="x", exp="y"),
     "e30.ä.c", jwt(iat=1, exp=10**400), f"e30.{'W1tb' * 50_000}.c"],
    ids=lambda value: value[:20],
)  # fmt: skip
def test_a_token_that_does_not_say_its_life_lives_180_seconds(value: str) -> None:
    token = read_token({"access_token": value}, now=0)
    assert token is not None
    assert 90 < token.renew_at < 180


@pytest.mark.parametrize("expires_in", [None, 0, -5, "soon", True, [], 10**400])
def test_an_expires_in_that_makes_no_sense_means_180_seconds(expires_in: object) -> None:
    token = read_token({"access_token": "opaque", "expires_in": expires_in}, now=0)
    assert token is not None
    assert 90 < token.renew_at < 180


@given(
    claims=st.dictionaries(st.sampled_from(["iat", "exp"]), st.integers() | st.text()),
    expires_in=st.integers() | st.floats() | st.text() | st.none(),
)
def test_no_token_ever_breaks_the_client(claims: dict[str, object], expires_in: object) -> None:
    assert read_token({"access_token": jwt(**claims), "expires_in": expires_in}, now=0)


# When Airbyte says no


def test_a_token_that_died_early_is_renewed_once(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    client = connect(airbyte)
    client.check_workspace()
    airbyte.expire_tokens()
    client.check_workspace()
    client.check_workspace()
    assert token_requests(airbyte) == 2


def test_a_sync_start_survives_a_dead_token(airbyte: AirbyteSimulator, connect: Connect) -> None:
    shop = airbyte.add_connection("shop")
    client = connect(airbyte)
    client.check_workspace()
    airbyte.expire_tokens()
    assert client.start_sync(shop.connection_id).id == 1
    assert len(airbyte.jobs) == 1


def test_an_airbyte_that_refuses_every_token_is_asked_twice(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    airbyte.add_fault(Fault.unauthorized(), path="/workspaces", times=None)
    with pytest.raises(AirbyteUnauthorized, match="answered 401"):
        connect(airbyte).check_workspace()
    assert token_requests(airbyte) == 2
    assert len(airbyte.requests) == 4


def test_without_tokens_a_401_is_final(connect: Connect) -> None:
    with AirbyteSimulator(auth="basic") as airbyte:
        with pytest.raises(AirbyteUnauthorized):
            connect(airbyte, password="wrong").check_workspace()
        assert len(airbyte.requests) == 1


def test_a_listing_goes_on_when_its_token_dies_on_the_way(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    shop = airbyte.add_connection("shop")
    start = airbyte.now
    for _ in range(10):
        airbyte.advance(1)
        airbyte.run_sync(shop)
    client = connect(airbyte, max_items_per_page=3)
    seen = []
    for job in client.finished_jobs(start):
        seen.append(job.id)
        if job.id == 5:
            airbyte.advance(901)
    assert seen == list(range(1, 11))
    assert token_requests(airbyte) == 2


# When there is no token to be had


def test_a_wrong_secret_is_one_clear_sentence(airbyte: AirbyteSimulator, connect: Connect) -> None:
    with pytest.raises(TokenRefused) as refused:
        connect(airbyte, client_secret="wrong").catalog()
    assert str(refused.value) == (
        f"POST {airbyte.rest_api_base_url}/applications/token answered 400: Airbyte does not"
        " accept client_id and client_secret (Invalid client id or token)"
    )


def test_a_wrong_secret_is_not_tried_again(airbyte: AirbyteSimulator, connect: Connect) -> None:
    with pytest.raises(TokenRefused):
        connect(airbyte, client_secret="wrong").check_workspace()
    assert len(airbyte.requests) == 1


def test_a_refused_token_is_not_a_closed_configuration_api(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    with pytest.raises(TokenRefused):
        connect(airbyte, client_secret="wrong").catalog()
    assert len(airbyte.requests) == 1


@pytest.mark.parametrize("ask", ["check_workspace", "catalog"])
def test_a_server_without_tokens_is_named_as_such(connect: Connect, ask: str) -> None:
    with AirbyteSimulator(auth="none") as airbyte:
        client = connect(airbyte, client_id="me", client_secret="hunter2")
        with pytest.raises(AirbyteError, match="its authentication is off"):
            getattr(client, ask)()


@pytest.mark.parametrize("value", ["t\n1", "\u2603", "\ud800"])
def test_a_token_that_no_header_can_carry_is_unreadable(
    settings: MakeSettings, mocked: Mock, value: str
) -> None:
    mocked.post(TOKEN_URL, json={"access_token": value})
    with pytest.raises(AirbyteUnreadable):
        Http(settings(**APPLICATION)).send(Call("GET", URL))


def test_an_answer_without_a_token_is_unreadable(settings: MakeSettings, mocked: Mock) -> None:
    mocked.post(TOKEN_URL, json={"token_type": "Bearer"})
    with pytest.raises(AirbyteUnreadable, match="an answer without access_token"):
        Http(settings(**APPLICATION)).send(Call("GET", URL))


@pytest.mark.parametrize("value", [" ", 0.0, [], {"a": 1}, True])
def test_a_token_that_is_no_text_is_unreadable(
    settings: MakeSettings, mocked: Mock, value: object
) -> None:
    mocked.post(TOKEN_URL, json={"access_token": value})
    mocked.get(URL, json={})
    with pytest.raises(AirbyteUnreadable):
        Http(settings(**APPLICATION)).send(Call("GET", URL))


def test_a_token_endpoint_that_stumbles_is_asked_again(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    airbyte.add_fault(Fault.status(503), path=TOKEN_PATH, times=2)
    connect(airbyte).check_workspace()
    assert token_requests(airbyte) == 3


def test_a_token_endpoint_that_moved_is_reported_with_its_new_address(
    settings: MakeSettings, mocked: Mock
) -> None:
    mocked.post(TOKEN_URL, status=301, headers={"Location": "https://airbyte.test/"})
    with pytest.raises(AirbyteError, match=r"a redirect to .*: put that address"):
        Http(settings(**APPLICATION)).send(Call("GET", URL))


def test_a_missing_token_endpoint_is_reported_as_such(settings: MakeSettings, mocked: Mock) -> None:
    mocked.post(TOKEN_URL, status=404, body="Object not found.")
    with pytest.raises(TokensNotGiven, match="this server issues no tokens"):
        Http(settings(**APPLICATION)).send(Call("GET", URL))


# Threads


def test_many_threads_share_one_token(airbyte: AirbyteSimulator, connect: Connect) -> None:
    client, together = connect(airbyte), threading.Barrier(16)
    airbyte.add_fault(Fault.slow(0.1), path=TOKEN_PATH)

    def ask() -> None:
        together.wait(timeout=10)
        client.check_workspace()

    with ThreadPoolExecutor(16) as pool:
        for done in [pool.submit(ask) for _ in range(16)]:
            done.result(timeout=30)
    assert token_requests(airbyte) == 1


def test_a_late_refusal_of_an_old_token_does_not_throw_the_new_one_away(
    settings: MakeSettings,
) -> None:
    tokens = iter(["first", "second", "third"])
    authenticator = Authenticator(settings(**APPLICATION))

    def fetch() -> dict[str, object]:
        return {"access_token": next(tokens)}

    old = authenticator.request_auth(fetch)
    assert authenticator.discard(old)
    new = authenticator.request_auth(fetch)
    assert authenticator.discard(old)
    again = authenticator.request_auth(fetch)
    assert isinstance(new, BearerAuth)
    assert isinstance(again, BearerAuth)
    assert again.token is new.token
