"""When a table is too old: judged by the schedule that its connection has in Airbyte."""

from dataclasses import replace
from datetime import timedelta

import dagster as dg

from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import Connection
from dagster_airbyte_sync.resources.schedules.schedule_times import longest_gap

_LEAST_MARGIN, _MOST_MARGIN = timedelta(hours=1), timedelta(days=1)


def freshness_from_airbyte_schedule(
    spec: dg.AssetSpec, connection: Connection, *, margin: timedelta | None = None
) -> dg.AssetSpec:
    """The spec with a freshness policy that fails when the connection's next sync stays away.

    The table may be as old as the longest time between two syncs of its schedule, and `margin`
    more, for the time that a sync takes. By default that is half of the longest time, at least an
    hour and at most a day: an hourly table fails after 2 hours, a daily one after 36, a weekly one
    after 8 days, and one of Monday to Friday after 4 days, because its weekend takes 3.

    Schedules that cron cannot say (a second, every 45 minutes) get a policy as well. There is none
    for a manual connection, nor for years and `W`. A paused connection keeps its policy: Airbyte
    itself pauses those that always fail. A policy that the spec has already is kept.
    """
    gap = longest_gap(connection.schedule)
    if gap is None or spec.freshness_policy is not None:
        return spec
    window = gap + (_usual_margin(gap) if margin is None else margin)
    return spec.replace_attributes(freshness_policy=dg.FreshnessPolicy.time_window(window))


def with_freshness(table: Table, connection: Connection) -> Table:
    return replace(table, spec=freshness_from_airbyte_schedule(table.spec, connection))


def _usual_margin(gap: timedelta) -> timedelta:
    return min(max(gap / 2, _LEAST_MARGIN), _MOST_MARGIN)
