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
    AirbyteUnauthorized,
    NoToken,
)

Answer = TypeVar("Answer")

# What a Configuration API answers that is switched off, hidden by a proxy, or Cloud's. A wrong
# workspace or job is answered alike, so it counts only if the public API knows them.
CLOSED = (AirbyteUnauthorized, AirbyteForbidden, AirbyteNotFound)

# How long a closed Configuration API is remembered before it is tried again, in seconds.
_CLOSED_FOR = 600.0


class Fallback:
    """Remembers whether the Configuration API is closed. Safe to share between threads."""

    def __init__(
        self,
        check_workspace: Callable[[TimeBudget], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._check_workspace = check_workspace
        self._lock = threading.Lock()
        self._closed: TTLCache[str, bool] = TTLCache(1, _CLOSED_FOR, timer=clock)

    @property
    def is_closed(self) -> bool:
        with self._lock:
            return "closed" in self._closed

    def note_closed(self) -> None:
        with self._lock:
            self._closed["closed"] = True

    def ask(
        self,
        configuration: Callable[[], Answer],
        public: Callable[[], Answer],
        budget: TimeBudget,
    ) -> Answer:
        """What the Configuration API answers, or the public one if that is closed."""
        if self.is_closed:
            return public()
        try:
            return configuration()
        except NoToken:
            raise
        except CLOSED:
            self._check_workspace(budget)
        answer = public()
        self.note_closed()
        return answer
