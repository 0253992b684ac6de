"""Which of Airbyte's two APIs to ask: the public one only where the Configuration API is closed."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from cachetools import TTLCache

from dagster_airbyte_sync.resources.errors import (
    AirbyteRedirected,
    AirbyteRefused,
    AirbyteRequestError,
    AirbyteSentPage,
)
from dagster_airbyte_sync.resources.http.budget import TimeBudget
from dagster_airbyte_sync.resources.http.settings import AirbyteSettings

Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)

# What a Configuration API answers that is switched off, hidden by a proxy or a login page, or
# Cloud's. A wrong workspace or job is answered alike, so it counts only if the public API knows
# them.
_CLOSED_STATUSES = (400, 401, 403, 404, 405, 410, 501)

# How long a closed Configuration API is remembered before it is tried again, in seconds.
_CLOSED_FOR = 600.0
# More than there are.
_MOST_QUESTIONS = 100


# What was open a moment ago is not taken for closed before it has refused for so long, in seconds:
# a gateway that restarts answers 404 for a while, and the public API does not say as much.
_REFUSED_FOR = 120.0


def stands_for_closed(refusal: AirbyteRequestError) -> bool:
    """Whether a closed Configuration API answers like this; one that is broken does not."""
    if isinstance(refusal, AirbyteRefused):
        return isinstance(refusal, AirbyteRedirected) or refusal.status in _CLOSED_STATUSES
    return isinstance(refusal, AirbyteSentPage)


class Fallback:
    """Remembers whether the Configuration API is closed. Safe to share between threads.

    Airbyte may let somebody ask one thing and not another, so `question` names what is asked
    ("connections", "history" or "job"), and what it lets somebody ask goes on being asked.
    `check_workspace` and `check_address` raise AirbyteSettingsError if a refusal is explained by a
    wrong setting. The log says once that the public API is asked, and once that it is no longer.
    """

    def __init__(
        self,
        settings: AirbyteSettings,
        check_workspace: Callable[[TimeBudget], None],
        check_address: Callable[[AirbyteRequestError, TimeBudget], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._check_workspace = check_workspace
        self._check_address = check_address
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._closed: TTLCache[str, bool] = TTLCache(_MOST_QUESTIONS, _CLOSED_FOR, timer=clock)
        # Since when each question that was once answered is refused; None while it is answered.
        self._refused_since: dict[str, float | None] = {}
        self._was_answered = False
        # Questions that were answered, and refused, since the log last said what is asked: when all
        # of it closes or opens, the first question says so for the others.
        self._open: set[str] = set()
        self._shut: set[str] = set()

    def is_closed(self, question: str) -> bool:
        with self._lock:
            return question in self._closed

    def note_answered(self, question: str) -> None:
        with self._lock:
            self._refused_since[question] = None
            self._was_answered = True
            self._open.add(question)
            is_news = question in self._shut
            if is_news:
                self._shut.clear()
        if is_news:
            _log.warning(
                "Airbyte's Configuration API at %s answers again, and is asked again",
                self._settings.configuration_api_base_url,
            )

    def note_refused(self, question: str, refusal: AirbyteRequestError, budget: TimeBudget) -> None:
        """Return if the Configuration API is closed; raise if it is broken or may soon be open.

        Raises AirbyteSettingsError if there is no such workspace, or the address is wrong.
        """
        self._check(refusal, budget)
        self._raise_if_just_answered(question, refusal)
        self._note_closed(question, refusal)

    def _note_closed(self, question: str, refusal: AirbyteRequestError) -> None:
        with self._lock:
            self._closed[question] = True
            self._refused_since.pop(question, None)
            is_news = not self._shut or question in self._open
            if is_news:
                self._open.clear()
            self._shut.add(question)
        if is_news:
            level = logging.INFO if self._settings.is_cloud else logging.WARNING
            _log.log(level, "%s", _what_is_missing(self._settings, refusal))

    def ask(
        self,
        question: str,
        configuration: Callable[[], Answer],
        public: Callable[[], Answer],
        budget: TimeBudget,
        waits: Iterable[float] = (),
    ) -> Answer:
        """What the Configuration API answers, or the public one if that is closed.

        One that refuses is asked again after each of `waits` seconds.
        """
        if self.is_closed(question):
            return public()
        try:
            answer = self._ask_patiently(configuration, budget, waits)
        except AirbyteRequestError as refusal:
            # Checked already: its first refusal was.
            if not stands_for_closed(refusal):
                raise
            self._raise_if_just_answered(question, refusal)
            answer = public()
            self._note_closed(question, refusal)
            return answer
        self.note_answered(question)
        return answer

    def _ask_patiently(
        self, configuration: Callable[[], Answer], budget: TimeBudget, waits: Iterable[float]
    ) -> Answer:
        try:
            return configuration()
        except AirbyteRequestError as refusal:
            self._check(refusal, budget)
            last = refusal
        for wait in waits:
            self._sleep(wait)
            try:
                return configuration()
            except AirbyteRequestError as refusal:
                last = refusal
            if not stands_for_closed(last):
                break
        raise last

    def _check(self, refusal: AirbyteRequestError, budget: TimeBudget) -> None:
        if not stands_for_closed(refusal):
            raise refusal
        self._check_workspace(budget)
        # Where it worked, the address is right.
        if not self._was_answered:
            self._check_address(refusal, budget)

    def _raise_if_just_answered(self, question: str, refusal: AirbyteRequestError) -> None:
        with self._lock:
            if question in self._refused_since:
                since = self._refused_since[question]
                now = self._clock()
                self._refused_since[question] = now if since is None else since
                if since is None or now - since < _REFUSED_FOR:
                    raise refusal


def _what_is_missing(settings: AirbyteSettings, refusal: AirbyteRequestError) -> str:
    address = settings.configuration_api_base_url
    hint = "" if address.endswith("/api/v1") else " Its address usually ends with /api/v1."
    return (
        f"Airbyte's Configuration API at {address} is closed: {refusal}.{hint} The public API at"
        f" {settings.rest_api_base_url} is asked in its place. It does not have the columns of"
        " tables, rows and bytes by stream, which streams a refresh or clear was of, and, before"
        " Airbyte 1.7, the namespaces of streams."
    )
