"""The time at which the simulated Airbyte lives."""

from datetime import datetime, timedelta, timezone
from typing import Protocol

from dagster_airbyte_sync.testing.errors import SimulatorError

UTC = timezone.utc

_START = datetime(2026, 1, 15, 12, tzinfo=UTC)


class Clock(Protocol):
    """What the simulator needs of a clock."""

    def now(self) -> datetime:
        """Return the current time, with a time zone."""

    def advance(self, by: float | timedelta) -> datetime:
        """Move on by seconds or a timedelta, and return the new time."""

    def set(self, moment: datetime) -> None:
        """Show this time from now on, whether it is earlier or later."""

    def tick(self) -> None:
        """Note that a request has come in."""


class SimulatedClock:
    """A clock that stands still until it is moved: by `advance`, or by `step` with each request.

    Args:
        start: The time at first. Default: noon UTC on 15 January 2026, so that a test is the same
            every day. Use the real time if something beside the simulator goes by it, such as the
            ticks of a sensor.
        step: By how much each request moves the clock, so that a client that polls in a loop sees
            time pass without a second thread.
    """

    def __init__(self, start: datetime | None = None, *, step: float | timedelta = 0.0) -> None:
        self._now = aware(start or _START)
        self._step = as_timedelta(step)

    def now(self) -> datetime:
        return self._now

    def advance(self, by: float | timedelta) -> datetime:
        by = as_timedelta(by)
        if by < timedelta(0):
            raise SimulatorError(f"The clock cannot go back by {-by}.")
        self._now += by
        return self._now

    def set(self, moment: datetime) -> None:
        self._now = aware(moment)

    def set_back(self, by: float | timedelta) -> datetime:
        """Set the clock back, as when one that was ahead is corrected."""
        self._now -= as_timedelta(by)
        return self._now

    def tick(self) -> None:
        self._now += self._step


class RealClock:
    """The computer's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def advance(self, by: float | timedelta) -> datetime:
        raise SimulatorError("A real clock cannot be moved: use a SimulatedClock.")

    def set(self, moment: datetime) -> None:
        raise SimulatorError("A real clock cannot be set: use a SimulatedClock.")

    def tick(self) -> None:
        return None


def as_timedelta(value: float | timedelta) -> timedelta:
    return value if isinstance(value, timedelta) else timedelta(seconds=value)


def aware(moment: datetime) -> datetime:
    """The same moment in UTC; a time without a zone is refused, as it could mean anything."""
    if moment.tzinfo is None:
        raise SimulatorError(f"{moment!r} has no time zone: pass an aware datetime.")
    return moment.astimezone(UTC)
