"""Sends requests to Airbyte: one session, tokens, retries, and answers checked to be JSON."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TypeVar

import requests
from urllib3.exceptions import HTTPError

from dagster_airbyte_sync.resources.errors import (
    AirbyteError,
    AirbyteRefused,
    AirbyteRequestError,
    AirbyteSentPage,
    AirbyteSettingsError,
    AirbyteUnauthorized,
    AirbyteUnavailable,
    AirbyteUnreadable,
    NoAnswer,
    OutOfTime,
)
from dagster_airbyte_sync.resources.garbage import no_garbage_collected
from dagster_airbyte_sync.resources.http.auth import (
    Authenticator,
    RequestAuth,
    read_token,
    token_refused,
    why_unauthorized,
)
from dagster_airbyte_sync.resources.http.bodies import (
    ACCEPTED,
    LONGEST,
    MEGABYTE,
    TooLong,
    TooSlow,
    decoded,
    read_body,
)
from dagster_airbyte_sync.resources.http.budget import NO_LIMIT, OUT_OF_TIME, TimeBudget
from dagster_airbyte_sync.resources.http.deadline import Deadline, TimedAdapter, answered_by
from dagster_airbyte_sync.resources.http.frames import forgotten_locals
from dagster_airbyte_sync.resources.http.redaction import Redactor
from dagster_airbyte_sync.resources.http.responses import (
    Failure,
    Parse,
    Received,
    Timeout,
    error_of,
    is_about_tls,
    json_of,
    why_no_answer,
)
from dagster_airbyte_sync.resources.http.retry import RetryPolicy, was_never_sent
from dagster_airbyte_sync.resources.http.settings import AirbyteSettings
from dagster_airbyte_sync.resources.json_values import Json, object_at

# Seconds until an answer must have ended, unless a budget ends before.
_LONGEST_ANSWER = 600.0

_TOO_SLOW = "the answer came too slowly to be read to its end"
_TOO_LONG = "an answer of more than {} MB, unpacked, which is too much to read"
_NO_CA_FILE = (
    "The file of CA certificates is missing or cannot be read: check verify, and the"
    " environment variables REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE."
)

# None leaves a parameter out.
Params = Mapping[str, str | int | None]


@dataclass(frozen=True)
class Call:
    """One request to make.

    `repeatable` is False for what must never be done twice. `at_once`: never retried at all, as it
    may do something else by then. `timeout`: seconds the answer may take, if longer than usual.
    `longest`: bytes of it that are read at most, unpacked, if not 256 MB. `parse`: how its text is
    parsed.
    """

    method: str
    url: str
    params: Params | None = None
    body: Json | None = field(default=None, repr=False)
    repeatable: bool = True
    at_once: bool = False
    timeout: float | None = None
    longest: int | None = None
    parse: Parse = json.loads


Record = TypeVar("Record")


class Http:
    """The one way from this package to Airbyte. Safe to share between threads."""

    def __init__(
        self, settings: AirbyteSettings, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._settings = settings
        self._sleep = sleep
        self._retries = RetryPolicy(settings.request_max_retries, settings.request_retry_delay)
        self._authenticator = Authenticator(settings)
        self._session = _session(settings)
        # Not the addresses themselves, which may hold passwords: `self` is a local of many frames.
        self._proxies = partial(_proxies, settings)
        self._secrets = Redactor(settings.secrets)
        self._skew_lock = threading.Lock()
        self._skew: timedelta | None = None

    @property
    def server_time(self) -> datetime | None:
        """Airbyte's clock now, from the last answer's Date header; None before the first answer."""
        with self._skew_lock:
            return None if self._skew is None else datetime.now(timezone.utc) + self._skew

    def send(self, call: Call, budget: TimeBudget = NO_LIMIT) -> object:
        """The JSON that Airbyte answers with.

        Raises AirbyteRequestError (see `errors.py`) or OutOfTime.
        """
        # The frames below hold tokens and headers, and error trackers keep what frames hold.
        with forgotten_locals():
            return self._authorized(call, budget)

    def text(self, call: Call, budget: TimeBudget = NO_LIMIT) -> str | None:
        """The text of a good answer to a request that needs no token; None if there is none.

        Nothing is repeated. Raises OutOfTime.
        """
        auth, timeout = self._authenticator.without_token(), self._timeout(call, budget)
        with forgotten_locals():
            received = self._received(call, auth, timeout, Deadline(sum(timeout)))
        if isinstance(received, AirbyteError) or received.status >= 300:
            return None
        return decoded(received.body, "replace")

    def look(self, call: Call, budget: TimeBudget) -> object:
        """The JSON of the answer to a request that needs no token. Nothing is repeated.

        Raises as `send` does.
        """
        with forgotten_locals():
            return self._once(call, budget, self._authenticator.without_token())

    def read(
        self,
        call: Call,
        what: str,
        reader: Callable[[object], Record | None],
        budget: TimeBudget = NO_LIMIT,
    ) -> Record:
        """The record that the reader finds in the answer.

        Raises AirbyteUnreadable if that is None: the answer is without `what`.
        """
        answer = self.send(call, budget)
        with no_garbage_collected():
            record = reader(answer)
        if record is None:
            raise AirbyteUnreadable(call.method, call.url, f"an answer without {what}")
        return record

    def _authorized(self, call: Call, budget: TimeBudget) -> object:
        auth = self._request_auth(budget)
        try:
            return self._repeating(call, budget, auth)
        except AirbyteUnauthorized:
            # The token may have died early (Keycloak, a restart): once more with a new one.
            if not self._authenticator.discard(auth):
                raise
            return self._repeating(call, budget, self._request_auth(budget))

    def _repeating(self, call: Call, budget: TimeBudget, auth: RequestAuth) -> object:
        tries = 0
        while True:
            try:
                return self._once(call, budget, auth)
            except AirbyteUnavailable as error:
                tries += 1
                if budget.is_spent:
                    raise OutOfTime(f"{OUT_OF_TIME} The last request: {error}") from error
                may = _may_repeat(call, error, tries)
                wait = self._retries.wait(tries, error) if may else None
                if wait is None or not budget.allows(wait):
                    raise
                self._sleep(wait)

    def _request_auth(self, budget: TimeBudget) -> RequestAuth:
        return self._authenticator.request_auth(lambda: self._new_token(budget))

    def _new_token(self, budget: TimeBudget) -> Json:
        url = f"{self._settings.rest_api_base_url}/applications/token"
        call = Call("POST", url, body=self._authenticator.token_request())
        try:
            answer = object_at(self._repeating(call, budget, RequestAuth()))
        except AirbyteRefused as refusal:
            raise token_refused(refusal) from refusal
        if read_token(answer, now=0) is None:
            raise AirbyteUnreadable(call.method, url, "an answer without access_token")
        return answer

    def _once(self, call: Call, budget: TimeBudget, auth: RequestAuth) -> object:
        timeout = self._timeout(call, budget)
        # From connecting to the end of the answer.
        longest = max(_LONGEST_ANSWER, sum(timeout)) if budget.left is None else budget.left
        deadline = Deadline(longest)
        # An error of requests must not be the context of ours: its text can hold a secret.
        received = self._received(call, auth, timeout, deadline)
        if isinstance(received, AirbyteError):
            raise received
        self._note_date(received.headers.get("Date"))
        if received.status >= 300:
            raise self._refusal(call, auth, received)
        return json_of(call.method, call.url, received, call.parse)

    def _refusal(self, call: Call, auth: RequestAuth, received: Received) -> AirbyteRequestError:
        error = error_of(call.method, call.url, received, self._secrets.also(auth.secrets))
        if not isinstance(error, AirbyteUnauthorized):
            return error
        challenge = received.headers.get("WWW-Authenticate", "").lower()
        hint = why_unauthorized(self._settings, wants_basic=challenge.startswith("basic"))
        return AirbyteUnauthorized(
            call.method, call.url, f"{error.reason} ({hint})", status=error.status
        )

    def _received(
        self, call: Call, auth: RequestAuth, timeout: Timeout, deadline: Deadline
    ) -> Received | AirbyteError:
        """The answer, or why there is none."""
        try:
            with answered_by(deadline):
                response = self._request(call, auth, timeout)
                body = read_body(response, deadline, call.longest)
        except TooLong:
            most = (call.longest or LONGEST) // MEGABYTE
            return AirbyteUnreadable(call.method, call.url, _TOO_LONG.format(most))
        except (requests.RequestException, HTTPError) as failure:
            return self._no_answer(call, failure, timeout, deadline)
        except OSError:
            return AirbyteSettingsError(_NO_CA_FILE)
        return Received(response.status_code, response.headers, body)

    def _no_answer(
        self, call: Call, failure: Failure, timeout: Timeout, deadline: Deadline
    ) -> NoAnswer:
        is_slow = isinstance(failure, TooSlow) or (deadline.is_over and deadline.has_begun)
        usual, names = self._settings.request_timeout, self._settings.names_of(call.url)
        reason = _TOO_SLOW if is_slow else why_no_answer(failure, timeout, usual, names)
        error = NoAnswer(call.method, call.url, reason)
        error.did_nothing = was_never_sent(failure)
        error.needs_settings = is_about_tls(failure)
        return error

    def _request(self, call: Call, auth: RequestAuth, timeout: Timeout) -> requests.Response:
        return self._session.request(
            call.method,
            call.url,
            params=call.params,
            json=call.body,
            auth=auth,
            timeout=timeout,
            allow_redirects=False,
            verify=self._settings.verify,
            proxies=self._proxies(),
            stream=True,
        )

    def _timeout(self, call: Call, budget: TimeBudget) -> Timeout:
        usual = self._settings.request_timeout
        return budget.cut(usual), budget.cut(max(usual, call.timeout or 0))

    def _note_date(self, header: str | None) -> None:
        try:
            served = parsedate_to_datetime(header or "")
        except (OverflowError, ValueError):
            return
        if served.tzinfo is not None:
            with self._skew_lock:
                self._skew = served - datetime.now(timezone.utc)


def _may_repeat(call: Call, error: AirbyteUnavailable, tries: int) -> bool:
    """A refused connection or a 429 did nothing, so even a sync start may be sent again.

    An HTML page may come from a gateway that restarts, so the request is sent once more; a login
    page or Airbyte's UI would only come again.
    """
    if isinstance(error, AirbyteSentPage) and tries > 1:
        return False
    return not call.at_once and (call.repeatable or error.did_nothing)


def _session(settings: AirbyteSettings) -> requests.Session:
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, TimedAdapter())
    session.headers["Accept-Encoding"] = ACCEPTED
    session.headers.update({"Accept": "application/json", "User-Agent": "dagster-airbyte-sync"})
    session.headers.update(dict(settings.request_headers))
    return session


def _proxies(settings: AirbyteSettings) -> dict[str, str]:
    """The proxies to give with each request: those of a session yield to the environment's."""
    proxies = dict(settings.proxies)
    # requests asks "all" last, after HTTP_PROXY and HTTPS_PROXY.
    of_all = {scheme: proxies["all"] for scheme in ("http", "https") if "all" in proxies}
    return {**of_all, **proxies}
