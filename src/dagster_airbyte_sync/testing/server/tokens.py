"""Who may come in."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, TypedDict

from werkzeug.wrappers import Request, Response

from dagster_airbyte_sync.testing.clock import Clock
from dagster_airbyte_sync.testing.wire import problems
from dagster_airbyte_sync.testing.wire.times import epoch_seconds

AuthMode = Literal["oauth", "basic", "none"]
_ANONYMOUS = ("/applications/token", "/health", "/v1/instance_configuration")


class Credentials(TypedDict, total=False):
    """What a client proves itself with; one pair, or nothing."""

    client_id: str
    client_secret: str
    username: str
    password: str


class InstanceConfig(Credentials):
    """The arguments of an `AirbyteInstance` for the simulator."""

    rest_api_base_url: str
    configuration_api_base_url: str


class WorkspaceConfig(InstanceConfig):
    """The arguments of an `AirbyteWorkspace` for the simulator."""

    workspace_id: str


class Doorkeeper:
    """Mints access tokens and checks credentials.

    With `oauth` it is Airbyte's own application tokens; `basic` is a proxy in front of an Airbyte
    that has authentication switched off, so it guards every path.
    """

    def __init__(self, mode: AuthMode, clock: Clock, lifetime: timedelta) -> None:
        self.mode = mode
        self.lifetime = lifetime
        self.client_id = secrets.token_hex(16)
        self.client_secret = secrets.token_urlsafe(32)
        self.username = "airbyte"
        self.password = secrets.token_urlsafe(12)
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._expiry: dict[str, datetime] = {}

    def credentials(self) -> Credentials:
        """Keyword arguments for a client."""
        if self.mode == "oauth":
            return {"client_id": self.client_id, "client_secret": self.client_secret}
        if self.mode == "basic":
            return {"username": self.username, "password": self.password}
        return {}

    def mint(self, client_id: object, client_secret: object) -> str | None:
        """A new token for the right client, None for any other."""
        if (client_id, client_secret) != (self.client_id, self.client_secret):
            return None
        now = self._clock.now()
        token = self._sign(_claims(client_id, now, now + self.lifetime))
        self._expiry[token] = now + self.lifetime
        return token

    def expire_all(self) -> None:
        self._expiry.clear()

    def refusal(self, request: Request) -> Response | None:
        """What to answer to somebody who may not come in."""
        if self.mode == "basic" and not self._knows_user(request):
            return Response(
                "401 Authorization Required",
                401,
                {"WWW-Authenticate": 'Basic realm="Airbyte"'},
                mimetype="text/html",
            )
        if self.mode == "oauth" and not self._knows_token(request):
            return problems.unauthorized()
        return None

    def _knows_user(self, request: Request) -> bool:
        given = request.authorization
        wanted = {"username": self.username, "password": self.password}
        return given is not None and given.type == "basic" and given.parameters == wanted

    def _knows_token(self, request: Request) -> bool:
        if request.path.endswith(_ANONYMOUS):
            return True
        given = request.authorization
        token = given.token if given is not None and given.type == "bearer" else None
        expiry = self._expiry.get(token or "")
        return expiry is not None and self._clock.now() < expiry

    def _sign(self, claims: Mapping[str, object]) -> str:
        content = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
        return f"{content}.{_base64(hmac.digest(self._key, content.encode(), hashlib.sha256))}"


def _claims(client_id: object, issued: datetime, expires: datetime) -> dict[str, object]:
    return {
        "iss": "airbyte-server",
        "aud": "airbyte-server",
        "typ": "io.airbyte.auth.application",
        "sub": str(client_id),
        "jti": secrets.token_hex(8),
        "iat": epoch_seconds(issued),
        "exp": epoch_seconds(expires),
    }


def _part(content: Mapping[str, object]) -> str:
    return _base64(json.dumps(content, separators=(",", ":")).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
