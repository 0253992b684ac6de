"""When a Quartz expression fires, by trying all minutes: as documented, apart from our code.

Quartz's CronExpression: numbers may be counted through the end of a field and on from its start;
`a/n` counts on from a to the end of the field; 1 is a Sunday; `L` is the last day, `L-n` n days
before it, `dL` the last such weekday of a month and `d#n` the nth.
"""

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import islice

DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
HORIZON = timedelta(days=40 * 366)
DAY = timedelta(days=1)


def fire_times(expression: str, start: datetime, count: int) -> list[datetime]:
    """The first so many minutes at or after the start; fewer if 40 years have no more."""
    return list(islice(_fire_times(expression, start), count))


def _fire_times(expression: str, start: datetime) -> Iterator[datetime]:
    _, minute, hour, day_of_month, month, day_of_week = expression.split()[:6]
    times, months = _times(minute, hour), counted(month, 1, 12, MONTHS)
    days = (start.date() + n * DAY for n in range(HORIZON.days))
    for day in days:
        if day.month in months and _is_day(day_of_month, day_of_week, day):
            yield from (at for each in times if (at := datetime.combine(day, each)) >= start)


def _times(minute: str, hour: str) -> list[time]:
    hours, minutes = sorted(counted(hour, 0, 23)), sorted(counted(minute, 0, 59))
    return [time(h, m) for h in hours for m in minutes]


def _is_day(day_of_month: str, day_of_week: str, day: date) -> bool:
    if day_of_week == "?":
        return _is_day_of_month(day_of_month, day)
    return _is_day_of_week(day_of_week, day)


def _is_day_of_month(text: str, day: date) -> bool:
    if not text.startswith("L"):
        return day.day in counted(text, 1, 31)
    last = day + int(text[2:] or 0) * DAY
    return last.month == day.month and (last + DAY).month != day.month


def _is_day_of_week(text: str, day: date) -> bool:
    weekday = day.isoweekday() % 7 + 1
    if text.endswith("L"):
        last = text == "L" or (day + 7 * DAY).month != day.month
        return last and weekday in counted(text[:-1] or "SAT", 1, 7, DAYS)
    name, _, which = text.partition("#")
    weeks_before = sum((day - n * 7 * DAY).month == day.month for n in range(1, 5))
    return weekday in counted(name, 1, 7, DAYS) and which in ("", str(weeks_before + 1))


@cache
def counted(text: str, first: int, last: int, names: tuple[str, ...] = ()) -> set[int]:
    """The numbers that are met when the parts of the field are counted through."""
    return {n for part in text.split(",") for n in _count(part, first, last, names)}


def _count(part: str, first: int, last: int, names: tuple[str, ...]) -> Iterator[int]:
    span, _, step = part.partition("/")
    begin, _, end = span.partition("-")
    at = first if begin in ("*", "") else _number(begin, first, names)
    stop = _number(end, first, names) if end else (at if not step and begin != "*" else last)
    to_next = 0
    while True:
        if to_next == 0:
            yield at
            to_next = int(step or 1)
        if at == stop:
            return
        at = first if at == last else at + 1
        to_next -= 1


def _number(text: str, first: int, names: tuple[str, ...]) -> int:
    return names.index(text) + first if text in names else int(text)


def random_start(random: random.Random) -> datetime:
    """A minute of thirty years, and often one around the end of February of a leap year."""
    if random.random() < 0.3:
        leap_day = datetime(random.choice([2000, 2004, 2024, 2028]), 2, 29)
        return leap_day + timedelta(minutes=random.randint(-1440 * 40, 1440 * 40))
    return datetime(2000, 1, 1) + timedelta(minutes=random.randrange(30 * 365 * 1440))


class RandomQuartz:
    """Makes expressions that Quartz takes and that are neither limited to years nor use `W`."""

    def __init__(self, random: random.Random) -> None:
        self._random = random

    def expression(self) -> str:
        minute = self._field(0, 59)
        hour = self._field(0, 23)
        month = self._field(1, 12, MONTHS, any_chance=0.7)
        years = self._random.choice(["", "", " *"])
        day_of_month, day_of_week = self._days()
        if day_of_month.startswith("L-"):
            month = self._random.choice(["3-12", "MAR,APR", "4-1", "7", "JUN-SEP"])
        return f"0 {minute} {hour} {day_of_month} {month} {day_of_week}{years}"

    def _days(self) -> tuple[str, str]:
        day = self._random.choice([*DAYS, *"1234567"])
        special = [
            ("L", "?"),
            (f"L-{self._random.randint(1, 27)}", "?"),
            ("?", f"{day}L"),
            ("?", f"{day}#{self._random.randint(1, 5)}"),
            ("?", "L"),
        ]
        usual = [(self._field(1, 31), "?"), ("?", self._field(1, 7, DAYS)), ("*", "?"), ("?", "*")]
        return self._random.choice(usual if self._random.random() < 0.7 else special)

    def _field(
        self, first: int, last: int, names: tuple[str, ...] = (), any_chance: float = 0.2
    ) -> str:
        if self._random.random() < any_chance:
            return "*"
        parts = self._random.choice([1, 1, 1, 2, 3])
        return ",".join(self._part(first, last, names) for _ in range(parts))

    def _part(self, first: int, last: int, names: tuple[str, ...]) -> str:
        a, b = self._random.randint(first, last), self._random.randint(first, last)
        step = self._random.randint(1, last)
        shapes = [f"{a}", f"{a}-{b}", f"{a}/{step}", f"*/{step}", f"/{step}", f"{a}-{b}/{step}"]
        if names:
            shapes += [names[a - first], f"{names[a - first]}-{names[b - first]}"]
        return self._random.choice(shapes)
