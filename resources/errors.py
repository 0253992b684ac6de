"""What can go wrong between Dagster and Airbyte.

AirbyteError
├── AirbyteSettingsError        the settings themselves are wrong; nothing was sent
├── OutOfTime                   the caller's time budget ended before the next request
└── AirbyteRequestError         a request was made
    ├── AirbyteUnavailable      no usable answer; the next try may work
    │   ├── AirbyteUnreadable   an answer that is not the JSON it should be
    │   └── AirbyteRateLimited  429
    └── AirbyteRefused          Airbyte said no (4xx, 501); the same request will fail again
        ├── AirbyteUnauthorized 401, or credentials the token endpoint refuses
        ├── AirbyteForbidden    403
        ├── AirbyteNotFound     404, 501
        ├── AirbyteConflict     409
        └── AirbyteRedirected   3xx
"""


class AirbyteError(Exception):
    """The base of all errors this package raises about Airbyte."""


class AirbyteSettingsError(AirbyteError):
    """Raised if the settings of a workspace cannot be used; the text says what to change."""


class OutOfTime(AirbyteError):
    """Raised if a time budget is spent before the next request could be made."""


class AirbyteRequestError(AirbyteError):
    """Raised if a request to Airbyte did not succeed.

    `method` and `url` (without query) name the request, `status` is the HTTP status or None if
    there was no answer, `reason` is Airbyte's own message where it gave one.
    """

    def __init__(self, method: str, url: str, reason: str, *, status: int | None = None) -> None:
        self.method = method
        self.url = url
        self.reason = reason
        self.status = status
        answer = f"answered {status}: {reason}" if status else reason
        super().__init__(f"{method} {url} {answer}")


class AirbyteUnavailable(AirbyteRequestError):
    """Raised if Airbyte gave no usable answer, retries included; a later try may work."""


class AirbyteUnreadable(AirbyteUnavailable):
    """Raised if an answer with a good status is not the JSON it should be."""


class AirbyteRateLimited(AirbyteUnavailable):
    """Raised if Airbyte still asks to slow down after all retries. `retry_after` is in seconds."""

    def __init__(
        self,
        method: str,
        url: str,
        reason: str,
        *,
        status: int | None = 429,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(method, url, reason, status=status)
        self.retry_after = retry_after


class AirbyteRefused(AirbyteRequestError):
    """Raised if Airbyte understood the request and refused it."""


class AirbyteUnauthorized(AirbyteRefused):
    """Raised if Airbyte does not accept the credentials."""


class AirbyteForbidden(AirbyteRefused):
    """Raised for 403: no permission, or an id that this user cannot see."""


class AirbyteNotFound(AirbyteRefused):
    """Raised for 404 and 501: no such thing, or no such endpoint on this server."""


class AirbyteConflict(AirbyteRefused):
    """Raised for 409. `title` tells the kinds apart ("try-again-later", "state-conflict")."""

    def __init__(
        self, method: str, url: str, reason: str, *, status: int | None = 409, title: str = ""
    ) -> None:
        super().__init__(method, url, reason, status=status)
        self.title = title


class AirbyteRedirected(AirbyteRefused):
    """Raised for a redirect. None is followed: credentials go to the configured host only."""
