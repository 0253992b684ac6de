"""A Quartz expression and the cron made of it fire at the same times, as Dagster fires it."""

import random
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest

from dagster_airbyte_sync.resources import SyncSchedule
from dagster_airbyte_sync.resources.schedules.cron_fields import NoCron
from dagster_airbyte_sync.resources.schedules.schedule_times import crons_of
from helpers.dagster_private import fire_times
from helpers.quartz_reference import RandomQuartz, random_start
from helpers.quartz_reference import fire_times as quartz_fire_times

SEED = 20260815
EXPRESSIONS = 1000
FIRES = 20
START = datetime(2026, 1, 1)


def quartz(expression: str) -> SyncSchedule:
    return SyncSchedule("cron", cron_expression=expression, cron_timezone="UTC")


def in_dagster(expression: str, start: datetime, count: int = FIRES) -> list[datetime]:
    crons = crons_of(quartz(expression))
    times = fire_times(crons, start.replace(tzinfo=timezone.utc), count, "UTC")
    return [at.replace(tzinfo=None) for at in times]


@pytest.mark.slow
def test_a_thousand_random_expressions_fire_the_same_twenty_times() -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    made = RandomQuartz(chance)
    fired = 0
    for _ in range(EXPRESSIONS):
        expression, start = made.expression(), random_start(chance)
        expected = quartz_fire_times(expression, start, FIRES)
        if expected:
            assert in_dagster(expression, start, len(expected)) == expected, (expression, start)
            fired += 1
        else:
            with pytest.raises(NoCron, match="never fires"):
                crons_of(quartz(expression))
    assert fired > EXPRESSIONS * 0.95


def test_a_29th_does_not_stop_dagsters_scheduler_in_march_of_a_leap_year() -> None:
    """It would, if it were reported `29 * *`."""
    crons = crons_of(quartz("0 0 0 29 * ?"))
    assert crons == ("0 0 29 1,3-12 *", "0 0 29,30 2 *")
    fires = [datetime(2028, 2, 29), datetime(2028, 3, 29), datetime(2028, 4, 29)]
    assert in_dagster("0 0 0 29 * ?", datetime(2028, 2, 20), 3) == fires
    assert in_dagster("0 0 0 29 * ?", datetime(2028, 3, 15), 2) == fires[1:]


@pytest.mark.parametrize(
    ("expression", "crons"),
    [
        ("0 0 12 * * ?", ("0 12 * * *",)),
        ("0 0/15 * * * ?", ("*/15 * * * *",)),
        ("0 5/20 * * * ?", ("5-45/20 * * * *",)),
        ("0 0/45 * * * ?", ("0,45 * * * *",)),
        ("0 0 6 ? * MON-FRI", ("0 6 * * 1-5",)),
        ("0 0 6 ? * 2-6", ("0 6 * * 1-5",)),
        ("0 0 6 ? * FRI-MON", ("0 6 * * 0,1,5,6",)),
        ("0 0 6 ? * 1,7", ("0 6 * * 0,6",)),
        ("0 0 22-2 * * ? *", ("0 0-2,22,23 * * *",)),
        ("0 0 3 1 JAN,JUL ?", ("0 3 1 1,7 *",)),
        ("0 30 2 L * ?", ("30 2 L * *",)),
        ("0 30 2 ? * 6L", ("30 2 * * L5",)),
        ("0 30 2 ? * sun#3", ("30 2 * * 0#3",)),
        ("0 30 2 ? * L", ("30 2 * * 6",)),
        ("0 0 0 L-3 6-8 ?", ("0 0 27 6 *", "0 0 28 7,8 *")),
    ],
)
def test_an_expression_is_said_in_cron_as_a_person_would(
    expression: str, crons: tuple[str, ...]
) -> None:
    assert crons_of(quartz(expression)) == crons


def test_the_29th_of_february_is_not_missed_by_who_asks_on_the_28th() -> None:
    """Dagster would, if it were reported `29 2`."""
    asked = datetime(2028, 2, 28, 12)
    assert in_dagster("0 0 0 29 2 ?", asked, 2) == [datetime(2028, 2, 29), datetime(2032, 2, 29)]


@pytest.mark.parametrize(
    ("zone", "start", "fires"),
    [
        ("Europe/Berlin", datetime(2026, 3, 28, 12), ["03-29T12:00+0200", "03-30T12:00+0200"]),
        ("Europe/Berlin", datetime(2026, 10, 24, 13), ["10-25T12:00+0100", "10-26T12:00+0100"]),
        ("America/New_York", datetime(2026, 3, 7, 18), ["03-08T12:00-0400", "03-09T12:00-0400"]),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 12), ["04-05T12:00+1030", "04-06T12:00+1030"]),
    ],
)
def test_a_daily_sync_keeps_its_wall_time_when_the_clocks_change(
    zone: str, start: datetime, fires: list[str]
) -> None:
    times = fire_times(
        crons_of(quartz("0 0 12 * * ?")), start.replace(tzinfo=timezone.utc), 2, zone
    )
    assert [at.strftime("%m-%dT%H:%M%z") for at in times] == fires


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("30 0 12 * * ?", "a second other than 0"),
        ("0/10 0 12 * * ?", "a second other than 0"),
        ("* 0 12 * * ?", "a second other than 0"),
        ("0 0 12 * * ? 2026", "no years"),
        ("0 0 12 15W * ?", "no W"),
        ("0 0 12 LW * ?", "no W"),
        ("0 0 12 L-3 * ?", "another day of February in leap years"),
        ("0 0 12 L-30 4 ?", "have a day L-30"),
        ("0 0 12 31 4 ?", "never fires"),
        ("0 0 12 30,31 FEB ?", "never fires"),
        ("0 0 12 * * *", "requires a \\?"),
        ("0 0 12 ? * ?", "requires a \\?"),
        ("0 12 * * ?", "has 5 fields"),
        ("", "has 0 fields"),
        ("0 60 12 * * ?", "'60' is not among the minutes, 0 to 59"),
        ("0 0 24 * * ?", "'24' is not among the hours"),
        ("0 0 12 0 * ?", "'0' is not among the days of a month"),
        ("0 0 12 ? * 8", "'8' is not among the days of a week"),
        ("0 0 12 ? * MON#6", "no month has a weekday 6 times"),
        ("0 0 12 ? * XXX", "'XXX' is not among"),
        ("0 0 12 ? * MON-FRI/2", "mixes names"),
        ("0 0 12 ? * MON-6", "mixes names"),
        ("0 0 12 ? * 2-FRI", "mixes names"),
        ("0 0/0 12 * * ?", "a step of 0"),
        ("0 0/60 12 * * ?", "a step of 60"),
        ("0 *-5 12 * * ?", "means nothing"),
        ("0 1,,2 12 * * ?", "means nothing"),
        ("0 1, 12 * * ?", "means nothing"),
        ("0 H 12 * * ?", "means nothing"),
        ("0 0 12 L,5 * ?", "means nothing"),
        ("0 0 12 ? * MON#1,FRI#1", "means nothing"),
    ],
)
def test_what_cron_cannot_say_is_an_error_with_the_reason(expression: str, reason: str) -> None:
    with pytest.raises(NoCron, match=reason):
        crons_of(quartz(expression))


@pytest.mark.parametrize(
    ("units", "unit", "cron"),
    [
        (1, "minutes", "* * * * *"),
        (15, "minutes", "*/15 * * * *"),
        (30, "minutes", "*/30 * * * *"),
        (60, "minutes", "0 * * * *"),
        (120, "minutes", "0 */2 * * *"),
        (1, "hours", "0 * * * *"),
        (2, "hours", "0 */2 * * *"),
        (3, "hours", "0 */3 * * *"),
        (4, "hours", "0 */4 * * *"),
        (6, "hours", "0 */6 * * *"),
        (8, "hours", "0 */8 * * *"),
        (12, "hours", "0 */12 * * *"),
        (24, "hours", "0 0 * * *"),
        (1, "days", "0 0 * * *"),
        (7, "days", "0 0 * * 0"),
        (1, "weeks", "0 0 * * 0"),
    ],
)
def test_an_interval_that_divides_its_day_or_week_fires_just_as_often(
    units: int, unit: str, cron: str
) -> None:
    schedule = SyncSchedule("basic", units=units, time_unit=unit)
    assert crons_of(schedule) == (cron,)
    times = fire_times((cron,), START.replace(tzinfo=timezone.utc), 50, "UTC")
    gaps = {after - before for before, after in pairwise(times)}
    sizes = {"minutes": 1, "hours": 60, "days": 1440, "weeks": 7 * 1440}
    assert gaps == {timedelta(minutes=units * sizes[unit])}


@pytest.mark.parametrize(
    ("units", "unit"),
    [
        (45, "minutes"),
        (90, "minutes"),
        (5, "hours"),
        (36, "hours"),
        (2, "days"),
        (2, "weeks"),
        (1, "months"),
        (0, "hours"),
        (1, "fortnights"),
        (None, None),
    ],
)
def test_other_intervals_are_an_error(units: int | None, unit: str | None) -> None:
    with pytest.raises(NoCron, match=r"does not divide|did not say"):
        crons_of(SyncSchedule("basic", units=units, time_unit=unit))


def test_a_manual_schedule_has_no_cron() -> None:
    assert crons_of(SyncSchedule()) == ()


def test_an_unknown_kind_of_schedule_is_an_error() -> None:
    with pytest.raises(NoCron, match="did not say"):
        crons_of(SyncSchedule("lunar"))
