"""Redaction: what is reported of a text or an address that holds a secret."""

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_airbyte_sync.resources.http.redaction import (
    HIDDEN,
    Redactor,
    bare_address,
    passwords_in,
    secrets_in_header,
)


def hidden(text: str, secrets: list[str]) -> str:
    return Redactor(secrets).hidden(text)


def test_every_secret_is_hidden_wherever_it_stands() -> None:
    reported = hidden("hunter2, again hunter2, and s3cr3t", ["s3cr3t", "hunter2"])
    assert reported == "***, again ***, and ***"


def test_a_secret_within_another_does_not_betray_the_rest() -> None:
    assert hidden("hunter2-and-more", ["hunter2", "hunter2-and-more"]) == "***"


def test_a_header_s_plain_word_does_not_garble_a_message() -> None:
    assert hidden("On 1 try", ["1", "On", ""]) == "On 1 try"


@given(st.text(min_size=4).filter(lambda secret: "*" not in secret), st.booleans())
def test_no_secret_is_shown_in_json_however_deep(secret: str, ascii_only: bool) -> None:
    once = json.dumps({"error": f"no {secret} "}, ensure_ascii=ascii_only)
    twice = json.dumps({"error": once}, ensure_ascii=ascii_only)
    for answer in (once, twice, twice[:-1]):
        assert HIDDEN in hidden(answer, [secret])


@pytest.mark.parametrize("escaped", [r"pa\u0026ss\/word\u003d", r"pa\u0026ss\/word="])
def test_escapes_that_json_does_not_need_are_read_as_well(escaped: str) -> None:
    assert hidden(f"no {escaped}!", ["pa&ss/word="]) == "no ***!"


def test_a_text_without_secrets_stays_as_it_is() -> None:
    path = r"C:\new\table \"as it is\""
    assert hidden(path, ["hunter2"]) == path


@pytest.mark.parametrize(
    ("value", "secrets"),
    [
        ("hunter2", {"hunter2"}),
        ("Bearer tok-abc", {"Bearer tok-abc", "tok-abc"}),
        ("Basic bWU6aHVudGVyMg==", {"Basic bWU6aHVudGVyMg==", "bWU6aHVudGVyMg==", "hunter2"}),
        ("session=abcdef; theme=dark", {"abcdef", "dark"}),
        ("", set()),
    ],
)
def test_the_secrets_in_a_header_are_found_as_written_and_as_meant(
    value: str, secrets: set[str]
) -> None:
    assert secrets <= set(secrets_in_header(value))


@given(st.text(string.ascii_letters, min_size=4), st.text(), st.text())
def test_no_secret_is_ever_shown(secret: str, before: str, after: str) -> None:
    assert secret not in hidden(before + secret + after, [secret])


@pytest.mark.parametrize(
    ("address", "reported"),
    [
        ("https://airbyte.test/api", "https://airbyte.test/api"),
        ("https://airbyte.test/?token=t#x", "https://airbyte.test/"),
        ("/login#token=t", "/login"),
        ("http://me:hunter2@airbyte.test/api", "http://***@airbyte.test/api"),
        ("http://me:hun/ter@2@airbyte.test", "http://***@airbyte.test"),
        ("me:hunter2@airbyte.test", "***@airbyte.test"),
        ("another address", "another address"),
    ],
)
def test_an_address_is_reported_without_what_may_be_secret(address: str, reported: str) -> None:
    assert bare_address(address) == reported


@pytest.mark.parametrize(
    ("address", "passwords"),
    [
        ("http://proxy.test:3128", ()),
        ("proxy.test:3128", ()),
        ("http://me@proxy.test:3128", ()),
        ("http://me:hunter2@proxy.test:3128", ("hunter2", "hunter2")),
        ("me:hunter2@proxy.test:3128", ("hunter2", "hunter2")),
        ("http://me:h%40//@proxy.test", ("h%40//", "h@//")),
    ],
)
def test_the_password_of_an_address_is_found_as_written_and_as_meant(
    address: str, passwords: tuple[str, ...]
) -> None:
    assert passwords_in(address) == passwords
