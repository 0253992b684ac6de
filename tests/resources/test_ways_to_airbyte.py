"""Every way in, over real sockets: credentials, certificates, proxies, headers.

Each test asks all that definitions need, and so both APIs.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dagster_airbyte_sync import AirbyteWorkspace, load_airbyte_asset_specs
from dagster_airbyte_sync.resources import AirbyteError, AirbyteUnavailable
from dagster_airbyte_sync.resources.errors import AirbyteUnauthorized
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.cloud import tls_context
from helpers.relays import Proxy, address_of, http_proxy, tls_front

Connect = Callable[..., list[str]]


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        airbyte.add_connection("shop", ["orders"])
        yield airbyte


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    return tmp_path / "ca.pem"


@pytest.fixture
def secure(airbyte: AirbyteSimulator, ca_file: Path) -> Iterator[dict[str, Any]]:
    """Settings that lead to the same Airbyte over TLS, with a CA that nobody knows."""
    context = tls_context(ca_file, "airbyte.internal", "127.0.0.1")
    with tls_front(address_of(airbyte.url), context) as (host, port):
        yield settings(airbyte, f"https://{host}:{port}")


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with http_proxy() as proxy:
        yield proxy


def settings(airbyte: AirbyteSimulator, url: str) -> dict[str, Any]:
    addresses = {
        "rest_api_base_url": f"{url}/api/public/v1",
        "configuration_api_base_url": f"{url}/api/v1",
    }
    return {**airbyte.workspace_config(), **addresses, "request_retry_delay": 0}


def loaded(given: dict[str, Any], **changes: Any) -> list[str]:
    """The tables that can be seen with these settings."""
    workspace = AirbyteWorkspace(**{**given, **changes})
    return [spec.key.to_user_string() for spec in load_airbyte_asset_specs(workspace)]


# Credentials


@pytest.mark.parametrize("auth", ["oauth", "basic", "none"])
def test_each_kind_of_credentials_opens_both_apis(auth: Any) -> None:
    with AirbyteSimulator(auth=auth) as airbyte:
        airbyte.add_connection("shop", ["orders"])
        assert loaded(settings(airbyte, airbyte.url)) == ["orders"]
        assert {each.status for each in airbyte.exchanges} == {200}


@pytest.mark.parametrize("auth", ["oauth", "basic"])
def test_without_credentials_nobody_comes_in(auth: Any) -> None:
    with AirbyteSimulator(auth=auth) as airbyte:
        none = dict.fromkeys(("client_id", "client_secret", "username", "password"))
        with pytest.raises(AirbyteUnauthorized):
            loaded(settings(airbyte, airbyte.url), **none)


def test_a_header_can_be_what_opens_the_door(airbyte: AirbyteSimulator) -> None:
    """As with a proxy in front that wants a key of its own; it comes with every request."""
    headers = {"X-Door-Key": "sesame"}
    assert loaded(settings(airbyte, airbyte.url), request_headers=headers) == ["orders"]
    assert {each.headers.get("X-Door-Key") for each in airbyte.requests} == {"sesame"}


# Certificates


def test_a_custom_ca_is_trusted_when_it_is_named(secure: dict[str, Any], ca_file: Path) -> None:
    assert loaded(secure, verify=str(ca_file)) == ["orders"]


def test_a_certificate_that_nobody_vouches_for_is_named_with_the_way_out(
    secure: dict[str, Any],
) -> None:
    with pytest.raises(AirbyteUnavailable, match=r"certificate .* verify .* CA"):
        loaded(secure, request_max_retries=0)


def test_a_certificate_for_another_name_is_refused(
    airbyte: AirbyteSimulator, ca_file: Path
) -> None:
    context = tls_context(ca_file, "somebody.else")
    with tls_front(address_of(airbyte.url), context) as (host, port):
        given = settings(airbyte, f"https://{host}:{port}")
        with pytest.raises(AirbyteUnavailable, match="certificate"):
            loaded(given, verify=str(ca_file), request_max_retries=0)
    assert not airbyte.requests


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_the_check_can_be_switched_off(secure: dict[str, Any]) -> None:
    assert loaded(secure, verify=False) == ["orders"]


def test_a_ca_file_in_the_environment_is_used_as_well(
    secure: dict[str, Any], ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca_file))
    assert loaded(secure) == ["orders"]


# Proxies


def test_a_proxy_carries_plain_requests(airbyte: AirbyteSimulator, proxy: Proxy) -> None:
    given = settings(airbyte, airbyte.url)
    assert loaded(given, proxies={"http": proxy.url}) == ["orders"]
    assert len(proxy.asked) == len(airbyte.requests)
    assert proxy.asked[0] == f"POST {airbyte.rest_api_base_url}/applications/token"


def test_a_proxy_is_a_tunnel_for_tls(
    airbyte: AirbyteSimulator, secure: dict[str, Any], ca_file: Path, proxy: Proxy
) -> None:
    """It sees where to, and nothing else."""
    assert loaded(secure, verify=str(ca_file), proxies={"https": proxy.url}) == ["orders"]
    host = secure["rest_api_base_url"].removeprefix("https://").partition("/")[0]
    assert set(proxy.asked) == {f"CONNECT {host}"}
    assert airbyte.requests


def test_a_proxy_finds_hosts_that_only_it_knows(
    airbyte: AirbyteSimulator, secure: dict[str, Any], ca_file: Path
) -> None:
    front = address_of(secure["rest_api_base_url"])
    with http_proxy({"airbyte.internal": front}) as proxy:
        given = settings(airbyte, "https://airbyte.internal")
        assert loaded(given, verify=str(ca_file), proxies={"https": proxy.url}) == ["orders"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_may_want_a_password(
    airbyte: AirbyteSimulator, secure: dict[str, Any], ca_file: Path, scheme: str
) -> None:
    given = settings(airbyte, airbyte.url) if scheme == "http" else secure
    with http_proxy(user=("me", "hunter22")) as proxy:
        with_password = proxy.url.replace("http://", "http://me:hunter22@")
        proxies = {scheme: with_password}
        assert loaded(given, verify=str(ca_file), proxies=proxies) == ["orders"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_wrong_password_of_a_proxy_is_reported_and_not_repeated(
    airbyte: AirbyteSimulator, secure: dict[str, Any], ca_file: Path, scheme: str
) -> None:
    given = settings(airbyte, airbyte.url) if scheme == "http" else secure
    with http_proxy(user=("me", "hunter22")) as proxy:
        proxies = {scheme: proxy.url.replace("http://", "http://me:sesame99@")}
        with pytest.raises(AirbyteError, match=r"proxy|407") as failure:
            loaded(given, verify=str(ca_file), proxies=proxies, request_max_retries=0)
    assert "sesame99" not in str(failure.value)
    assert not airbyte.requests


def test_a_proxy_that_is_not_there_is_not_taken_for_airbyte(airbyte: AirbyteSimulator) -> None:
    given = settings(airbyte, airbyte.url)
    with http_proxy() as proxy:
        gone = proxy.url
    with pytest.raises(AirbyteUnavailable, match="check proxies"):
        loaded(given, proxies={"http": gone}, request_max_retries=0)
