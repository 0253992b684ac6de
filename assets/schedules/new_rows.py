"""A condition for assets that depend on our tables. It reads the data versions of their events."""

from typing import cast

import dagster as dg


def eager_on_new_rows(
    tables: dg.AssetSelection | None = None,
) -> dg.AutomationCondition[dg.AssetKey]:
    """`AutomationCondition.eager()`, but syncs that moved no row of a table count for nothing.

    All other dependencies count as they do for `eager()`, and so do syncs of which Airbyte gives
    no counts. A table that Dagster is about to sync is waited for: nobody knows yet whether rows
    will come. Works across code locations; takes `.allow()`, `.ignore()` and `&` as `eager()` does.

    In one more thing it differs: rows that come after a run was asked for, and before it has ended,
    make the asset run once more. `eager()` forgets them, and makes up for it at the next sync; here
    that may be an empty one. A run that something else started does not count for rows that came
    before it. The first sync of a new partition of a partitioned asset runs it, also without rows.

    Args:
        tables: Which dependencies are tables that this package reports. Default: all assets of the
            kind "airbyte", as DagsterAirbyteTranslator makes them.
    """
    condition = dg.AutomationCondition
    is_due = condition.newly_missing() | _any_deps_updated(tables)
    handled = (condition.newly_requested() & ~is_due) | condition.initial_evaluation()
    eager = (
        condition.in_latest_time_window()
        & is_due.since(handled.with_label("handled"))
        & ~condition.any_deps_missing()
        & ~condition.any_deps_in_progress()
        & ~condition.in_progress()
    )
    return cast(dg.AutomationCondition[dg.AssetKey], eager.with_label("eager_on_new_rows"))


def _any_deps_updated(
    tables: dg.AssetSelection | None,
) -> dg.AutomationCondition[dg.AssetKey]:
    if tables is None:
        tables = dg.AssetSelection.kind("airbyte", include_sources=True)
    condition = dg.AutomationCondition
    has_new_rows = condition.data_version_changed() & ~condition.executed_with_root_target()
    # The first is for tables; of all others it says nothing that the second does not say, too.
    updated = condition.any_deps_match(has_new_rows) | condition.any_deps_updated().ignore(tables)
    return cast(dg.AutomationCondition[dg.AssetKey], updated.with_label("any_deps_have_new_rows"))
