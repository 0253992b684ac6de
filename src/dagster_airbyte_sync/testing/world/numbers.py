"""The sequence that gives jobs their numbers, as a backup would find it."""

from datetime import datetime


class JobNumbers:
    """One sequence for all workspaces of a server, so that a workspace sees gaps."""

    def __init__(self) -> None:
        self._next = 1
        self._known: list[tuple[datetime, int]] = []

    @property
    def next(self) -> int:
        return self._next

    def continue_from(self, number: int, at: datetime) -> None:
        """Let the next job have this number; it is remembered since when."""
        self._next = number
        self._known.append((at, number))

    def restore(self, to: datetime, at_least: int, now: datetime) -> None:
        """Go on as the sequence would have then, above all numbers that are still there."""
        self._known = [(at, number) for at, number in self._known if at <= to]
        then = max((number for _, number in self._known), default=1)
        self.continue_from(max(then, at_least), now)
