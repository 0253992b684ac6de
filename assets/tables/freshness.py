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
    """The spec with a freshness policy that fails when the connection's next sync stays away.

    The table may be as old as the longest time between two syncs of its schedule, and `margin`
    more, for the time that a sync takes. By default that is as much again for what is synced within
    the hour (20 minutes at least), and half of it for the rest (an hour at least, a day at most): a
    table of every 2 minutes fails after 22, one of every 15 after 35, an hourly one after 2 hours,
    a daily one after 36, a weekly one after 8 days, and one of Monday to Friday after 4 days,
    because its weekend takes 3. Give a larger `margin` where syncs take longer than that. A table
    that was never materialized is late for the failure sensor; Dagster itself shows its freshness
    as unknown.

    Schedules that cron cannot say (a second, every 45 minutes) get a policy as well. There is none
    for a manual connection, nor for years and `W`. A paused connection keeps its policy: Airbyte
    itself pauses those that always fail. A policy that the spec has already is kept.
    """
    window = longest_wait(connection.schedule, margin)
    if window is None or spec.freshness_policy is not None:
        return spec
    return spec.replace_attributes(freshness_policy=dg.FreshnessPolicy.time_window(window))


def with_freshness(table: Table, connection: Connection) -> Table:
    return replace(table, spec=freshness_from_airbyte_schedule(table.spec, connection))
