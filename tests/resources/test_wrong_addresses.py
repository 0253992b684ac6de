"""An address that is not the right one is named by its setting, with the right one where it can be
found."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from dagster_airbyte_sync import AirbyteWorkspace, load_airbyte_asset_specs
from dagster_airbyte_sync.resources import AirbyteError, AirbyteSettings, AirbyteSettingsError
from dagster_airbyte_sync.resources.access.server import likely_public_addresses
from dagster_airbyte_sync.resources.api.instance import api_that_says
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault

MakeSettings = Callable[..., AirbyteSettings]


@pytest.fixture(params=["oauth", "none"])
def guarded(request: pytest.FixtureRequest) -> Iterator[AirbyteSimulator]:
    """An Airbyte that wants credentials, and one that wants none."""
    with AirbyteSimulator(auth=request.param) as airbyte:
        airbyte.add_connection("shop", ["orders"])
        yield airbyte


def loading(airbyte: AirbyteSimulator, **changes: Any) -> str:
    """What is said to somebody who loads definitions with these settings."""
    usual: dict[str, Any] = {**airbyte.workspace_config(), "request_retry_delay": 0}
    with pytest.raises(AirbyteError) as error:
        load_airbyte_asset_specs(AirbyteWorkspace(**{**usual, **changes}))
    assert error.value.__cause__ is None
    assert error.value.__context__ is None or error.value.__suppress_context__
    return str(error.value)


# What can be seen in the settings


def test_addresses_that_changed_places_are_refused_where_they_are_written() -> None:
    with pytest.raises(AirbyteSettingsError, match="base_url are swapped") as refused:
        AirbyteWorkspace(
            rest_api_base_url="http://airbyte.test/api/v1/",
            configuration_api_base_url="http://airbyte.test/api/public/v1",
            workspace_id="5ae6b09b-fdec-41af-aaf7-7d94cfc33ef6",
        )
    assert "the first is the public one, which ends with /api/public/v1" in str(refused.value)


@pytest.mark.parametrize("path", ["", "/api/v1", "/api/public/v1"])
def test_one_address_for_both_apis_is_refused(settings: MakeSettings, path: str) -> None:
    url = f"http://airbyte.test{path}"
    with pytest.raises(AirbyteSettingsError, match=f"configuration_api_base_url are both {url}"):
        settings(rest_api_base_url=url, configuration_api_base_url=f" {url}/ ")


def test_paths_of_a_proxy_are_nobodys_business(settings: MakeSettings) -> None:
    settings(rest_api_base_url="http://a/api/v1", configuration_api_base_url="http://b/api/v1")


# What only Airbyte can show


@pytest.mark.parametrize("path", ["", "/api", "/api/public", "/v1", "/public/v1"])
def test_a_public_api_at_another_path_is_found(guarded: AirbyteSimulator, path: str) -> None:
    wrong = f"{guarded.url}{path}"
    said = loading(guarded, rest_api_base_url=wrong)
    assert said.startswith(f"rest_api_base_url is {wrong}, but there is no public API (")
    assert said.endswith(f"One answers at {guarded.rest_api_base_url}: set it to that.")


def test_the_configuration_api_in_its_place_is_called_that(guarded: AirbyteSimulator) -> None:
    said = loading(
        guarded,
        rest_api_base_url=guarded.configuration_api_base_url,
        configuration_api_base_url=f"{guarded.url}/elsewhere/api/v1",
    )
    assert "rest_api_base_url is" in said
    assert "there is the Configuration API" in said


def test_credentials_are_not_sent_to_look_for_the_public_api(airbyte: AirbyteSimulator) -> None:
    loading(airbyte, rest_api_base_url=airbyte.url)
    looked = [each for each in airbyte.requests if each.path.endswith("/health")]
    assert looked
    assert not [each for each in looked if "Authorization" in each.headers]


def test_a_public_api_that_is_there_is_not_doubted_twice(airbyte: AirbyteSimulator) -> None:
    airbyte.add_connection("shop")
    airbyte.add_fault(Fault.status(404), path="/destinations", times=None)
    workspace = AirbyteWorkspace(**airbyte.workspace_config(), catalog_ttl=0)
    for _ in range(2):
        load_airbyte_asset_specs(workspace)
    assert [each.path for each in airbyte.requests if "health" in each.path] == [
        "/api/public/v1/health"
    ]


def test_a_path_in_front_of_the_public_api_is_found_by_that_of_the_other() -> None:
    assert likely_public_addresses("https://a.test", "https://a.test/air/api/v1") == [
        "https://a.test/air/api/public/v1",
        "https://a.test/api/public/v1",
    ]
    assert likely_public_addresses("https://a.test/api/public/v1", "https://b.test/api/v1") == []


@pytest.mark.parametrize(
    ("health", "api"),
    [
        ("Successful operation\n", "public"),
        ('{"available": true}', "configuration"),
        ("<!doctype html>", None),
        ("[" * 10_000, None),
        ("[]", None),
        (None, None),
    ],
)
def test_each_api_is_known_by_its_health(health: str | None, api: str | None) -> None:
    assert api_that_says(health) == api


def test_both_apis_of_the_simulator_are(airbyte: AirbyteSimulator) -> None:
    public = requests.get(f"{airbyte.rest_api_base_url}/health", timeout=5)
    other = requests.get(f"{airbyte.configuration_api_base_url}/health", timeout=5)
    assert (api_that_says(public.text), api_that_says(other.text)) == ("public", "configuration")


@pytest.mark.parametrize("auth", ["oauth", "none"])
def test_https_on_a_port_of_plain_http_is_called_that(auth: Any) -> None:
    with AirbyteSimulator(auth=auth) as airbyte:
        secure = airbyte.url.replace("http:", "https:")
        both = {
            "rest_api_base_url": f"{secure}/api/public/v1",
            "configuration_api_base_url": f"{secure}/api/v1",
        }
        said = loading(airbyte, **both, request_max_retries=0)
    assert (
        "that port speaks plain http, not https: begin rest_api_base_url and"
        " configuration_api_base_url with http://" in said
    )


def test_plain_http_on_a_port_of_https_is_called_that(airbyte: AirbyteSimulator) -> None:
    """As Go's server answers, and nginx with a page."""
    text = "Client sent an HTTP request to an HTTPS server.\n"
    airbyte.add_fault(Fault.status(400, body=text), times=None)
    assert "that port speaks https" in loading(airbyte)


# Credentials


@pytest.mark.parametrize(
    ("auth", "given", "said"),
    [
        ("oauth", {}, "requires credentials, and none are set: give client_id and client_secret"),
        ("oauth", {"username": "a", "password": "b"}, "requires client_id and client_secret ins"),
        ("oauth", {"request_headers": {"authorization": "x"}}, "Authorization in request_headers"),
        ("basic", {}, "something in front of Airbyte requires username and password: set both)"),
        ("basic", {"username": "a", "password": "b"}, "check username and password"),
        ("basic", {"client_id": "a", "client_secret": "b"}, "both (in place of client_id and"),
    ],
)
def test_what_a_server_wants_to_know_is_named(auth: Any, given: dict[str, Any], said: str) -> None:
    with AirbyteSimulator(auth=auth) as airbyte:
        airbyte.add_connection("shop")
        none = dict.fromkeys(("client_id", "client_secret", "username", "password"))
        assert said in loading(airbyte, **{**none, **given})


# Time


def test_a_listing_that_takes_too_long_names_the_timeout(airbyte: AirbyteSimulator) -> None:
    airbyte.add_connection("shop")
    airbyte.add_fault(Fault.slow(0.5), path="/connections/list", times=None)
    said = loading(airbyte, request_timeout=0.2, request_max_retries=0)
    assert "no answer within 0.2 s: raise request_timeout (now 0.2)" in said
