"""One field of a cron expression: which numbers Quartz means by it, and the same numbers in cron.

As in Quartz's CronExpression, ranges may wrap around ("22-2"), a step without an end goes on to the
end of the field ("5/20" is 5, 25, 45), and a step after a name is refused.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby, pairwise

_PART = re.compile(r"(\*|\d+|[A-Z]{3})?(?:-(\d+|[A-Z]{3}))?(?:/(\d+))?")


class NoCron(Exception):
    """Raised if cron cannot express Airbyte's schedule; the text is the reason."""


@dataclass(frozen=True)
class CronField:
    """A field's name, its first and last number, and the names that stand for numbers."""

    name: str
    first: int
    last: int
    names: Mapping[str, int] = field(default_factory=dict)

    @property
    def all(self) -> frozenset[int]:
        return frozenset(range(self.first, self.last + 1))

    def numbers(self, text: str) -> frozenset[int]:
        """The numbers that Quartz means. Raises NoCron if it would not accept the text."""
        return frozenset(number for part in text.split(",") for number in self._part(part))

    def _part(self, text: str) -> list[int]:
        match = _PART.fullmatch(text)
        start, end, step = match.groups() if match else (None, None, None)
        if (start or step) is None or (end and start in (None, "*")):
            raise NoCron(f"{text!r} means nothing among the {self.name}")
        if self._is_mixed(start, end, step):
            raise NoCron(f"{text!r} mixes names with numbers or steps, which Quartz does not count")
        first = self.first if start in (None, "*") else self.number(str(start))
        open_end = self.last if step or start == "*" else first
        last = self.number(end) if end else open_end
        return self._range(first, last, self._step(step))

    def _range(self, first: int, last: int, step: int) -> list[int]:
        size = self.last - self.first + 1
        last = last if last >= first else last + size
        return [(n - self.first) % size + self.first for n in range(first, last + 1, step)]

    def _is_mixed(self, start: str | None, end: str | None, step: str | None) -> bool:
        named = {text in self.names for text in (start, end) if text}
        return named == {True, False} or (named == {True} and step is not None)

    def number(self, text: str) -> int:
        """The number of a name or number. Raises NoCron for one that is not in this field."""
        number = self.names.get(text, int(text) if text.isdigit() else -1)
        if not self.first <= number <= self.last:
            raise NoCron(f"{text!r} is not among the {self.name}, {self.first} to {self.last}")
        return number

    def _step(self, text: str | None) -> int:
        step = 1 if text is None else int(text)
        if not 1 <= step <= self.last:
            raise NoCron(f"a step of {step} is not among the {self.name}")
        return step

    def in_cron(self, numbers: Collection[int]) -> str:
        """The numbers as cron writes them, as briefly as is easy to read."""
        ordered = sorted(numbers)
        if len(ordered) == self.last - self.first + 1:
            return "*"
        if len(ordered) < 3 or (step := _common_step(ordered)) is None:
            return ",".join(_runs(ordered))
        if ordered[0] == self.first and ordered[-1] + step > self.last:
            return f"*/{step}"
        return f"{ordered[0]}-{ordered[-1]}" + (f"/{step}" if step > 1 else "")


def _runs(ordered: list[int]) -> Iterator[str]:
    for _, run in groupby(enumerate(ordered), key=lambda placed: placed[1] - placed[0]):
        numbers = [number for _, number in run]
        if len(numbers) < 3:
            yield from map(str, numbers)
        else:
            yield f"{numbers[0]}-{numbers[-1]}"


def _common_step(ordered: list[int]) -> int | None:
    steps = {after - before for before, after in pairwise(ordered)}
    return steps.pop() if len(steps) == 1 else None
