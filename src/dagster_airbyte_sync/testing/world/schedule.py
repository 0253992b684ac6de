"""When a connection starts a sync by itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from dagster_airbyte_sync.testing.errors import SimulatorError

ScheduleType = Literal["manual", "basic", "cron"]
ScheduleSetting: TypeAlias = str | timedelta | Mapping[str, str] | None
"""`None` or `"manual"`; a timedelta; or a cron in Quartz's format, of six or seven fields.

A cron may be a text, with a time zone at its end if it is not in UTC, as the public API writes
them: `"0 30 6 * * ? Europe/Berlin"`. It may be `{"cron": ..., "timezone": ...}` as well.
"""

_UNITS = (("weeks", 604800), ("days", 86400), ("hours", 3600), ("minutes", 60))
_FEWEST_FIELDS = 6
"""Of a cron in Quartz's format."""


@dataclass(frozen=True)
class Schedule:
    """A connection's schedule. Only an interval is carried out; a cron is shown, never run."""

    every: timedelta | None = None
    cron: str | None = None
    timezone: str = "UTC"
    written: tuple[int, str] | None = None

    @property
    def type(self) -> ScheduleType:
        if self.every:
            return "basic"
        return "cron" if self.cron else "manual"

    @property
    def units(self) -> tuple[int, str]:
        """The interval in Airbyte's words, which know nothing shorter than a minute."""
        if self.written:
            return self.written
        seconds = int(self.every.total_seconds()) if self.every else 0
        for unit, size in _UNITS:
            if seconds >= size and seconds % size == 0:
                return seconds // size, unit
        return max(1, round(seconds / 60)), "minutes"

    def due(self, last_scheduled: datetime | None, not_before: datetime) -> datetime | None:
        """When the next sync starts, counted from when the last scheduled one was created."""
        if self.every is None:
            return None
        return max(last_scheduled + self.every, not_before) if last_scheduled else not_before


def as_schedule(setting: ScheduleSetting) -> Schedule:
    if setting is None or setting == "manual":
        return Schedule()
    if isinstance(setting, timedelta):
        return _interval(setting)
    if isinstance(setting, str):
        return _cron_in(setting)
    if isinstance(setting, Mapping) and "cron" in setting:
        return Schedule(cron=setting["cron"], timezone=setting.get("timezone", "UTC"))
    raise SimulatorError(f"{setting!r} is no schedule: use 'manual', a timedelta or a cron.")


def _cron_in(text: str) -> Schedule:
    fields = text.split()
    # A seventh field that is no zone is a year, and has no letters.
    has_zone = len(fields) > _FEWEST_FIELDS and re.search("[A-Za-z]", fields[-1])
    zone = fields.pop() if has_zone else "UTC"
    if not _FEWEST_FIELDS <= len(fields) <= _FEWEST_FIELDS + 1:
        raise SimulatorError(
            f"{text!r} is no schedule: Airbyte's crons have six fields or seven, with the seconds "
            "first, and then a time zone if it is not UTC: '0 30 6 * * ? Europe/Berlin'."
        )
    return Schedule(cron=" ".join(fields), timezone=zone)


def interval_of(units: int, unit: str) -> Schedule | None:
    """An interval as a client writes it; None if Airbyte knows no such unit. A month is 30 days."""
    size = {**dict(_UNITS), "months": 30 * 86400}.get(unit)
    return Schedule(every=timedelta(seconds=units * size), written=(units, unit)) if size else None


def _interval(every: timedelta) -> Schedule:
    if every <= timedelta(0):
        raise SimulatorError(f"A schedule of {every} would never let time pass.")
    return Schedule(every=every)
