"""Reads an HTTP answer: its JSON, or the error that it means. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

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
from dagster_airbyte_sync.resources.http.bodies import decoded
from dagster_airbyte_sync.resources.http.redaction import NO_SECRETS, Redactor, bare_address
from dagster_airbyte_sync.resources.http.retry import retry_after_seconds
from dagster_airbyte_sync.resources.json_values import Json, as_text, object_at

_LONGEST_REASON = 500
# Letters of an answer to look at if it is not a message of Airbyte's.
_BEGINNING = 2000

# Each object or list costs some 70 bytes of memory, even if it is empty. A catalog of a million
# columns has two million.
MOST_PARTS = 10_000_000
_TOO_MANY = f"JSON of more than {MOST_PARTS:,} objects and lists: no such thing is read"

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


def json_of(method: str, url: str, received: Received) -> object:
    """The JSON object or list of a good answer; AirbyteUnreadable for anything else."""
    if _has_too_many_parts(received.body):
        raise AirbyteUnreadable(method, url, _TOO_MANY)
    parsed = _parsed(received.body)
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


def _is_page(received: Received) -> bool:
    beginning = decoded(received.body[: 4 * _BEGINNING], "replace")[:_BEGINNING].lower()
    return "<html" in beginning or "<!doctype" in beginning


def _has_too_many_parts(body: bytes | bytearray) -> bool:
    return body.count(b"[") + body.count(b"{") > MOST_PARTS


def _parsed(body: bytes | bytearray) -> object:
    try:
        return json.loads(decoded(body))
    except (ValueError, RecursionError):
        return None
