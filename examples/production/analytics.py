"""The other code location: assets below those tables, which run after syncs that moved rows."""

import dagster as dg

from dagster_airbyte_sync import eager_on_new_rows


@dg.asset(deps=["orders"], automation_condition=eager_on_new_rows())
def daily_revenue() -> None: ...


# Dagster's own sensor for conditions would be off until somebody switches it on.
conditions = dg.AutomationConditionSensorDefinition(
    "conditions",
    target=dg.AssetSelection.all(),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
)

defs = dg.Definitions([daily_revenue], sensors=[conditions], executor=dg.in_process_executor)
