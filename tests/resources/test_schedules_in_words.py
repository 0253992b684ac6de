"""A schedule as people say it."""

import pytest

from dagster_airbyte_sync.resources import SyncSchedule
from dagster_airbyte_sync.resources.schedules.schedule_words import schedule_words


def cron(expression: str, zone: str | None = "Europe/Berlin") -> SyncSchedule:
    return SyncSchedule("cron", cron_expression=expression, cron_timezone=zone)


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (SyncSchedule(), "manual"),
        (SyncSchedule("basic", units=2, time_unit="hours"), "every 2 hours"),
        (SyncSchedule("basic", units=1, time_unit="hours"), "every hour"),
        (cron("0 0 6 * * ?"), "daily at 06:00 Europe/Berlin"),
        (cron("0 0 6 * * ?", None), "daily at 06:00 UTC"),
        (cron("0 30 9,17 * * ?"), "daily at 09:30, 17:30 Europe/Berlin"),
        (cron("0 0 12 ? * MON-FRI"), "Monday to Friday at 12:00 Europe/Berlin"),
        (cron("0 0 12 ? * SUN,SAT"), "Saturday, Sunday at 12:00 Europe/Berlin"),
        (cron("0 0 * * * ?"), "every hour"),
        (cron("0 20 * * * ?"), "every hour at minute 20"),
        (cron("0 0/15 * * * ?"), "every 15 minutes"),
        (cron("0 * * * * ?"), "every minute"),
        (cron("0 0 0/2 * * ?"), "every 2 hours"),
        # What takes more words is left as Airbyte's UI has it.
        (cron("0 0 0/2 ? * MON-FRI"), "cron '0 0 0/2 ? * MON-FRI' (Europe/Berlin)"),
        (cron("0 0/30 9-17 * * ?"), "cron '0 0/30 9-17 * * ?' (Europe/Berlin)"),
        (cron("30 0 6 * * ?"), "cron '30 0 6 * * ?' (Europe/Berlin)"),
        (cron("0 0 6 1 * ?"), "cron '0 0 6 1 * ?' (Europe/Berlin)"),
        (cron("0 0 6 ? * 6L"), "cron '0 0 6 ? * 6L' (Europe/Berlin)"),
        (cron("0 0 6 * 1 ?"), "cron '0 0 6 * 1 ?' (Europe/Berlin)"),
        (cron("0 0 6 * * ? 2026"), "cron '0 0 6 * * ? 2026' (Europe/Berlin)"),
    ],
    ids=str,
)
def test_a_schedule_is_said_in_words(schedule: SyncSchedule, words: str) -> None:
    assert schedule_words(schedule) == words
