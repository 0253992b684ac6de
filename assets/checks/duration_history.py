"""How long the last syncs of a table took: what one that still runs is compared with."""

from dataclasses import dataclass
from datetime import timedelta
from math import ceil

# So many are kept, and so many are enough to judge by.
_KEPT, _ENOUGH = 20, 5
_SHARE = 0.95
# A time of more digits, in seconds, cannot be reckoned with.
_MOST_DIGITS = 10


@dataclass(frozen=True)
class DurationHistory:
    """How many seconds each of the last syncs took, newest first."""

    seconds: tuple[int, ...] = ()

    def after(self, duration: timedelta | None) -> "DurationHistory":
        """With one more sync; None is one of which Airbyte does not say it."""
        if duration is None:
            return self
        return DurationHistory((int(duration.total_seconds()), *self.seconds)[:_KEPT])

    @property
    def p95(self) -> timedelta | None:
        """What 95 of 100 syncs did not exceed; None where there are too few."""
        if len(self.seconds) < _ENOUGH:
            return None
        return timedelta(seconds=sorted(self.seconds)[ceil(_SHARE * len(self.seconds)) - 1])

    def to_text(self) -> str:
        """Such as "62 58 3605"."""
        return " ".join(map(str, self.seconds))

    @classmethod
    def from_text(cls, text: str | None) -> "DurationHistory":
        """None known if the text is none of ours: anybody may materialize a table."""
        words = (text or "").split()[:_KEPT]
        if not all(word.isdecimal() and len(word) <= _MOST_DIGITS for word in words):
            return cls()
        return cls(tuple(map(int, words)))


NO_DURATIONS = DurationHistory()
