"""When a schedule of Airbyte starts the next sync."""

from datetime import datetime, timedelta, timezone

import pytest

from dagster_airbyte_sync.resources import SyncSchedule
from dagster_airbyte_sync.resources.schedules.next_sync import next_sync

NOW = datetime(2026, 3, 28, 12, tzinfo=timezone.utc)


def cron(expression: str, zone: str | None = None) -> SyncSchedule:
    return SyncSchedule("cron", cron_expression=expression, cron_timezone=zone)


@pytest.mark.parametrize(
    ("schedule", "due"),
    [
        (cron("0 0 12 * * ?"), datetime(2026, 3, 29, 12)),
        (cron("0 1 12 * * ?"), datetime(2026, 3, 28, 12, 1)),
        # Berlin's summer time begins that night.
        (cron("0 0 12 * * ?", "Europe/Berlin"), datetime(2026, 3, 29, 10)),
        (cron("0 0 6 ? * MON-FRI"), datetime(2026, 3, 30, 6)),
        (cron("0 0 0 29 2 ?"), datetime(2028, 2, 29)),
    ],
)
def test_a_cron_fires_next_in_its_own_time_zone(schedule: SyncSchedule, due: datetime) -> None:
    assert next_sync(schedule, None, NOW) == due.replace(tzinfo=timezone.utc)


def test_an_interval_counts_from_the_last_sync_and_may_be_overdue() -> None:
    daily = SyncSchedule("basic", units=1, time_unit="days")
    two_days_ago = NOW - timedelta(days=2)
    assert next_sync(daily, two_days_ago, NOW) == NOW - timedelta(days=1)
    assert next_sync(daily, None, NOW) is None


@pytest.mark.parametrize(
    "schedule",
    [SyncSchedule(), cron("0 0 12 1W * ?"), cron("0 0 12 * * ?", "Mars/Olympus"), cron("nonsense")],
)
def test_what_has_no_schedule_or_none_that_can_be_read_has_no_next_sync(
    schedule: SyncSchedule,
) -> None:
    assert next_sync(schedule, NOW, NOW) is None
