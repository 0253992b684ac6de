"""Who may come in, with which credentials, and for how long."""

import base64
import json
from datetime import timedelta

import pytest
import requests

from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock
from helpers.simulated import Client

EMPTY_PAGE = {"data": [], "next": "", "previous": ""}


def test_a_token_opens_both_apis(airbyte: AirbyteSimulator, client: Client) -> None:
    assert client.get("/jobs").json() == EMPTY_PAGE
    of_workspace = {"workspaceId": airbyte.workspace_id}
    assert client.configuration("/connections/list", of_workspace).json() == {"connections": []}


def test_nothing_opens_without_one(airbyte: AirbyteSimulator) -> None:
    assert requests.get(f"{airbyte.rest_api_base_url}/jobs", timeout=5).status_code == 401
    url = f"{airbyte.configuration_api_base_url}/connections/list"
    assert requests.post(url, json={}, timeout=5).status_code == 401


@pytest.mark.parametrize("path", ["/public/v1/health", "/v1/health", "/v1/instance_configuration"])
def test_some_pages_are_for_everybody(airbyte: AirbyteSimulator, path: str) -> None:
    assert requests.get(f"{airbyte.url}/api{path}", timeout=5).ok


def test_a_token_is_fetched_by_json_or_form(airbyte: AirbyteSimulator) -> None:
    url = f"{airbyte.rest_api_base_url}/applications/token"
    credentials = {"client_id": airbyte.client_id, "client_secret": airbyte.client_secret}
    for answer in (
        requests.post(url, json=credentials, timeout=5),
        requests.post(url, data=credentials, timeout=5),
    ):
        assert answer.json().keys() == {"access_token", "token_type", "expires_in"}
    twin = f"{airbyte.configuration_api_base_url}/applications/token"
    assert requests.post(twin, json=credentials, timeout=5).json().keys() == {"access_token"}


def test_bad_credentials_are_a_bad_request(airbyte: AirbyteSimulator) -> None:
    for url in (airbyte.rest_api_base_url, airbyte.configuration_api_base_url):
        wrong = {"client_id": airbyte.client_id, "client_secret": "wrong"}
        answer = requests.post(f"{url}/applications/token", json=wrong, timeout=5)
        assert answer.status_code == 400


def test_a_token_says_when_it_expires_and_does(airbyte: AirbyteSimulator) -> None:
    client = Client(airbyte)
    answer = client.fetch_token().json()
    claims = json.loads(base64.urlsafe_b64decode(answer["access_token"].split(".")[1] + "=="))
    assert answer["expires_in"] == 900
    assert claims["iat"] == airbyte.now.timestamp()
    assert claims["exp"] - claims["iat"] == 900
    headers = {"Authorization": f"Bearer {answer['access_token']}"}

    def code() -> int:
        url = f"{airbyte.rest_api_base_url}/jobs"
        return requests.get(url, headers=headers, timeout=5).status_code

    airbyte.advance(timedelta(seconds=899))
    assert code() == 200
    airbyte.advance(1)
    assert code() == 401


def test_tokens_expire_when_the_test_says_so(airbyte: AirbyteSimulator, client: Client) -> None:
    client.get("/jobs")
    airbyte.expire_tokens()
    assert client.get("/jobs").status_code == 401


@pytest.mark.parametrize(("version", "lifetime"), [("1.5.0", 180), ("1.6.0", 900)])
def test_a_token_is_short_lived_before_1_6(version: str, lifetime: int) -> None:
    with AirbyteSimulator(version=version, clock=RealClock()) as airbyte:
        assert Client(airbyte).fetch_token().json()["expires_in"] == lifetime


def test_a_proxy_guards_everything_with_a_password() -> None:
    with AirbyteSimulator(auth="basic") as airbyte:
        config, url = airbyte.workspace_config(), f"{airbyte.configuration_api_base_url}/health"
        refused = requests.get(url, timeout=5)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Basic")
        user = (config["username"], config["password"])
        assert requests.get(url, auth=user, timeout=5).json() == {"available": True}
        assert requests.get(url, auth=(user[0], "wrong"), timeout=5).status_code == 401


@pytest.mark.parametrize(("auth", "mode"), [("oauth", "simple"), ("none", "none")])
def test_the_instance_says_how_to_get_in(auth: str, mode: str) -> None:
    with AirbyteSimulator(auth="oauth" if auth == "oauth" else "none") as airbyte:
        seen = Client(airbyte).configuration_get("/instance_configuration").json()
        assert seen["auth"] == {"mode": mode}
        assert (seen["version"], seen["edition"]) == ("2.1.0", "community")
        assert seen["airbyteUrl"] == airbyte.url


def test_there_are_no_tokens_without_authentication() -> None:
    with AirbyteSimulator(auth="none") as airbyte:
        assert Client(airbyte).fetch_token().status_code == 404
        url = f"{airbyte.rest_api_base_url}/jobs"
        assert requests.get(url, timeout=5).json() == EMPTY_PAGE


def test_the_address_of_the_ui_may_be_another(airbyte: AirbyteSimulator) -> None:
    with AirbyteSimulator(airbyte_url="https://airbyte.example.com") as airbyte:
        seen = Client(airbyte).configuration_get("/instance_configuration").json()
        assert seen["airbyteUrl"] == "https://airbyte.example.com"


def test_the_configuration_api_may_be_closed() -> None:
    with AirbyteSimulator(configuration_api=False) as airbyte:
        client = Client(airbyte)
        of_workspace = {"workspaceId": airbyte.workspace_id}
        assert client.configuration("/connections/list", of_workspace).status_code == 403
        assert client.configuration_get("/instance_configuration").status_code == 403
        assert client.get("/connections").status_code == 200
