"""Credentials that cross a network unencrypted are worth a warning, once."""

import logging

import pytest

from dagster_airbyte_sync.resources import AirbyteSettings
from dagster_airbyte_sync.resources.client.shared_clients import client_for

WORKSPACE = "0123abcd-0123-4567-89ab-0123456789ab"


def settings(host: str, **given: str) -> AirbyteSettings:
    return AirbyteSettings(f"{host}/api/public/v1", f"{host}/api/v1", WORKSPACE, **given)  # type: ignore[arg-type]


def with_secret(host: str) -> AirbyteSettings:
    return settings(host, client_id="id", client_secret="do not show")


@pytest.mark.parametrize("host", ["http://airbyte.example", "http://10.0.0.7:8000"])
def test_credentials_sent_unencrypted_to_another_machine_are_warned_of_once(
    host: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        client_for(with_secret(host))
        client_for(with_secret(host))

    (warning,) = caplog.messages
    assert host.removeprefix("http://").split(":")[0] in warning
    assert "https://" in warning
    assert "do not show" not in warning


@pytest.mark.parametrize(
    "host",
    ["https://airbyte.example", "http://localhost:8000", "http://127.0.0.2", "http://[::1]:8000"],
)
def test_encrypted_or_never_leaving_the_machine_is_fine(host: str) -> None:
    assert with_secret(host).hosts_in_the_clear == ()


def test_without_credentials_there_is_nothing_to_listen_to() -> None:
    assert settings("http://airbyte.example").hosts_in_the_clear == ()


def test_a_password_is_a_credential_too() -> None:
    basic = settings("http://airbyte.example", username="me", password="do not show")
    assert basic.hosts_in_the_clear == ("airbyte.example",)
