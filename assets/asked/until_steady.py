"""Nothing is started in an Airbyte that is down or being upgraded: runs wait until it is back."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteUnavailable,
    NoAnswer,
    NotSteady,
    Steadiness,
)

# Seconds between two looks, and between two lines in the log.
_LOOK_EVERY = 10.0
_LOG_EVERY = 60.0
# With these, gateways say that they do not reach Airbyte.
_FROM_GATEWAYS = (502, 503, 504)
# So many starts in a row may fail like that while Airbyte is found well.
_MOST_IN_VAIN = 6


@dataclass
class UntilSteady:
    """What one run waits for before it starts jobs: `limit` seconds, whatever it is to start.

    They count from the first sign that Airbyte is away (`since`) until it answers a start again.
    """

    client: AirbyteClient
    limit: float
    log: logging.Logger
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    since: float | None = field(default=None, init=False)
    in_vain: int = field(default=0, init=False)

    def wait(self) -> bool:
        """Return when jobs can be started; true if that took a wait.

        Raises NotSteady after the limit.
        """
        logged_at: float | None = None
        while not (seen := self.client.steadiness()).is_steady:
            left = self._left()
            if left <= 0:
                raise NotSteady.after(self.limit, seen.words)
            if logged_at is None or self.clock() - logged_at >= _LOG_EVERY:
                logged_at = self.clock()
                self._say(seen, left)
            self.sleep(min(_LOOK_EVERY, left))
        if logged_at is not None:
            named = f" (version {seen.version})" if seen.version else ""
            self.log.info("Continuing: Airbyte%s has been available for some seconds", named)
        return logged_at is not None

    def is_steady(self) -> bool:
        return self.client.steadiness().is_steady

    def may_try_again(self, problem: AirbyteUnavailable) -> bool:
        """Whether nothing was started because Airbyte is away, and the limit is not over."""
        if self.client.steadiness(fresh=True).is_steady:
            self.in_vain += 1
            if self.in_vain > _MOST_IN_VAIN or not _says_that_it_is_away(problem):
                return False
            self.client.note_absence(str(problem))
        self.log.warning("Trying the start again: %s", problem)
        return self._left() > 0

    def note_answer(self) -> None:
        """Airbyte has answered a start: what was the matter is over."""
        self.since, self.in_vain = None, 0

    def _left(self) -> float:
        """Seconds until the limit."""
        now = self.clock()
        self.since = now if self.since is None else self.since
        return self.since + self.limit - now

    def _say(self, seen: Steadiness, left: float) -> None:
        self.log.warning(
            "%s Nothing is started until Airbyte has been there for some seconds; this run waits"
            " for that, for %d s more at most (outage_timeout).",
            *(seen.words if seen.words.endswith(("?", ".")) else f"{seen.words}.", left),
        )


def _says_that_it_is_away(problem: AirbyteUnavailable) -> bool:
    if isinstance(problem, NoAnswer):
        return not problem.needs_settings
    return isinstance(problem, NotSteady) or problem.status in _FROM_GATEWAYS
