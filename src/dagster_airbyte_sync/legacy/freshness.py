"""Former freshness policies as those of today. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from itertools import islice

import dagster as dg

Freshness = dg.LegacyFreshnessPolicy | dg.FreshnessPolicy

# Dagster takes no shorter one.
_LEAST = timedelta(minutes=1)
# Enough for the days of a year, and for the odd end of an hour, a day or a month.
_SAMPLED = 400


def new_freshness(policy: Freshness) -> dg.FreshnessPolicy:
    """Today's policy for the same promise; the former ones do nothing in today's Dagster.

    A lag that is longer than the time between two deadlines is promised at all times: today's
    policy knows no deadline at which an older materialization is enough.
    """
    if isinstance(policy, dg.FreshnessPolicy):
        return policy
    lag = max(timedelta(minutes=policy.maximum_lag_minutes), _LEAST)
    cron = policy.cron_schedule
    if cron is None or lag > shortest_interval(str(cron)):
        return dg.FreshnessPolicy.time_window(fail_window=lag)
    return dg.FreshnessPolicy.cron(
        deadline_cron=str(cron),
        lower_bound_delta=lag,
        timezone=policy.cron_schedule_timezone or "UTC",
    )


@lru_cache(256)
def shortest_interval(cron: str) -> timedelta:
    """The shortest time between two ticks, in UTC: as Dagster measures it, in any time zone."""
    return min(islice(_intervals(cron), _SAMPLED))


def _intervals(cron: str) -> Iterator[timedelta]:
    start = datetime(2023, 1, 1, tzinfo=timezone.utc)
    ticks = dg.TimeWindowPartitionsDefinition(start=start, cron_schedule=cron, fmt="%Y")
    window = ticks.get_next_partition_window(start, respect_bounds=False)
    while window is not None:
        yield window.end - window.start
        window = ticks.get_next_partition_window(window.end, respect_bounds=False)
