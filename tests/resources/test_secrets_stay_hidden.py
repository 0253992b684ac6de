"""No secret is ever shown: not by a `repr`, not in a message, not in a traceback."""

import traceback
from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest
import requests
import responses
from pydantic import ValidationError

from dagster_airbyte_sync import AirbyteCloudWorkspace, AirbyteWorkspace
from dagster_airbyte_sync.resources import AirbyteClient, AirbyteError, AirbyteSettings
from dagster_airbyte_sync.resources.http.auth import Authenticator, BearerAuth, Token
from dagster_airbyte_sync.resources.http.transport import Call, Http
from dagster_airbyte_sync.testing import AirbyteSimulator

MakeSettings = Callable[..., AirbyteSettings]

SECRET = "hunter2"
WORKSPACE = "5ae6b09b-fdec-41af-aaf7-7d94cfc33ef6"
HIDDEN: dict[str, Any] = {
    "client_secret": {"client_id": "me", "client_secret": SECRET},
    "password": {"username": "me", "password": SECRET},
    "request_headers": {"request_headers": {"X-Proxy-Token": SECRET}},
    "proxies": {"proxies": {"https": f"http://me:{SECRET}@proxy.test:3128"}},
}
hidden = pytest.mark.parametrize("fields", HIDDEN.values(), ids=HIDDEN)


def as_settings(settings: MakeSettings, fields: dict[str, Any]) -> AirbyteSettings:
    plain = {k: tuple(v.items()) if isinstance(v, dict) else v for k, v in fields.items()}
    return settings(**plain)


def everything_reported(error: BaseException) -> str:
    """What a log shows of an error: its causes too."""
    return "".join(traceback.format_exception(error)) + repr(error)


def failure(do: Callable[[], object]) -> AirbyteError:
    with pytest.raises(AirbyteError) as failed:
        do()
    return failed.value


@hidden
def test_no_repr_shows_a_secret(settings: MakeSettings, fields: dict[str, Any]) -> None:
    made = as_settings(settings, fields)
    client = AirbyteClient(made)
    for holder in (made, client, client.settings, Http(made), Authenticator(made)):
        assert SECRET not in repr(holder) + str(holder)


@hidden
def test_no_repr_of_the_resource_shows_a_secret(
    settings: MakeSettings, fields: dict[str, Any]
) -> None:
    base = settings()
    workspace = AirbyteWorkspace(
        rest_api_base_url=base.rest_api_base_url,
        configuration_api_base_url=base.configuration_api_base_url,
        workspace_id=base.scope,
        **fields,
    )
    assert SECRET not in repr(workspace) + str(workspace)


def test_no_repr_of_a_cloud_resource_shows_a_secret() -> None:
    workspace = AirbyteCloudWorkspace(workspace_id=WORKSPACE, client_id="me", client_secret=SECRET)
    assert SECRET not in repr(workspace) + str(workspace)


def test_a_token_and_what_carries_it_do_not_show_it(settings: MakeSettings) -> None:
    token = Token(SECRET, renew_at=1.0)
    user = Authenticator(settings(username="me", password=SECRET)).request_auth(dict)
    assert SECRET not in repr(token) + repr(BearerAuth(token)) + repr(user)
    assert SECRET not in repr(Call("POST", "http://airbyte.test", body={"client_secret": SECRET}))


def test_a_wrong_value_of_the_resource_is_not_repeated() -> None:
    # The secret landed in the wrong field, and is not of its type.
    fields: dict[str, Any] = {"workspace_id": WORKSPACE, "client_id": "me", "client_secret": "s"}
    with pytest.raises(ValidationError) as refused:
        AirbyteCloudWorkspace(**{**fields, "request_timeout": SECRET})
    assert SECRET not in str(refused.value)


def test_a_refused_client_secret_is_not_reported(airbyte: AirbyteSimulator) -> None:
    made = AirbyteSettings(
        rest_api_base_url=airbyte.rest_api_base_url,
        configuration_api_base_url=airbyte.configuration_api_base_url,
        workspace_id=airbyte.workspace_id,
        client_id=airbyte.client_id,
        client_secret=SECRET,
    )
    assert SECRET not in everything_reported(failure(AirbyteClient(made).catalog))


@hidden
def test_an_unreachable_airbyte_shows_no_secret(
    settings: MakeSettings, fields: dict[str, Any]
) -> None:
    # A port that nothing listens on.
    made = as_settings(
        settings,
        {**fields, "rest_api_base_url": "http://127.0.0.1:1/api", "request_max_retries": 0},
    )
    assert SECRET not in everything_reported(failure(AirbyteClient(made).check_workspace))


def test_a_proxy_that_fails_does_not_show_its_password(settings: MakeSettings) -> None:
    proxy = (("http", f"http://me:{SECRET}@127.0.0.1:1"),)
    made = settings(proxies=proxy, request_max_retries=0)
    assert SECRET not in everything_reported(failure(AirbyteClient(made).check_workspace))


@pytest.mark.parametrize("echo", [{"message": f"bad secret {SECRET}"}, f"denied: {SECRET}"])
def test_a_server_that_repeats_a_secret_is_not_quoted(
    settings: MakeSettings, mocked: responses.RequestsMock, echo: dict[str, str] | str
) -> None:
    made = settings(client_id="me", client_secret=SECRET)
    body = {"json": echo} if isinstance(echo, dict) else {"body": echo}
    mocked.post(f"{made.rest_api_base_url}/applications/token", status=400, **body)
    assert SECRET not in everything_reported(failure(AirbyteClient(made).check_workspace))


@pytest.mark.parametrize(
    ("fields", "echo"),
    [
        ({"client_id": "me", "client_secret": "other"}, "Bearer t0k3n"),
        ({"username": "me", "password": SECRET}, "Basic bWU6aHVudGVyMg=="),
        (HIDDEN["request_headers"], f"X-Proxy-Token: {SECRET}"),
        ({"request_headers": {"Proxy-Authorization": f"Bearer {SECRET}"}}, f"denied: {SECRET}"),
        ({"request_headers": {"X-Auth": "Basic bWU6aHVudGVyMg=="}}, "denied: bWU6aHVudGVyMg=="),
        ({"request_headers": {"X-Auth": "Basic bWU6aHVudGVyMg=="}}, f"denied: {SECRET}"),
        (HIDDEN["proxies"], f"via me:{SECRET}"),
    ],
    ids=["token", "basic", "header", "bearer", "given basic", "decoded basic", "proxy"],
)
def test_what_was_sent_is_not_reported_if_the_server_repeats_it(
    settings: MakeSettings, mocked: responses.RequestsMock, fields: dict[str, Any], echo: str
) -> None:
    made = as_settings(settings, fields)
    mocked.post(f"{made.rest_api_base_url}/applications/token", json={"access_token": "t0k3n"})
    mocked.get(f"{made.rest_api_base_url}/workspaces/{made.workspace_id}", status=400, body=echo)
    reported = everything_reported(failure(AirbyteClient(made).check_workspace))
    assert "answered 400" in reported
    assert echo.split()[-1] not in reported


def test_a_secret_is_hidden_before_a_message_is_cut(
    settings: MakeSettings, mocked: responses.RequestsMock
) -> None:
    made = settings(username="me", password=SECRET)
    body = {"message": "x" * 496 + SECRET}
    mocked.get(f"{made.rest_api_base_url}/workspaces/{made.workspace_id}", status=400, json=body)
    reported = everything_reported(failure(AirbyteClient(made).check_workspace))
    assert SECRET[:4] not in reported


def test_a_secret_is_hidden_before_a_long_answer_is_cut(
    settings: MakeSettings, mocked: responses.RequestsMock
) -> None:
    made = settings(username="me", password=SECRET)
    body = " " * 1996 + SECRET
    mocked.get(f"{made.rest_api_base_url}/workspaces/{made.workspace_id}", status=400, body=body)
    reported = everything_reported(failure(AirbyteClient(made).check_workspace))
    assert "answered 400" in reported
    assert SECRET[:4] not in reported


def test_a_secret_is_hidden_in_json_that_no_airbyte_writes(
    settings: MakeSettings, mocked: responses.RequestsMock
) -> None:
    """A gateway's, with escapes in it."""
    made = settings(username="me", password='hun"ter2')
    body = {"error": 'no hun"ter2 here'}
    mocked.get(f"{made.rest_api_base_url}/workspaces/{made.workspace_id}", status=400, json=body)
    reported = everything_reported(failure(AirbyteClient(made).check_workspace))
    assert "*** here" in reported
    assert "ter2" not in reported


def test_a_requests_error_that_quotes_a_header_is_not_reported(
    settings: MakeSettings, mocked: responses.RequestsMock
) -> None:
    made = settings(request_max_retries=0)
    quoting = requests.exceptions.InvalidHeader(f"reserved character(s) in header: '{SECRET}'")
    mocked.get(f"{made.rest_api_base_url}/workspaces/{made.workspace_id}", body=quoting)
    assert SECRET not in everything_reported(failure(AirbyteClient(made).check_workspace))


def test_a_redirect_s_query_is_not_reported(
    settings: MakeSettings, mocked: responses.RequestsMock
) -> None:
    made = settings()
    to = f"http://me:{SECRET}@login.test/?token={SECRET}"
    mocked.get(
        f"{made.rest_api_base_url}/workspaces/{made.workspace_id}",
        status=302,
        headers={"Location": to},
    )
    assert SECRET not in everything_reported(failure(AirbyteClient(made).check_workspace))


def test_a_run_that_fails_logs_no_secret(
    airbyte: AirbyteSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRBYTE_SECRET", SECRET)
    workspace = AirbyteWorkspace(
        rest_api_base_url=airbyte.rest_api_base_url,
        configuration_api_base_url=airbyte.configuration_api_base_url,
        workspace_id=airbyte.workspace_id,
        client_id=airbyte.client_id,
        client_secret=dg.EnvVar("AIRBYTE_SECRET"),
    )

    @dg.asset
    def connections(airbyte: dg.ResourceParam[AirbyteWorkspace]) -> None:
        airbyte.fetch_catalog()

    result = dg.materialize([connections], resources={"airbyte": workspace}, raise_on_error=False)
    assert not result.success
    assert SECRET not in "".join(str(event) for event in result.all_events)
