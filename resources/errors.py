"""What can go wrong between Dagster and Airbyte.

AirbyteError
├── AirbyteSettingsError        the settings themselves are wrong; nothing was sent
├── OutOfTime                   the caller's time budget ended before the next request
└── AirbyteRequestError         a request was made
    ├── AirbyteUnavailable      no usable answer; the next try may work
    │   ├── NoAnswer            none at all: the connection broke, or timed out
    │   ├── NotLoaded           definitions were to load meanwhile
    │   ├── NotSteady           it is down or being upgraded, so that nothing is started there
    │   ├── AirbyteUnreadable   an answer that is not the JSON it should be
    │   │   └── AirbyteSentPage     an HTML page in its place
    │   └── AirbyteRateLimited  429
    ├── AirbyteRefused          Airbyte said no (4xx, 501); the same request will fail again
    │   ├── AirbyteUnauthorized 401
    │   ├── AirbyteForbidden    403
    │   ├── AirbyteNotFound     404, 501
    │   ├── AirbyteConflict     409
    │   └── AirbyteRedirected   3xx
    └── NoToken                 the token endpoint said no, so the request itself was never sent
        ├── TokenRefused        it does not accept the credentials
        └── TokensNotGiven      there is no such endpoint
"""


class AirbyteError(Exception):
    """The base class of all errors that this package raises about Airbyte."""


class AirbyteSettingsError(AirbyteError):
    """Raised if settings or arguments cannot be used; the text says what to change.

    Args:
        text: What is wrong, and what to change.
        right: What a wrong address should be, if that is known.
    """

    def __init__(self, text: str, right: str | None = None) -> None:
        super().__init__(text)
        self.right = right


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
        # Exactly the positional arguments: pickle makes the error anew from these.
        super().__init__(method, url, reason)

    def __str__(self) -> str:
        answer = f" answered {self.status}: {self.reason}" if self.status else f": {self.reason}"
        return f"{self.method} {self.url}{answer}"


class AirbyteUnavailable(AirbyteRequestError):
    """Raised if Airbyte gave no usable answer, retries included; a later try may work.

    `retry_after` is how many seconds Airbyte asks to wait, or None if it does not say.
    `did_nothing`: the request cannot have been carried out, so that it may be made again.
    """

    did_nothing = False

    def __init__(
        self,
        method: str,
        url: str,
        reason: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(method, url, reason, status=status)
        self.retry_after = retry_after


class NoAnswer(AirbyteUnavailable):
    """Raised if the connection broke or timed out.

    `needs_settings`: it never can work like this, as one side speaks TLS and the other does not, or
    a certificate is not trusted.
    """

    needs_settings = False


class NotLoaded(AirbyteUnavailable):
    """Raised if definitions cannot load for that reason; `way_out` is how they could."""

    way_out = ""

    @staticmethod
    def because_of(down: AirbyteUnavailable, way_out: str) -> "NotLoaded":
        error = NotLoaded(
            down.method, down.url, down.reason, status=down.status, retry_after=down.retry_after
        )
        error.way_out = way_out
        return error

    def __str__(self) -> str:
        why = super().__str__()
        end = "" if why.endswith("?") else "."
        return f"Definitions cannot load without an answer from Airbyte: {why}{end} {self.way_out}"


class NotSteady(AirbyteUnavailable):
    """Raised if no job is started because Airbyte is down, or is being upgraded."""

    did_nothing = True

    @staticmethod
    def because_of(refusal: AirbyteError) -> "NotSteady":
        return NotSteady("", "", f"Airbyte is unavailable: {refusal}")

    @staticmethod
    def after(seconds: float, problem: str) -> "NotSteady":
        """A run has waited for so long; `problem` is what it saw last."""
        return NotSteady(
            "", "", f"Nothing was started within {seconds:g} s (outage_timeout). {problem}"
        )

    def __str__(self) -> str:
        return self.reason


class AirbyteUnreadable(AirbyteUnavailable):
    """Raised if an answer with a good status is not the JSON it should be."""


class AirbyteSentPage(AirbyteUnreadable):
    """Raised if the answer is an HTML page with a good status: a login page, or Airbyte's UI."""


class AirbyteRateLimited(AirbyteUnavailable):
    """Raised if Airbyte still asks to slow down after all retries."""

    did_nothing = True


class AirbyteRefused(AirbyteRequestError):
    """Raised if Airbyte understood the request and refused it."""


class AirbyteUnauthorized(AirbyteRefused):
    """Raised if Airbyte does not accept the credentials."""


class AirbyteForbidden(AirbyteRefused):
    """Raised for 403: no permission, or an id that this user cannot see."""


class AirbyteNotFound(AirbyteRefused):
    """Raised for 404 and 501: no such thing, or no such endpoint on this server."""


class AirbyteConflict(AirbyteRefused):
    """Raised for 409. `title` says of which kind ("try-again-later", "state-conflict")."""

    def __init__(
        self, method: str, url: str, reason: str, *, status: int | None = None, title: str = ""
    ) -> None:
        super().__init__(method, url, reason, status=status)
        self.title = title


class AirbyteRedirected(AirbyteRefused):
    """Raised for a redirect. None is followed: credentials go to the configured host only."""


class NoToken(AirbyteRequestError):
    """Raised if the token endpoint gives no token.

    It is no AirbyteRefused: it says nothing about the endpoint that the token was for.
    """


class TokenRefused(NoToken):
    """Raised if Airbyte does not accept `client_id` and `client_secret`."""


class TokensNotGiven(NoToken):
    """Raised if there is no token endpoint: authentication is off, or the address is wrong."""
