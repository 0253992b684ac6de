"""When a table is too old: judged by the schedule that its connection has in Airbyte."""

from dataclasses import replace
from datetime import timedelta

import dagster as dg

from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import Connection
from dagster_airbyte_sync.resources.schedules.lateness import longest_wait


def freshness_from_airbyte_schedule(
    spec: dg.AssetSpec, connection: Connection, *, margin: timedelta | None = None
) -> dg.AssetSpec:
    """Return the spec with a freshness policy that fails if the connection's syncs do not come.

    A table may be as old as the longest time between two syncs of its connection's schedule, plus
    `margin`. A table that was never materialized is late for the failure sensor; Dagster itself
    shows its freshness as unknown.

    Schedules that cron cannot express (at seconds other than 0, every 45 minutes) get a policy as
    well. Manual connections and schedules with years or `W` get none. A paused connection keeps its
    policy, because Airbyte itself pauses connections that always fail. If the spec already has a
    policy, it keeps that.

    Args:
        spec: The table's spec.
        connection: The connection that syncs it.
        margin: The time that a sync may take. Default, if syncs come at least once an hour: the
            longest time between two syncs again, but at least 20 minutes. Otherwise half of it, at
            least an hour and at most a day. So a table synced every 2 minutes fails after 22, every
            15 minutes after 35, hourly after 2 hours, daily after 36 hours, weekly after 8 days,
            and from Monday to Friday after 4 days, because the weekend takes 3. Pass a larger
            margin if syncs take longer.
    """
    window = longest_wait(connection.schedule, margin)
    if window is None or spec.freshness_policy is not None:
        return spec
    return spec.replace_attributes(freshness_policy=dg.FreshnessPolicy.time_window(window))


def with_freshness(table: Table, connection: Connection) -> Table:
    return replace(table, spec=freshness_from_airbyte_schedule(table.spec, connection))
