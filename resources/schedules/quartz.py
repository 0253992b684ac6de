"""Quartz's cron expressions, which Airbyte uses, in the cron that Dagster takes.

Quartz has `seconds minutes hours day-of-month month day-of-week [year]`, counts the days of a week
from 1 (Sunday), and wants a `?` in exactly one of the two day fields. (Quartz's CronExpression.)
"""

import calendar
import re
from dataclasses import dataclass
from datetime import date

from dagster_airbyte_sync.resources.schedules.cron_fields import CronField, NoCron

_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

SECONDS = CronField("seconds", 0, 59)
MINUTES = CronField("minutes", 0, 59)
HOURS = CronField("hours", 0, 23)
DAYS_OF_MONTH = CronField("days of a month", 1, 31)
MONTHS = CronField("months", 1, 12, {name: n for n, name in enumerate(_MONTHS, 1)})
WEEKDAYS = CronField("days of a week", 1, 7, {name: n for n, name in enumerate(_DAYS, 1)})
_CRON_WEEKDAYS = CronField("days of a week", 0, 6)

_LAST = re.compile(r"L(?:-(\d+))?")
_LAST_WEEKDAY = re.compile(r"(\d|[A-Z]{3})L")
_NTH_WEEKDAY = re.compile(r"(\d|[A-Z]{3})#(\d)")

_FEBRUARY = 2
_LEAP_YEAR = 2024
LAST = -1


@dataclass(frozen=True)
class Days:
    """On which days of its months a schedule fires: those that all of its parts include.

    `before_last` counts back from the last day of a month (0: that day). `weekdays` count from 0,
    Sunday, as cron does; of these, `nth` is the only one of a month that counts (LAST: the last).
    """

    of_month: frozenset[int] = DAYS_OF_MONTH.all
    before_last: int | None = None
    weekdays: frozenset[int] = _CRON_WEEKDAYS.all
    nth: int | None = None

    def include(self, day: date) -> bool:
        length = calendar.monthrange(day.year, day.month)[1]
        return (
            day.day in self.of_month
            and self.before_last in (None, length - day.day)
            and day.isoweekday() % 7 in self.weekdays
            and self.nth in (None, (day.day + 6) // 7, LAST if day.day + 7 > length else None)
        )


@dataclass(frozen=True)
class Quartz:
    """A Quartz expression, read. Its numbers are those of cron."""

    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    months: frozenset[int]
    days: Days

    def include(self, day: date) -> bool:
        return day.month in self.months and self.days.include(day)

    def crons(self) -> tuple[str, ...]:
        """The cron strings that together fire when this does. Raises NoCron if none can."""
        if self.seconds != {0}:
            raise NoCron("it fires at a second other than 0, and cron only has minutes")
        if self.days.before_last:
            return self._before_the_last_day(self.days.before_last)
        if not any(min(self.days.of_month) <= _length(month) for month in self.months):
            raise NoCron("none of its months has such a day, so it never fires")
        day_of_week = self._day_of_week()
        return tuple(
            self._cron(self._day_of_month(months), months, day_of_week)
            for months in self._months_apart()
        )

    def _before_the_last_day(self, days: int) -> tuple[str, ...]:
        if _FEBRUARY in self.months:
            raise NoCron(f"L-{days} is another day of February in leap years")
        by_day: dict[int, set[int]] = {}
        for month in sorted(self.months):
            by_day.setdefault(_length(month) - days, set()).add(month)
        if min(by_day) < 1:
            raise NoCron(f"not all of its months have a day L-{days}")
        return tuple(self._cron(str(day), frozenset(months)) for day, months in by_day.items())

    def _months_apart(self) -> list[frozenset[int]]:
        """The months, split where Dagster cannot have all of them in one cron.

        In March of a leap year it goes back from a 29th to January's, and stops with an error (seen
        in Dagster 1.12 and 1.13).
        """
        is_picked = self.days.of_month != DAYS_OF_MONTH.all and 29 in self.days.of_month
        if is_picked and self.months >= {_FEBRUARY, _FEBRUARY + 1}:
            return [self.months - {_FEBRUARY}, frozenset({_FEBRUARY})]
        return [self.months]

    def _day_of_month(self, months: frozenset[int]) -> str:
        if self.days.before_last == 0:
            return "L"
        if self.days.of_month == {29} and months == {_FEBRUARY}:
            # Dagster reads "29 2" as the day after the 28th, and misses it on the 28th.
            return "29,30"
        return DAYS_OF_MONTH.in_cron(self.days.of_month)

    def _day_of_week(self) -> str:
        if self.days.nth is None:
            return _CRON_WEEKDAYS.in_cron(self.days.weekdays)
        (weekday,) = self.days.weekdays
        return f"L{weekday}" if self.days.nth == LAST else f"{weekday}#{self.days.nth}"

    def _cron(self, day_of_month: str, months: frozenset[int], day_of_week: str = "*") -> str:
        times = f"{MINUTES.in_cron(self.minutes)} {HOURS.in_cron(self.hours)}"
        return f"{times} {day_of_month} {MONTHS.in_cron(months)} {day_of_week}"


def _length(month: int) -> int:
    return calendar.monthrange(_LEAP_YEAR, month)[1]


def read_quartz(expression: str) -> Quartz:
    """Read a Quartz expression. Raises NoCron for what Quartz refuses, and for years and `W`."""
    fields = expression.upper().split()
    if len(fields) not in (6, 7):
        raise NoCron(f"it has {len(fields)} fields, and Quartz has 6 or 7")
    if fields[6:] not in ([], ["*"]):
        raise NoCron("it is limited to some years, and cron knows no years")
    seconds, minutes, hours, day_of_month, month, day_of_week = fields[:6]
    return Quartz(
        seconds=SECONDS.numbers(seconds),
        minutes=MINUTES.numbers(minutes),
        hours=HOURS.numbers(hours),
        months=MONTHS.numbers(month),
        days=_read_days(day_of_month, day_of_week),
    )


def _read_days(day_of_month: str, day_of_week: str) -> Days:
    if (day_of_month == "?") == (day_of_week == "?"):
        raise NoCron("Quartz requires a ? in exactly one of the two day fields")
    if day_of_week == "?":
        return _read_day_of_month(day_of_month)
    return _read_day_of_week(day_of_week)


def _read_day_of_month(text: str) -> Days:
    if "W" in text:
        raise NoCron("cron has no W, the working day nearest to another")
    last = _LAST.fullmatch(text)
    if last:
        return Days(before_last=int(last.group(1) or 0))
    return Days(of_month=DAYS_OF_MONTH.numbers(text))


def _read_day_of_week(text: str) -> Days:
    last, nth = _LAST_WEEKDAY.fullmatch(text), _NTH_WEEKDAY.fullmatch(text)
    if last:
        return Days(weekdays=_weekdays(last.group(1)), nth=LAST)
    if nth:
        return Days(weekdays=_weekdays(nth.group(1)), nth=_which(nth.group(2)))
    # Quartz: an L that follows no day is a Saturday.
    return Days(weekdays=_weekdays("7" if text == "L" else text))


def _weekdays(text: str) -> frozenset[int]:
    return frozenset(number - 1 for number in WEEKDAYS.numbers(text))


def _which(text: str) -> int:
    if text not in "12345":
        raise NoCron(f"no month has a weekday {text} times")
    return int(text)
