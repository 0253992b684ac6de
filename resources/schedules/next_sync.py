"""When Airbyte starts a connection's next sync. Pure."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from dagster_airbyte_sync.resources.records.catalog import SyncSchedule
from dagster_airbyte_sync.resources.schedules.cron_fields import NoCron
from dagster_airbyte_sync.resources.schedules.quartz import Quartz, read_quartz
from dagster_airbyte_sync.resources.schedules.schedule_times import longest_gap

# A 29 February that is a Friday comes every 28 years; nobody waits for it.
_MOST_DAYS = 5 * 366


def next_sync(
    schedule: SyncSchedule, last_created: datetime | None, now: datetime
) -> datetime | None:
    """When the next sync is due; a time that is past if it should have begun by now.

    An interval counts from the creation of the last sync. None for a manual schedule, for one that
    cannot be read, and for an interval without a sync before. All times are of one clock.
    """
    if schedule.kind == "basic":
        gap = longest_gap(schedule)
        return None if gap is None or last_created is None else last_created + gap
    if schedule.kind != "cron":
        return None
    try:
        quartz = read_quartz(schedule.cron_expression or "")
        zone = ZoneInfo(schedule.cron_timezone or "UTC")
    except (NoCron, ValueError, OSError, KeyError):
        # No such time zone, or no folder of them.
        return None
    return _first_after(quartz, zone, now)


def _first_after(quartz: Quartz, zone: ZoneInfo, now: datetime) -> datetime | None:
    first = now.astimezone(zone).date()
    days = (first + timedelta(days=n) for n in range(_MOST_DAYS))
    moments = (at for day in days if quartz.include(day) for at in _moments(quartz, zone, day))
    return next((at for at in moments if at > now), None)


def _moments(quartz: Quartz, zone: ZoneInfo, day: date) -> Iterator[datetime]:
    second = min(quartz.seconds)
    for hour in sorted(quartz.hours):
        for minute in sorted(quartz.minutes):
            local = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=zone)
            yield local.astimezone(timezone.utc)
