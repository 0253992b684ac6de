"""How a request proves who sends it. Nothing here opens a connection."""

import base64
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from dagster_airbyte_sync.resources.errors import (
    AirbyteNotFound,
    AirbyteRedirected,
    AirbyteRefused,
    AirbyteRequestError,
    TokenRefused,
    TokensNotGiven,
)
from dagster_airbyte_sync.resources.http.settings import AirbyteSettings, is_header_value
from dagster_airbyte_sync.resources.json_values import Json, as_int, object_at

# Airbyte before 1.6 gives tokens of 180 s and does not always say so.
_SHORTEST_LIFE = 180.0
# A number above this, a year, is not the life of a token.
_LONGEST_LIFE = 31_536_000
# A token is renewed when this part of its life is over.
_RENEW_AFTER = 0.8


@dataclass(frozen=True)
class Token:
    """An access token; `renew_at` is on the local monotonic clock."""

    value: str = field(repr=False)
    renew_at: float


def read_token(answer: Json, now: float) -> Token | None:
    """The token in the answer of `/applications/token`, or None if there is none.

    The life is the token's own (`exp` minus `iat`), because `expires_in` is only configuration on
    Keycloak installations, and because Airbyte's clock need not agree with ours.
    """
    value = answer.get("access_token")
    if not isinstance(value, str) or not value or not is_header_value(value):
        return None
    life = _life_of(value) or _life(as_int(answer.get("expires_in"))) or _SHORTEST_LIFE
    return Token(value, now + life * _RENEW_AFTER)


def _life(seconds: int | None) -> int | None:
    return seconds if seconds is not None and 0 < seconds <= _LONGEST_LIFE else None


def _life_of(token: str) -> int | None:
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = object_at(json.loads(base64.urlsafe_b64decode(padded)))
    except (RecursionError, ValueError):
        return None
    issued, expires = as_int(claims.get("iat")), as_int(claims.get("exp"))
    return _life(expires - issued) if issued and expires else None


class Authenticator:
    """Hands out what proves the sender, with a token that it renews.

    Shared by threads: one of them fetches a token, the others wait for it.
    """

    def __init__(
        self, settings: AirbyteSettings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._token: Token | None = None

    def token_request(self) -> dict[str, str]:
        """The body of a token request (Airbyte's spec calls the field `grant-type`)."""
        return {
            "client_id": self._settings.client_id or "",
            "client_secret": self._settings.client_secret or "",
            "grant-type": "client_credentials",
        }

    def without_token(self) -> "RequestAuth":
        """What to put on a request that Airbyte itself lets everybody make."""
        settings = self._settings
        if settings.username and settings.password and not settings.client_id:
            return BasicAuth(settings.username, settings.password)
        return RequestAuth()

    def request_auth(self, fetch: Callable[[], Json]) -> "RequestAuth":
        """What to put on the next request; calls `fetch` if a token is missing or old."""
        if not self._settings.client_id:
            return self.without_token()
        with self._lock:
            if self._token is None or self._clock() >= self._token.renew_at:
                self._token = read_token(fetch(), self._clock())
            return BearerAuth(self._token) if self._token is not None else RequestAuth()

    def discard(self, refused: "RequestAuth") -> bool:
        """Drop the token a 401 was for; True if a new one is worth a try."""
        if not isinstance(refused, BearerAuth):
            return False
        with self._lock:
            if self._token == refused.token:
                self._token = None
        return True


def why_unauthorized(settings: AirbyteSettings, *, wants_basic: bool) -> str:
    """What to do about a 401; `wants_basic`: its sender asks for a user and password.

    That is never Airbyte itself, since its release 1.0.
    """
    if settings.sends_authorization:
        return "check Authorization in request_headers"
    has_user, has_client = bool(settings.username), bool(settings.client_id)
    if wants_basic and has_user:
        return "check username and password"
    if wants_basic:
        theirs = " (in place of client_id and client_secret)" if has_client else ""
        return f"something in front of Airbyte requires username and password: set both{theirs}"
    if has_user:
        return "this Airbyte requires client_id and client_secret instead of username and password"
    if has_client:
        return "it does not accept the token it issued for client_id and client_secret"
    return (
        "this Airbyte requires credentials, and none are set: give client_id and client_secret,"
        " which it shows once under Settings > Applications"
    )


class RequestAuth(AuthBase):
    """What proves the sender of one request: nothing, unless a subclass says otherwise.

    Always given to requests, even when it adds nothing: without it requests would look for
    credentials of the same host in ~/.netrc.
    """

    secrets: tuple[str, ...] = ()
    """What it adds to the settings' secrets."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class BasicAuth(RequestAuth):
    """A user and password."""

    def __init__(self, username: str, password: str) -> None:
        self._basic = HTTPBasicAuth(username.encode(), password.encode())

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        self._basic(request)
        return request


class BearerAuth(RequestAuth):
    """An access token."""

    def __init__(self, token: Token) -> None:
        self.token = token
        self.secrets = (token.value,)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token.value}"
        return request


def token_refused(refusal: AirbyteRefused) -> AirbyteRequestError:
    """The error for a refused token request, saying which setting to change.

    Airbyte answers 400 (simple authentication) or 401 (Keycloak) to wrong credentials, and has no
    token endpoint at all where authentication is off.
    """
    # Whatever is no API of Airbyte's refuses the method, with a page or without.
    if isinstance(refusal, AirbyteNotFound) or refusal.status == 405:
        reason = (
            "this server issues no tokens: its authentication is off (remove client_id and"
            " client_secret), or rest_api_base_url is wrong"
        )
        return TokensNotGiven(refusal.method, refusal.url, reason, status=refusal.status)
    if isinstance(refusal, AirbyteRedirected):
        return refusal
    reason = f"Airbyte does not accept client_id and client_secret ({refusal.reason})"
    return TokenRefused(refusal.method, refusal.url, reason, status=refusal.status)
