"""Each LegacyFreshnessPolicy that Dagster can make has one of today, which Dagster takes."""

from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync.legacy.freshness import new_freshness


@pytest.mark.parametrize(
    ("former", "today"),
    [
        ({"maximum_lag_minutes": 90}, dg.FreshnessPolicy.time_window(timedelta(minutes=90))),
        ({"maximum_lag_minutes": 0}, dg.FreshnessPolicy.time_window(timedelta(minutes=1))),
        (
            {
                "maximum_lag_minutes": 90,
                "cron_schedule": "0 9 * * *",
                "cron_schedule_timezone": "Europe/Berlin",
            },
            dg.FreshnessPolicy.cron("0 9 * * *", timedelta(minutes=90), "Europe/Berlin"),
        ),
        (
            {"maximum_lag_minutes": 0, "cron_schedule": "@daily"},
            dg.FreshnessPolicy.cron("@daily", timedelta(minutes=1)),
        ),
        (
            {"maximum_lag_minutes": 1440, "cron_schedule": "0 9 * * *"},
            dg.FreshnessPolicy.cron("0 9 * * *", timedelta(days=1)),
        ),
        (
            {"maximum_lag_minutes": 2880, "cron_schedule": "0 9 * * *"},
            dg.FreshnessPolicy.time_window(timedelta(days=2)),
        ),
        (
            {"maximum_lag_minutes": 90, "cron_schedule": "0 9,10 * * 1"},
            dg.FreshnessPolicy.time_window(timedelta(minutes=90)),
        ),
    ],
    ids=["lag", "none", "cron", "cron and none", "a day", "two days", "two on one morning"],
)
@pytest.mark.filterwarnings("ignore:Class `LegacyFreshnessPolicy`")
def test_a_former_policy_becomes_one_of_today(
    former: dict[str, Any], today: dg.FreshnessPolicy
) -> None:
    assert new_freshness(dg.LegacyFreshnessPolicy(**former)) == today
