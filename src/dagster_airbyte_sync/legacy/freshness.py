"""Former freshness policies as those of today. Pure."""

from datetime import timedelta

import dagster as dg

Freshness = dg.LegacyFreshnessPolicy | dg.FreshnessPolicy

# Dagster takes no shorter one.
_LEAST = timedelta(minutes=1)


def new_freshness(policy: Freshness) -> dg.FreshnessPolicy:
    """Today's policy for the same promise; the former ones do nothing in today's Dagster.

    A lag that is longer than the time between two deadlines is promised at all times: today's
    policy knows no deadline at which an older materialization is enough.
    """
    if isinstance(policy, dg.FreshnessPolicy):
        return policy
    lag = max(timedelta(minutes=policy.maximum_lag_minutes), _LEAST)
    at_all_times = dg.FreshnessPolicy.time_window(fail_window=lag)
    if policy.cron_schedule is None:
        return at_all_times
    timezone = policy.cron_schedule_timezone or "UTC"
    try:
        return dg.FreshnessPolicy.cron(str(policy.cron_schedule), lag, timezone)
    # Dagster exports no name for its error. Schedule and zone are valid in any former policy.
    except Exception:
        return at_all_times
