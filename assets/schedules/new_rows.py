"""A condition for assets that depend on our tables. It reads the data versions of their events."""

from typing import cast

import dagster as dg


def eager_on_new_rows(
    tables: dg.AssetSelection | None = None,
) -> dg.AutomationCondition[dg.AssetKey]:
    """`AutomationCondition.eager()`, except that syncs that moved no row of a table do not count.

    Use it for assets downstream of Airbyte tables. All other dependencies count as they do for
    `eager()`, and so do syncs for which Airbyte gives no row counts. The asset waits for a table
    that Dagster is about to sync, because it is not known yet whether rows will come. It works
    across code locations, and takes `.allow()`, `.ignore()` and `&` as `eager()` does.

    One more difference: if rows arrive after a run was requested and before it ends, the asset runs
    once more. `eager()` forgets them and makes up for it at the next sync, which may be an empty
    one here. A run that something else started does not count for rows that came before it. The
    first sync of a new partition runs a partitioned asset even without rows.

    Args:
        tables: Which dependencies are tables that this package reports. Default: all assets of kind
            "airbyte", as DagsterAirbyteTranslator makes them.
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
