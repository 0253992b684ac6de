"""No secret of a log that Airbyte sends is shown, and little else is hidden."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_airbyte_sync.resources.api.credentials_in_text import without_credentials
from dagster_airbyte_sync.resources.api.log_lines import (
    LONGEST_LINE,
    MOST_BYTES,
    MOST_LINES,
    shown_lines,
)
from dagster_airbyte_sync.resources.http.redaction import NO_SECRETS, Redactor

S = "hunter2"

# In pieces, so that nobody takes them for real ones.
PEM = "-----{} RSA PRIVATE" + " KEY-----"
JWT = "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dGhpc2lzYXNpZ25hdHVyZQ"


@pytest.mark.parametrize(
    "text",
    [
        f"password={S}",
        f"password = {S}, user=bob",
        f"db_password: {S}",
        f"PGPASSWORD={S}",
        f"pwd:'{S} and more {S}'",
        f'{{"password":"{S}"}}',
        f'{{\\"client_secret\\": \\"{S}\\"}}',
        f"{{'api_key': '{S}'}}",
        f'"accessKey" : "a\\"{S}"',
        f"AccountKey={S};EndpointSuffix=x",
        f"https://x.test/?access_token={S}&a=b",
        f"https://x.test/?sig=1&X-Amz-Signature={S}",
        f"X-Amz-Security-Token%3D{S}",
        f"postgresql://bob:{S}@db/shop",
        f"jdbc:mysql://bob:a@{S}/b@db:3306/shop",
        f"redis://:{S}@db",
        f"Authorization: Basic {S} {S}",
        f'"Authorization": "Token {S}"',
        f"Cookie: a={S}; b={S}",
        f"curl -H 'x: Bearer {S}'",
        f"sent basic {S}1abc=",
        f"mysql --password {S} --user bob",
        f"<wsse:Password>{S}</wsse:Password>",
        f"passphrase => {S}",
        "AKIA" + "IOSFODNN7EXAMPLE",
        f"seen {JWT} there",
        "ghp_" + "a" * 30,
        "sk_live_" + "abcdefgh1234",
        "xoxb-" + "123456789-abc",
        "AIza" + "b" * 35,
        "key is " + "aB3" * 14,
        f"{PEM.format('BEGIN')}\nMII{S}\nabc\n{PEM.format('END')}",
        f"{PEM.format('BEGIN')}\nMII{S}",
        f"MII{S}\nabc\n{PEM.format('END')}",
        f"{PEM.format('BEGIN')}\\nMII{S}\\n{PEM.format('END')}",
    ],
)
def test_what_looks_like_a_credential_is_hidden(text: str) -> None:
    shown = without_credentials(text)
    assert "***" in shown
    secrets = (S, JWT[10:], "IOSFODNN7", "aaaa", "abcdefgh", "123456789", "bbbb", "aB3aB3")
    assert not [secret for secret in secrets if secret in shown]
    assert shown.count("\n") == text.count("\n")


@pytest.mark.parametrize(
    "text",
    [
        "password authentication failed for user bob",
        "no such table: public.tokens",
        "Retry state: RetryManager(completeFailureBackoffPolicy=BackoffPolicy(minInterval=PT10S))",
        "job 12 of 5ae6b09b-fdec-41af-aaf7-7d94cfc33ef6 failed: java.io.IOException",
        "primary key: id, cursor: updated_at",
        "see https://docs.airbyte.com/troubleshooting?x=1#basic-2",
        "at io.airbyte.cdk.load.task.DefaultDestinationTaskLauncher.handle(Launcher.kt:211)",
    ],
)
def test_what_is_no_credential_stays(text: str) -> None:
    assert without_credentials(text) == text


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    assert without_credentials(text).count("\n") == text.count("\n")


def test_hostile_lines_take_no_time() -> None:
    parts = ("://", "password", "a=", "<", "eyJ", "-----BEGIN ", "--secret", "aB")
    text = "\n".join([part * (2_000 // len(part)) for part in parts] * 12)
    began = time.process_time()
    without_credentials(text)
    assert time.process_time() - began < 5


# What is shown of a log


@given(st.lists(st.text(max_size=900), max_size=60))
def test_what_is_shown_is_bounded_and_can_be_shown(raw: list[str]) -> None:
    shown = shown_lines(raw, NO_SECRETS)
    assert len(shown) <= MOST_LINES
    assert sum(len(line.encode()) + 1 for line in shown) <= MOST_BYTES
    assert all(line.strip() and line.isprintable() for line in shown)
    assert all(len(line) <= LONGEST_LINE for line in shown)


def test_colours_do_not_keep_a_secret_from_being_found() -> None:
    raw = ["\x1b[46mplatform\x1b[0m > pass\x1b[1mword=hun\x1b[31mter2\x1b[0m", "\x1b]8;;x\x07ok"]
    assert shown_lines(raw, NO_SECRETS) == ("platform > password=***", "ok")


def test_a_secret_that_is_cut_off_is_not_shown_in_half() -> None:
    known = "correct horse battery staple"
    for before in range(1_900, 2_100, 7):
        # What is hidden is short, so that what comes after it is near the beginning.
        raw = ["x " + JWT + "y" * (before - len(JWT)) + " " + known + " z" * 500]
        assert not re.search("horse|correct", "".join(shown_lines(raw, Redactor([known]))))


def test_a_key_of_many_lines_is_hidden_although_few_lines_are_shown() -> None:
    key = [PEM.format("BEGIN"), *(f"MII{S}{number}" for number in range(40)), PEM.format("END")]
    shown = shown_lines([*key, "failed"], NO_SECRETS)
    assert shown == ("***", "failed")
    assert shown_lines([*key[20:], "failed"], NO_SECRETS) == ("***", "failed")
