"""Schedules that clients write, as each API takes them (airbyte-platform, `ConnectionUpdate`)."""

from dagster_airbyte_sync.testing.wire import problems
from dagster_airbyte_sync.testing.wire.parameters import Body
from dagster_airbyte_sync.testing.wire.problems import Refusal
from dagster_airbyte_sync.testing.wire.versions import Version
from dagster_airbyte_sync.testing.world.schedule import Schedule, interval_of

_FEWEST_FIELDS = 6


class GivenSchedules:
    """What the Configuration API takes for a schedule."""

    def __init__(self, version: Version) -> None:
        self._version = version

    def schedule(self, body: Body) -> Schedule | None:
        """The schedule a connection is to have; None if the body does not say."""
        kind = body.optional("scheduleType")
        if kind in (None, "manual"):
            return Schedule() if kind else None
        data = body.part("scheduleData")
        if kind == "basic" and data.has("basicSchedule"):
            return self._basic(data.part("basicSchedule"))
        if kind == "cron" and data.has("cron"):
            return self._cron(data.part("cron"))
        raise self._refusal("schedule data must be populated if schedule type is populated")

    def _basic(self, data: Body) -> Schedule:
        units, unit = data.number("units"), data.text("timeUnit")
        schedule = interval_of(units, unit)
        if schedule is None:
            raise problems.unbound("timeUnit", unit)
        return schedule

    def _cron(self, data: Body) -> Schedule:
        expression, zone = data.text("cronExpression"), data.text("cronTimeZone")
        if zone.lower().startswith("etc"):
            raise self._refusal("The provided time zone is invalid.")
        if len(expression.split()) < _FEWEST_FIELDS:
            raise self._refusal("The provided cron expression is invalid.")
        return Schedule(cron=expression, timezone=zone)

    def _refusal(self, message: str) -> Refusal:
        return problems.configuration_error(400, message, self._version)


def given_to_public_api(schedule: Body, version: Version) -> Schedule | None:
    """It takes no intervals, and every cron is stored in UTC, whatever it was before.

    Before 1.8 a schedule without a cron counts as none given, also if it is manual
    (`AirbyteCatalogHelper.normalizeCronExpression`).
    """
    kind = schedule.optional("scheduleType")
    if kind == "manual":
        return Schedule() if version.since(1, 8) or schedule.has("cronExpression") else None
    if kind is None:
        return None
    if kind != "cron":
        raise problems.unbound("scheduleType", str(kind))
    expression = (schedule.optional("cronExpression") or "").removesuffix(" UTC")
    if len(expression.split()) < _FEWEST_FIELDS:
        raise problems.bad_request("The cron expression is invalid.")
    return Schedule(cron=expression)
