"""What is sent to Airbyte, and what never is."""

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from freezegun import freeze_time
from requests.utils import get_netrc_auth, select_proxy

from dagster_airbyte_sync.resources import AirbyteSettings, AirbyteSettingsError
from dagster_airbyte_sync.resources.errors import AirbyteRedirected
from dagster_airbyte_sync.resources.http.transport import Call, Http

MakeSettings = Callable[..., AirbyteSettings]
Mock = responses.RequestsMock

URL = "http://airbyte.test/api/public/v1/jobs"
TOKEN_URL = "http://airbyte.test/api/public/v1/applications/token"
APPLICATION = {"client_id": "me", "client_secret": "hunter2"}


def sent(mocked: Mock, settings: AirbyteSettings, call: Call | None = None) -> Any:
    """The one request that reaches the URL (`Any`: responses types no `req_kwargs`)."""
    mocked.get(URL, json={})
    mocked.post(TOKEN_URL, json={"access_token": "t1"})
    Http(settings).send(call or Call("GET", URL))
    return mocked.calls[-1].request


def test_json_is_asked_for_by_name(mocked: Mock, settings: MakeSettings) -> None:
    headers = sent(mocked, settings()).headers
    assert headers["Accept"] == "application/json"
    assert headers["User-Agent"] == "dagster-airbyte-sync"


def test_a_token_is_sent_as_a_bearer(mocked: Mock, settings: MakeSettings) -> None:
    assert sent(mocked, settings(**APPLICATION)).headers["Authorization"] == "Bearer t1"


def test_a_user_and_password_are_sent_as_basic(mocked: Mock, settings: MakeSettings) -> None:
    request = sent(mocked, settings(username="me", password="pä:ss"))
    assert request.headers["Authorization"] == "Basic bWU6cMOkOnNz"


def test_without_credentials_nothing_is_proved(mocked: Mock, settings: MakeSettings) -> None:
    assert "Authorization" not in sent(mocked, settings()).headers


def test_custom_headers_are_sent_with_every_request(mocked: Mock, settings: MakeSettings) -> None:
    sent(mocked, settings(**APPLICATION, request_headers=(("X-Proxy-Token", "t"),)))
    assert [call.request.headers["X-Proxy-Token"] for call in mocked.calls] == ["t", "t"]


def test_a_custom_authorization_is_left_alone(mocked: Mock, settings: MakeSettings) -> None:
    made = settings(request_headers=(("Authorization", "Custom x"),))
    assert sent(mocked, made).headers["Authorization"] == "Custom x"


@pytest.mark.parametrize("verify", [True, False])
def test_certificates_are_checked_as_the_settings_say(
    mocked: Mock, settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, verify: bool
) -> None:
    forget_the_environment(monkeypatch)
    assert sent(mocked, settings(verify=verify)).req_kwargs["verify"] is verify


def test_a_ca_file_is_used(mocked: Mock, settings: MakeSettings, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.touch()
    assert sent(mocked, settings(verify=str(file))).req_kwargs["verify"] == str(file)


def test_a_switched_off_check_stays_off_whatever_the_environment_says(
    mocked: Mock, settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/some/ca.pem")
    assert sent(mocked, settings(verify=False)).req_kwargs["verify"] is False


def test_proxies_are_used(
    mocked: Mock, settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_the_environment(monkeypatch)
    made = settings(proxies=(("http", "http://proxy.test:3128"),))
    assert sent(mocked, made).req_kwargs["proxies"] == {"http": "http://proxy.test:3128"}


def test_a_proxy_of_the_settings_wins_over_that_of_the_environment(
    mocked: Mock, settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_the_environment(monkeypatch)
    monkeypatch.setenv("HTTP_PROXY", "http://elsewhere.test:3128")
    made = settings(proxies=(("http", "http://proxy.test:3128"),))
    assert sent(mocked, made).req_kwargs["proxies"]["http"] == "http://proxy.test:3128"


def test_a_proxy_for_all_wins_too(
    mocked: Mock, settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_the_environment(monkeypatch)
    monkeypatch.setenv("HTTP_PROXY", "http://elsewhere.test:3128")
    made = settings(proxies=(("all", "http://proxy.test:3128"),))
    proxies = sent(mocked, made).req_kwargs["proxies"]
    assert select_proxy(URL, proxies) == "http://proxy.test:3128"


def test_the_environment_s_proxy_is_used_where_the_settings_name_none(
    mocked: Mock, settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_the_environment(monkeypatch)
    monkeypatch.setenv("HTTP_PROXY", "http://elsewhere.test:3128")
    proxies: Mapping[str, str] = sent(mocked, settings()).req_kwargs["proxies"]
    assert proxies["http"] == "http://elsewhere.test:3128"


def test_a_ca_file_of_the_environment_that_is_not_there_is_named(
    settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/ca.pem")
    call = Call("GET", "https://127.0.0.1:1/jobs")
    with pytest.raises(AirbyteSettingsError, match="REQUESTS_CA_BUNDLE"):
        Http(settings(request_max_retries=0)).send(call)


def test_netrc_is_not_consulted(
    mocked: Mock, settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine airbyte.test login somebody password else\n")
    monkeypatch.setenv("NETRC", str(file))
    assert get_netrc_auth(URL) == ("somebody", "else")
    assert "Authorization" not in sent(mocked, settings()).headers
    sent(mocked, settings(**APPLICATION))
    token_request = mocked.calls[-2].request
    assert token_request.url == TOKEN_URL
    assert "Authorization" not in token_request.headers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_but_reported(
    http: Http, mocked: Mock, waits: list[float], status: int
) -> None:
    mocked.get(URL, status=status, headers={"Location": "https://login.test/?next=/jobs"})
    with pytest.raises(AirbyteRedirected) as refused:
        http.send(Call("GET", URL))
    assert "a redirect to https://login.test/: put that address into the settings" in str(
        refused.value
    )
    assert [call.request.url for call in mocked.calls] == [URL]


def test_credentials_are_not_sent_on_by_a_redirected_token_request(
    mocked: Mock, settings: MakeSettings
) -> None:
    mocked.post(TOKEN_URL, status=307, headers={"Location": "https://elsewhere.test/token"})
    with pytest.raises(AirbyteRedirected):
        Http(settings(**APPLICATION)).send(Call("GET", URL))
    assert [call.request.url for call in mocked.calls] == [TOKEN_URL]


def test_a_redirect_without_an_address_is_reported_too(http: Http, mocked: Mock) -> None:
    mocked.get(URL, status=302)
    with pytest.raises(AirbyteRedirected, match="another address"):
        http.send(Call("GET", URL))


def test_the_timeout_is_that_of_the_settings_unless_the_request_needs_longer(
    mocked: Mock, settings: MakeSettings
) -> None:
    made = settings(request_timeout=7)
    assert sent(mocked, made).req_kwargs["timeout"] == (7, 7)
    assert sent(mocked, made, Call("GET", URL, timeout=180)).req_kwargs["timeout"] == (7, 180)
    patient = settings(request_timeout=300)
    assert sent(mocked, patient, Call("GET", URL, timeout=180)).req_kwargs["timeout"] == (300, 300)


# Airbyte's clock


def test_airbyte_s_clock_is_read_from_its_answers(http: Http, mocked: Mock) -> None:
    mocked.get(URL, json={}, headers={"Date": "Sat, 01 Aug 2026 12:07:00 GMT"})
    assert http.server_time is None
    with freeze_time("2026-08-01T12:00:00Z") as clock:
        http.send(Call("GET", URL))
        clock.tick(30)
        assert http.server_time == datetime(2026, 8, 1, 12, 7, 30, tzinfo=timezone.utc)


@freeze_time("2026-08-01T12:00:00Z")
def test_a_refusal_takes_the_time_too(http: Http, mocked: Mock) -> None:
    mocked.get(URL, status=404, headers={"Date": "Sat, 01 Aug 2026 11:00:00 GMT"})
    with pytest.raises(Exception, match="404"):
        http.send(Call("GET", URL))
    assert http.server_time == datetime(2026, 8, 1, 11, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "header",
    ["", "yesterday", "Sat, 01 Aug 2026 12:00:00 -0000", "Sat, 01 Aug 99999999999 12:00:00 GMT",
     "Sat, 01 Aug 2026 12:00:00 +99999999999999"],
)  # fmt: skip
def test_a_date_that_makes_no_sense_is_ignored(http: Http, mocked: Mock, header: str) -> None:
    mocked.get(URL, json={}, headers={"Date": header})
    assert http.send(Call("GET", URL)) == {}
    assert http.server_time is None


def forget_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy and no CA file but those of the test."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    assert requests.utils.get_environ_proxies(URL) == {}
