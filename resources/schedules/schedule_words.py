"""A schedule of Airbyte in words: every 2 hours, daily at 06:00 Europe/Berlin, manual."""

from itertools import pairwise

from dagster_airbyte_sync.resources.records.catalog import SyncSchedule
from dagster_airbyte_sync.resources.schedules.cron_fields import NoCron
from dagster_airbyte_sync.resources.schedules.quartz import (
    HOURS,
    MINUTES,
    MONTHS,
    Days,
    Quartz,
    read_quartz,
)
from dagster_airbyte_sync.resources.schedules.schedule_times import schedule_text

_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
# More times of a day than these are no easier to read than the expression.
_MOST_TIMES = 4


def schedule_words(schedule: SyncSchedule) -> str:
    """The schedule as people say it; a cron expression that is too much for that as it is."""
    if schedule.kind == "manual":
        return "manual"
    return _cron_words(schedule) or schedule_text(schedule)


def _cron_words(schedule: SyncSchedule) -> str | None:
    try:
        quartz = read_quartz(schedule.cron_expression or "")
    except NoCron:
        return None
    days, times = _days(quartz.days), _times(quartz)
    if schedule.kind != "cron" or quartz.months != MONTHS.all or quartz.seconds != {0}:
        return None
    if days is None or times is None:
        return None
    if times.startswith("every"):
        return times if days == "daily" else None
    return f"{days} at {times} {schedule.cron_timezone or 'UTC'}"


def _times(quartz: Quartz) -> str | None:
    """Times of a day, or what comes as often in every hour of it, or every day."""
    minutes, hours = sorted(quartz.minutes), sorted(quartz.hours)
    if quartz.hours == HOURS.all:
        step = _step(minutes, len(MINUTES.all))
        if step and minutes[0] == 0:
            return "every hour" if step == 60 else _every(step, "minute")
        return f"every hour at minute {minutes[0]}" if len(minutes) == 1 else None
    step = _step(hours, len(HOURS.all))
    if step and minutes == [0] and hours[0] == 0 and len(hours) > _MOST_TIMES:
        return _every(step, "hour")
    if len(minutes) * len(hours) > _MOST_TIMES:
        return None
    return ", ".join(f"{hour:02}:{minute:02}" for hour in hours for minute in minutes)


def _every(step: int, unit: str) -> str:
    return f"every {unit}" if step == 1 else f"every {step} {unit}s"


def _step(numbers: list[int], whole: int) -> int | None:
    """The distance between neighbours, around the clock, if all are as far apart."""
    around = [*numbers, numbers[0] + whole]
    steps = {after - before for before, after in pairwise(around)}
    return steps.pop() if len(steps) == 1 else None


def _days(days: Days) -> str | None:
    if days == Days():
        return "daily"
    if days != Days(weekdays=days.weekdays):
        return None
    if days.weekdays == frozenset(range(1, 6)):
        return "Monday to Friday"
    return ", ".join(_WEEKDAYS[day] for day in sorted(days.weekdays, key=lambda day: day or 7))
