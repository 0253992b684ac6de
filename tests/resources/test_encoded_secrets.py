"""A secret is hidden from what is quoted, however the server spells it."""

import html
import json
import random
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from dagster_airbyte_sync.resources import AirbyteClient, AirbyteError, AirbyteSettings
from dagster_airbyte_sync.resources.http.redaction import HIDDEN, Redactor
from helpers.encoded import ENCODED

SECRETS = ["hunter2", "pa ss&w'o\"rd<1>+/=?", "grün€𝄞ß", "a%41b%2520c", r"back\slash\\", "0123"]

encodings = pytest.mark.parametrize("encode", ENCODED.values(), ids=ENCODED)
secrets = pytest.mark.parametrize("secret", SECRETS)


@encodings
@secrets
def test_a_secret_is_hidden_in_each_encoding(secret: str, encode: Callable[[str], str]) -> None:
    reported = Redactor([secret]).hidden(f"<p>denied: {encode(secret)} (404)</p>")
    assert HIDDEN in reported
    assert reported.startswith("<p>denied: ")
    assert reported.endswith(" (404)</p>")
    assert encode(secret) not in reported


@encodings
@secrets
def test_it_is_hidden_in_a_message_of_airbyte_s(
    settings: Callable[..., AirbyteSettings],
    mocked: responses.RequestsMock,
    secret: str,
    encode: Callable[[str], str],
) -> None:
    made = settings(username="me", password=secret)
    body = {"message": f"denied: {encode(secret)}."}
    mocked.get(f"{made.rest_api_base_url}/workspaces/{made.workspace_id}", status=400, json=body)
    with pytest.raises(AirbyteError) as failed:
        AirbyteClient(made).check_workspace()
    assert encode(secret) not in str(failed.value)
    assert "denied: " in str(failed.value)
    assert HIDDEN in str(failed.value)


@given(st.text(min_size=4).filter(lambda text: "*" not in text), st.data())
def test_no_secret_stands_in_one_or_two_encodings(secret: str, data: st.DataObject) -> None:
    # What HTML cannot say, it does not say: control characters, for one.
    kinds = [name for name in ENCODED if "html" not in name]
    inner = ENCODED[data.draw(st.sampled_from(["plain", "percent", "json", "form"]))]
    outer = ENCODED[data.draw(st.sampled_from(kinds))]
    assert HIDDEN in Redactor([secret]).hidden(f"no {outer(inner(secret))} here")


@given(st.text("&<>\"' azß€+;#", min_size=4), st.booleans())
def test_no_secret_stands_in_html(secret: str, numbers: bool) -> None:
    name = "html, decimal" if numbers else "html"
    assert HIDDEN in Redactor([secret]).hidden(f"<p>{ENCODED[name](secret)}</p>")


def test_several_encodings_in_one_answer_are_all_hidden() -> None:
    secret = "pa&ss wörd"
    answer = " | ".join(encode(secret) for encode in ENCODED.values())
    reported = Redactor([secret]).hidden(answer)
    assert not [name for name, encode in ENCODED.items() if encode(secret) in reported]


@pytest.mark.parametrize(
    "reported",
    ["100% of 3 &amp; more, see https://airbyte.test/docs?a=b%20c#d", r"C:\new\table",
     "aGVsbG8gd29ybGQgb2YgYmFzZTY0", "connections/0123abcd-0123-4567-89ab-0123456789ab"],
)  # fmt: skip
def test_what_is_encoded_and_no_secret_stays_as_it_is(reported: str) -> None:
    assert Redactor(["hunter2"]).hidden(reported) == reported


@pytest.mark.parametrize("encode", [str, quote, html.escape, json.dumps], ids=lambda e: e.__name__)
@pytest.mark.parametrize("length", [5, 100, 1500])
def test_a_secret_at_the_end_of_what_is_looked_at_is_hidden_whole(
    encode: Callable[[str], str], length: int
) -> None:
    letters = random.Random(1).choices('abcdefghij&"% <', k=length - 2)
    secret, hidden = "".join(["Q", *letters, "Z"]), "x" * length
    redactor = Redactor([secret, hidden])
    # What is looked at ends soon after what is quoted, as each secret before it is three stars.
    before, looked_at = f"{hidden}." * 20_000, 4000 + 12 * length
    for inside in (1, 4, length // 2, length - 1, len(encode(secret)) - 1, len(encode(secret))):
        reported = before[: looked_at - inside] + encode(secret) + "." * 100_000
        assert "Q" not in redactor.quoted(reported, 4000)


def test_many_long_secrets_do_not_push_half_of_one_into_what_is_quoted() -> None:
    secret = "Q" + "x" * 1000 + "Z"
    assert set(Redactor([secret]).quoted(secret * 1000, 500)) <= {"*"}


@pytest.mark.parametrize(
    "unit",
    ["x", "%41", "%2525", "&amp;", "&#120;", "\\u0041", "\\\\", "QUJD", "word and word ", "hunter2",
     '{"message": "no"} '],
)  # fmt: skip
def test_ten_megabytes_take_no_longer_than_some_kilobytes(unit: str) -> None:
    redactor = Redactor(["hunter2", "s3cr3t" * 200, *(f"secret number {n}" for n in range(10))])
    reported = unit * (10_000_000 // len(unit))
    begun = time.process_time()
    assert len(redactor.quoted(reported, 500)) <= 500
    assert time.process_time() - begun < 2


def test_a_redactor_shows_none_of_its_secrets() -> None:
    assert "hunter2" not in repr(Redactor(["hunter2"]))
    assert not hasattr(Redactor(["hunter2"]), "__dict__")
