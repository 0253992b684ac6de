"""Reads an HTTP answer: its JSON, or the error that it means; or why there is none. Pure."""

import json
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import BadStatusLine

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from dagster_airbyte_sync.resources.errors import (
    AirbyteConflict,
    AirbyteForbidden,
    AirbyteNotFound,
    AirbyteRateLimited,
    AirbyteRedirected,
    AirbyteRefused,
    AirbyteRequestError,
    AirbyteSentPage,
    AirbyteUnauthorized,
    AirbyteUnavailable,
    AirbyteUnreadable,
)
from dagster_airbyte_sync.resources.garbage import no_garbage_collected
from dagster_airbyte_sync.resources.http.bodies import decoded
from dagster_airbyte_sync.resources.http.redaction import NO_SECRETS, Redactor, bare_address
from dagster_airbyte_sync.resources.http.retry import retry_after_seconds
from dagster_airbyte_sync.resources.json_values import Json, as_text, object_at

# Makes of a text what its JSON stands for; ValueError if it is none.
Parse = Callable[[str], object]

# What `requests` raises, and what it lets through.
Failure = requests.RequestException | HTTPError
# Seconds for connecting, and for each wait for more of the answer.
Timeout = tuple[float, float]

# What OpenSSL says, by its version, of an answer that is no TLS.
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")
# How the answer of a TLS port begins to who speaks plain http to it: an alert.
_TLS_ALERT = "\x15\x03"

_LONGEST_REASON = 500
# Letters of an answer to look at if it is not a message of Airbyte's.
_BEGINNING = 2000

# Each object or list costs some 70 bytes of memory, even if it is empty. A catalog of a million
# columns has two million.
MOST_PARTS = 10_000_000
_TOO_MANY = f"JSON of more than {MOST_PARTS:,} objects and lists, which is too much to read"

_KINDS: dict[int, type[AirbyteRefused]] = {
    401: AirbyteUnauthorized,
    403: AirbyteForbidden,
    404: AirbyteNotFound,
    501: AirbyteNotFound,
}


@dataclass(frozen=True)
class Received:
    """An answer, read; its body is unpacked, and that of a refusal may be cut."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | bytearray = field(repr=False)


def json_of(method: str, url: str, received: Received, parse: Parse = json.loads) -> object:
    """The JSON object or list of a good answer; AirbyteUnreadable for anything else."""
    if _has_too_many_parts(received.body):
        raise AirbyteUnreadable(method, url, _TOO_MANY)
    parsed = _parsed(received.body, parse)
    if isinstance(parsed, dict | list):
        return parsed
    is_page = _is_page(received)
    page = "an HTML page" if is_page else "no readable JSON"
    reason = f"{page} with status {received.status}: is the address that of Airbyte's API?"
    raise (AirbyteSentPage if is_page else AirbyteUnreadable)(method, url, reason)


def error_of(
    method: str, url: str, received: Received, secrets: Redactor = NO_SECRETS
) -> AirbyteRequestError:
    """The error for an answer with a status of 300 or more, quoted without the secrets."""
    status, body = received.status, object_at(_parsed(received.body))
    reason = reason_in(body, secrets) or _plain(received, secrets)
    if status == 400 and _wants_https(received):
        reason = "that port speaks https: begin its address in the settings with https://"
    if status < 400:
        address = bare_address(received.headers.get("Location", "another address"))
        reason = f"a redirect to {address}: put that address into the settings"
        return AirbyteRedirected(method, url, secrets.quoted(reason, _BEGINNING), status=status)
    if status in (408, 429) or (status >= 500 and status not in _KINDS):
        unavailable = AirbyteRateLimited if status == 429 else AirbyteUnavailable
        wait = retry_after_seconds(received.headers.get("Retry-After"))
        return unavailable(method, url, reason, status=status, retry_after=wait)
    if status == 409:
        title = as_text(body.get("title")) or as_text(body.get("type")) or ""
        title = secrets.quoted(title, _LONGEST_REASON)
        return AirbyteConflict(method, url, reason, status=status, title=title)
    return _KINDS.get(status, AirbyteRefused)(method, url, reason, status=status)


def why_no_answer(failure: Failure, timeout: Timeout, usual: float, names: str) -> str:
    """Why there is none, and which settings to look at.

    `timeout` is what the request had, `usual` the request_timeout; `names` are the settings of its
    address, empty if nobody can set it. The text of the failure can hold a password or a header,
    so only its kind is named.
    """
    if isinstance(failure, requests.Timeout | ReadTimeoutError):
        return _why_timed_out(failure, timeout, usual)
    address = names or "the address"
    if isinstance(failure, requests.exceptions.SSLError):
        cause = _why_no_tls(failure, address)
    elif isinstance(failure, requests.exceptions.ProxyError):
        cause = "the proxy did not let it through: check proxies, HTTP_PROXY and HTTPS_PROXY"
    elif _met_tls(failure):
        cause = f"that port speaks https: begin {address} with https://"
    else:
        where = f" ({names})" if names else ""
        cause = f"is Airbyte running, and is the address right{where}?"
    return f"no answer ({type(failure).__name__}): {cause}"


def is_about_tls(failure: Failure) -> bool:
    return isinstance(failure, requests.exceptions.SSLError) or _met_tls(failure)


def _why_timed_out(failure: Failure, timeout: Timeout, usual: float) -> str:
    connect, read = timeout
    is_connecting = isinstance(failure, requests.ConnectTimeout)
    waited = connect if is_connecting else read
    text = f"no answer within {waited:g} s"
    if is_connecting:
        return f"{text} (ConnectTimeout): is the address right, and open to this machine?"
    if waited != usual:
        # Less was left of a tick, or this request has more time of its own.
        return text
    return f"{text}: raise request_timeout (now {usual:g}) if Airbyte needs longer for this"


def _why_no_tls(failure: Failure, address: str) -> str:
    cause = next((each for each in _chain(failure) if isinstance(each, ssl.SSLError)), None)
    if cause is not None and cause.reason in _NO_TLS:
        return f"that port speaks plain http, not https: begin {address} with http://"
    if isinstance(cause, ssl.SSLCertVerificationError) and "match" in cause.verify_message.lower():
        return f"its certificate is for another name: check the name in {address}, and verify"
    return "is its certificate trusted here? Set verify to the file of its CA"


def _met_tls(failure: Failure) -> bool:
    lines = (str(each) for each in _chain(failure) if isinstance(each, BadStatusLine))
    return any(_TLS_ALERT in line or repr(_TLS_ALERT)[1:-1] in line for line in lines)


def _chain(failure: BaseException) -> Iterator[BaseException]:
    """The failure and what lies in it: urllib3 gives causes as arguments, and as `reason`."""
    waiting: list[object] = [failure]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException):
            waiting += [*one.args, getattr(one, "reason", None)]
            yield one


def reason_in(body: Json, secrets: Redactor = NO_SECRETS) -> str | None:
    """Airbyte's most useful message: the problem's own text before its generic title."""
    data = object_at(body, "data")
    candidates = (
        data.get("message"),
        body.get("message"),
        body.get("detail"),
        body.get("title"),
        f"errorId {body['errorId']}" if body.get("errorId") else None,
    )
    message = next(filter(None, map(as_text, candidates)), None)
    return secrets.quoted(message, _LONGEST_REASON) if message else None


def _plain(received: Received, secrets: Redactor) -> str:
    if _is_page(received):
        return "an HTML page"
    words = secrets.quoted(decoded(received.body, "replace"), _BEGINNING).split()
    return " ".join(words)[:_LONGEST_REASON] or "no message"


def _wants_https(received: Received) -> bool:
    """Whether a TLS port answered who speaks plain http to it, as nginx and Go do."""
    beginning = decoded(received.body[:_BEGINNING], "replace").lower()
    return "http request" in beginning and "https" in beginning


def _is_page(received: Received) -> bool:
    beginning = decoded(received.body[: 4 * _BEGINNING], "replace")[:_BEGINNING].lower()
    return "<html" in beginning or "<!doctype" in beginning


def _has_too_many_parts(body: bytes | bytearray) -> bool:
    return body.count(b"[") + body.count(b"{") > MOST_PARTS


def _parsed(body: bytes | bytearray, parse: Parse = json.loads) -> object:
    try:
        with no_garbage_collected():
            return parse(decoded(body))
    except (ValueError, RecursionError):
        return None
