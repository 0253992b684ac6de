"""Which of Airbyte's two APIs to ask: the public one only where the Configuration API is closed."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from cachetools import TTLCache

from dagster_airbyte_sync.resources.errors import (
    AirbyteNotFound,
    AirbyteRedirected,
    AirbyteRefused,
    AirbyteRequestError,
    AirbyteSentPage,
)
from dagster_airbyte_sync.resources.http.budget import TimeBudget
from dagster_airbyte_sync.resources.http.settings import CONFIGURATION_PATH, AirbyteSettings

Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)

# What a Configuration API answers if it is switched off, hidden by a proxy or a login page, or
# Cloud's. A wrong workspace or job gets the same answer, so it counts only if the public API knows
# them.
_CLOSED_STATUSES = (400, 401, 403, 404, 405, 410, 501)

# How long a closed Configuration API is remembered before it is tried again, in seconds.
_CLOSED_FOR = 600.0
# More than the questions that there are.
_MOST_QUESTIONS = 100


# An API that was just open counts as closed only after it has refused for so many seconds: a
# gateway that restarts answers 404 for a while, and the public API does not report as much.
_REFUSED_FOR = 120.0


def stands_for_closed(refusal: AirbyteRequestError) -> bool:
    """Whether the Configuration API is closed, if it answers like this, and not just broken."""
    if isinstance(refusal, AirbyteRefused):
        return isinstance(refusal, AirbyteRedirected) or refusal.status in _CLOSED_STATUSES
    return isinstance(refusal, AirbyteSentPage)


def is_not_there(refusal: AirbyteRequestError) -> bool:
    """Whether an address answers like this that has no Configuration API, rather than a closed one.

    Which of them it is cannot be proved: a proxy may hide the API in the same way.
    """
    is_elsewhere = isinstance(refusal, AirbyteNotFound | AirbyteRedirected | AirbyteSentPage)
    return is_elsewhere or refusal.status == 405


class Fallback:
    """Remembers whether the Configuration API is closed. Safe to share between threads.

    Airbyte may allow a user one endpoint and not another, so this is remembered for each `question`
    ("connections", "history" or "job"). `check_workspace` and `check_address` raise
    AirbyteSettingsError if a wrong setting explains a refusal. The log reports once that the public
    API takes over, and once that the Configuration API answers again.
    """

    def __init__(
        self,
        settings: AirbyteSettings,
        check_workspace: Callable[[AirbyteRequestError, TimeBudget], None],
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
        # For each question that was once answered: since when it is refused, or None.
        self._refused_since: dict[str, float | None] = {}
        self._was_answered = False
        # The questions answered, and refused, since the last line in the log: when all of the API
        # closes or opens, one line stands for all questions.
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
                "Airbyte's Configuration API at %s answers again and is used again",
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

        If it refuses, it is asked again after each of `waits` (seconds).
        """
        if self.is_closed(question):
            return public()
        try:
            answer = self._ask_patiently(configuration, budget, waits)
        except AirbyteRequestError as refusal:
            # `_ask_patiently` has checked its first refusal.
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
        self._check_workspace(refusal, budget)
        # If it has answered before, the address is right.
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
    what = f"Airbyte's Configuration API at {address} is closed: {refusal}."
    if is_not_there(refusal):
        what = (
            f"There is no Configuration API at {address}, or it is closed: {refusal}. If yours is"
            f" open, change configuration_api_base_url: it ends with {CONFIGURATION_PATH}."
        )
    return (
        f"{what} The public API at {settings.rest_api_base_url} is used instead. It lacks the"
        " columns of tables, rows and bytes by stream, the streams of a refresh or clear and,"
        " before Airbyte 1.7, the namespaces of streams."
    )
