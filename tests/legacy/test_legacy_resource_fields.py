"""The fields of an AirbyteResource mean what they meant, or say that they do not."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteResource, AirbyteSettingsError
from dagster_airbyte_sync.legacy.new_settings import new_settings


def test_what_requests_was_given_is_given_by_fields_now(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.touch()
    said = {
        "headers": {"X-Door": "open"},
        "proxies": {"http": "http://proxy:3128"},
        "verify": str(ca),
        "timeout": 40,
        "auth": ["me", "hunter22"],
    }
    resource = AirbyteResource(
        host="airbyte",
        port="8000",
        workspace_id="5ae6b09b-fdec-41af-aaf7-7d94cfc33ef6",
        request_additional_params=said,
    )
    settings = resource.settings()
    assert settings.request_headers == (("X-Door", "open"),)
    assert settings.proxies == (("http", "http://proxy:3128"),)
    assert settings.verify == str(ca)
    assert settings.request_timeout == 40
    assert (settings.username, settings.password) == ("me", "hunter22")
    assert "hunter22" not in repr(resource)


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (
            {"cert": "me.pem", "stream": True},
            "has 'cert' and 'stream', which an AirbyteWorkspace has no field",
        ),
        ({"auth": "me"}, "'auth' of .* is not a pair of user and password: set username and"),
        (
            {"timeout": (3, 30)},
            "'timeout' of .* is not one number, in seconds: set request_timeout",
        ),
        ({"verify": 3}, "'verify' of .* is not true, false or the path"),
        (
            {"headers": {"X-Tries": 3}},
            "'headers' of .* is not a mapping of texts: set request_headers",
        ),
        ({"proxies": "http://proxy"}, "'proxies' of .* is not a mapping of texts: set proxies"),
        ({"headers": {"X-Door": dg.EnvVar("DOOR")}}, "EnvVar in 'headers', .* request_headers"),
        ({"auth": ["me", dg.EnvVar("PASSWORD")]}, "EnvVar in 'auth', .* username and password"),
        ({"timeout": dg.EnvVar.int("TIMEOUT")}, "EnvVar in 'timeout', .* request_timeout"),
    ],
)
def test_what_cannot_be_said_any_more_is_an_error_at_once(
    said: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(AirbyteSettingsError, match=complaint):
        AirbyteResource(host="airbyte", port="8000", request_additional_params=said)


@pytest.mark.parametrize("cancel", [True, False])
def test_the_former_name_of_cancelling_is_obeyed(cancel: bool) -> None:
    resource = AirbyteResource(host="a", port="1", cancel_sync_on_run_termination=cancel)
    assert resource.cancel_on_termination is cancel


def test_what_is_said_as_none_is_not_said() -> None:
    said = dict.fromkeys(("headers", "proxies", "verify", "timeout", "auth"))
    resource = AirbyteResource(host="a", port="1", request_additional_params=said)
    assert new_settings(resource.given())["request_timeout"] == 15


@pytest.mark.parametrize("forward", [True, False])
def test_forwarding_logs_means_nothing_and_says_so(forward: bool) -> None:
    with pytest.warns(FutureWarning, match="forward_logs no longer has an effect"):
        AirbyteResource(host="a", port="1", forward_logs=forward)
