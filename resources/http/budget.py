"""How much time a caller has left; checked before every request."""

import time
from collections.abc import Callable

from dagster_airbyte_sync.resources.errors import OutOfTime

# With less than this left no request is sent: it would hardly end in time.
_LEAST_SECONDS = 0.5

OUT_OF_TIME = "The time for this is up; the next try continues from here."


class TimeBudget:
    """Seconds that may be spent from now on; None for no limit. Never negative."""

    def __init__(
        self, seconds: float | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._end = None if seconds is None else clock() + max(seconds, 0.0)

    @property
    def left(self) -> float | None:
        return None if self._end is None else max(self._end - self._clock(), 0.0)

    @property
    def is_spent(self) -> bool:
        return self.left is not None and self.left < _LEAST_SECONDS

    def half(self) -> "TimeBudget":
        """Half of what is left, for a part that must leave time to others."""
        return self if self.left is None else TimeBudget(self.left / 2, clock=self._clock)

    def at_most(self, seconds: float) -> "TimeBudget":
        """What is left, but no more than `seconds`: for what is worth no longer wait."""
        left = seconds if self.left is None else min(seconds, self.left)
        return TimeBudget(left, clock=self._clock)

    def cut(self, seconds: float) -> float:
        """`seconds`, or what is left of the budget if that is less.

        Raises OutOfTime if too little is left to begin anything.
        """
        if self.is_spent:
            raise OutOfTime(OUT_OF_TIME)
        return seconds if self.left is None else min(seconds, self.left)

    def allows(self, seconds: float) -> bool:
        return self.left is None or seconds + _LEAST_SECONDS <= self.left


NO_LIMIT = TimeBudget()
