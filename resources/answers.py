"""Reads an HTTP answer: its JSON, or the error it stands for. Pure."""

from collections.abc import Collection

import requests

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
from dagster_airbyte_sync.resources.reading import Json, object_at, text
from dagster_airbyte_sync.resources.redaction import bare_address, without_secrets
from dagster_airbyte_sync.resources.retry import retry_after_seconds

_LONGEST_REASON = 500
# Where it is no message of Airbyte's, so much of an answer is looked at, in letters.
_BEGINNING = 2000

_KINDS: dict[int, type[AirbyteRefused]] = {
    401: AirbyteUnauthorized,
    403: AirbyteForbidden,
    404: AirbyteNotFound,
    501: AirbyteNotFound,
}


def json_of(method: str, url: str, response: requests.Response) -> object:
    """The JSON object or list of a good answer; AirbyteUnreadable for anything else."""
    parsed = _parsed(response)
    if isinstance(parsed, dict | list):
        return parsed
    is_page = _is_page(_text(response)[:_BEGINNING])
    page = "an HTML page" if is_page else "no readable JSON"
    reason = f"{page} with status {response.status_code}: is the address that of Airbyte's API?"
    raise (AirbyteSentPage if is_page else AirbyteUnreadable)(method, url, reason)


def error_of(
    method: str, url: str, response: requests.Response, secrets: Collection[str] = ()
) -> AirbyteRequestError:
    """The error for an answer with a status of 300 or more, quoted without the secrets."""
    status, body = response.status_code, object_at(_parsed(response))
    reason = reason_in(body, secrets) or _plain(response, secrets)
    if status < 400:
        reason = without_secrets(_redirect(response), secrets)
        return AirbyteRedirected(method, url, reason, status=status)
    if status in (408, 429) or (status >= 500 and status not in _KINDS):
        unavailable = AirbyteRateLimited if status == 429 else AirbyteUnavailable
        wait = retry_after_seconds(response.headers.get("Retry-After"))
        return unavailable(method, url, reason, status=status, retry_after=wait)
    if status == 409:
        title = text(body.get("title")) or text(body.get("type")) or ""
        return AirbyteConflict(method, url, reason, title=without_secrets(title, secrets))
    return _KINDS.get(status, AirbyteRefused)(method, url, reason, status=status)


def _redirect(response: requests.Response) -> str:
    to = bare_address(response.headers.get("Location", "another address"))
    return f"a redirect to {to}: put that address into the settings"


def reason_in(body: Json, secrets: Collection[str] = ()) -> str | None:
    """Airbyte's most telling message: the problem's own text before its generic title."""
    data = object_at(body, "data")
    candidates = (
        data.get("message"),
        body.get("message"),
        body.get("detail"),
        body.get("title"),
        f"errorId {body['errorId']}" if body.get("errorId") else None,
    )
    found = next(filter(None, map(text, candidates)), None)
    # Hidden before it is cut: half a secret would not be recognised.
    return without_secrets(found, secrets)[:_LONGEST_REASON] if found else None


def _plain(response: requests.Response, secrets: Collection[str]) -> str:
    # Hidden before it is cut, here too.
    told = without_secrets(_text(response), secrets)[:_BEGINNING]
    words = " ".join(told.split())
    return "an HTML page" if _is_page(words) else words[:_LONGEST_REASON] or "no message"


def _text(response: requests.Response) -> str:
    # Not `response.text`: guessing the encoding of a large body takes seconds.
    return response.content.decode("utf-8", "replace")


def _is_page(words: str) -> bool:
    return "<html" in words.lower() or "<!doctype" in words.lower()


def _parsed(response: requests.Response) -> object:
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None
