"""Which of Airbyte's two APIs to ask: the public one only where the Configuration API is closed."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from cachetools import TTLCache

from dagster_airbyte_sync.resources.budget import TimeBudget
from dagster_airbyte_sync.resources.errors import (
    AirbyteForbidden,
    AirbyteNotFound,
    AirbyteRefused,
    AirbyteUnauthorized,
    NoToken,
)

Answer = TypeVar("Answer")

# What a Configuration API answers that is switched off, hidden by a proxy, or Cloud's. A wrong
# workspace or job is answered alike, so it counts only if the public API knows them.
CLOSED = (AirbyteUnauthorized, AirbyteForbidden, AirbyteNotFound)

# How long a closed Configuration API is remembered before it is tried again, in seconds.
_CLOSED_FOR = 600.0


# What was open a moment ago is not taken for closed before it has refused for so long, in seconds:
# a gateway that restarts answers 404 for a while, and the public API does not tell as much.
_REFUSED_FOR = 120.0


class Fallback:
    """Remembers whether the Configuration API is closed. Safe to share between threads.

    Airbyte may let somebody ask one thing and not another, so `question` names what is asked.
    """

    def __init__(
        self,
        check_workspace: Callable[[TimeBudget], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._check_workspace = check_workspace
        self._clock = clock
        self._lock = threading.Lock()
        self._closed: TTLCache[str, bool] = TTLCache(1, _CLOSED_FOR, timer=clock)
        # Since when each question that was once answered is refused; None while it is answered.
        self._refused_since: dict[str, float | None] = {}

    @property
    def is_closed(self) -> bool:
        with self._lock:
            return "closed" in self._closed

    def note_answered(self, question: str) -> None:
        with self._lock:
            self._refused_since[question] = None

    def note_refused(self, question: str, refusal: AirbyteRefused, budget: TimeBudget) -> None:
        """Return if the Configuration API is closed; raise if it may soon be open again.

        Raises AirbyteSettingsError if there is no such workspace.
        """
        self._check_workspace(budget)
        with self._lock:
            if question in self._refused_since:
                since = self._refused_since[question]
                now = self._clock()
                self._refused_since[question] = now if since is None else since
                if since is None or now - since < _REFUSED_FOR:
                    raise refusal

    def note_closed(self) -> None:
        with self._lock:
            self._closed["closed"] = True
            self._refused_since.clear()

    def ask(
        self,
        question: str,
        configuration: Callable[[], Answer],
        public: Callable[[], Answer],
        budget: TimeBudget,
    ) -> Answer:
        """What the Configuration API answers, or the public one if that is closed."""
        if self.is_closed:
            return public()
        try:
            answer = configuration()
        except NoToken:
            raise
        except CLOSED as refusal:
            self.note_refused(question, refusal, budget)
            answer = public()
            self.note_closed()
            return answer
        self.note_answered(question)
        return answer
