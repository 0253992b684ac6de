"""When Airbyte starts a connection's syncs: in cron, in words, and how far apart.

In Airbyte a basic interval counts from the creation of the last scheduled job (airbyte-platform,
`ConfigFetchActivityImpl`), so a late sync delays all later ones; a month is 30 days. Its cron fires
just as often, at round times: every 6 hours is 0, 6, 12, 18 h.
"""

from datetime import date, timedelta
from functools import cache, lru_cache
from itertools import pairwise

from dagster_airbyte_sync.resources.records.catalog import SyncSchedule
from dagster_airbyte_sync.resources.schedules.cron_fields import NoCron
from dagster_airbyte_sync.resources.schedules.quartz import (
    MONTHS,
    Days,
    Quartz,
    read_quartz,
)

_HOUR, _DAY = 60, 24 * 60
_WEEK = 7 * _DAY
_MINUTES = {"minutes": 1, "hours": _HOUR, "days": _DAY, "weeks": _WEEK, "months": 30 * _DAY}


def crons_of(schedule: SyncSchedule) -> tuple[str, ...]:
    """The cron strings that fire when Airbyte does; none for a manual schedule.

    Raises NoCron with the reason if there are none.
    """
    if schedule.kind == "manual":
        return ()
    if schedule.kind == "cron":
        return read_quartz(schedule.cron_expression or "").crons()
    return (_cron_of_interval(_interval(schedule)),)


def schedule_text(schedule: SyncSchedule) -> str:
    """The schedule as Airbyte's UI shows it."""
    if schedule.kind == "cron":
        return f"cron {schedule.cron_expression!r} ({schedule.cron_timezone or 'UTC'})"
    if schedule.units == 1:
        return f"every {(schedule.time_unit or '').removesuffix('s')}"
    return f"every {schedule.units} {schedule.time_unit}" if schedule.units else schedule.kind


def longest_gap(schedule: SyncSchedule) -> timedelta | None:
    """The longest time between two syncs of this schedule, by its own clock.

    None for a manual schedule, and for one that cannot be read (years, `W`).
    """
    try:
        if schedule.kind == "basic":
            return timedelta(minutes=_interval(schedule))
        if schedule.kind == "cron":
            return _longest_gap(read_quartz(schedule.cron_expression or ""))
    except NoCron:
        return None
    return None


def _interval(schedule: SyncSchedule) -> int:
    """The interval in minutes."""
    minutes = (schedule.units or 0) * _MINUTES.get(schedule.time_unit or "", 0)
    if schedule.kind != "basic" or minutes <= 0:
        raise NoCron("Airbyte did not say what schedule it is")
    return minutes


def _cron_of_interval(minutes: int) -> str:
    if minutes < _HOUR and _HOUR % minutes == 0:
        return f"*/{minutes} * * * *" if minutes > 1 else "* * * * *"
    if minutes % _HOUR == 0 and _DAY % minutes == 0:
        hours = {1: "*", 24: "0"}.get(minutes // _HOUR, f"*/{minutes // _HOUR}")
        return f"0 {hours} * * *"
    if minutes == _WEEK:
        return "0 0 * * 0"
    raise NoCron(
        "it does not divide an hour, day or week evenly, so no cron expression fires at"
        " such intervals"
    )


def _longest_gap(quartz: Quartz) -> timedelta | None:
    times = sorted(hour * _HOUR + minute for hour in quartz.hours for minute in quartz.minutes)
    days = _longest_gap_in_days(quartz.months, quartz.days)
    if days is None:
        return None
    within = max((after - before for before, after in pairwise(times)), default=0)
    return timedelta(minutes=max(within, days * _DAY - times[-1] + times[0]))


@lru_cache(maxsize=1024)
def _longest_gap_in_days(months: frozenset[int], days: Days) -> int | None:
    if months == MONTHS.all and days == Days():
        return 1
    fired = [day for day in _cycle() if day.month in months and days.include(day)]
    if not fired:
        return None
    around = [*fired, fired[0] + timedelta(days=len(_cycle()))]
    return max((after - before).days for before, after in pairwise(around))


@cache
def _cycle() -> tuple[date, ...]:
    """Each day of 28 years, after which dates and weekdays fall together again."""
    return tuple(date(2001, 1, 1) + timedelta(days=n) for n in range(28 * 365 + 7))
