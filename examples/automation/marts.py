"""Another code location: assets that depend on those tables, each with a condition of its own."""

import dagster as dg

from dagster_airbyte_sync import eager_on_new_rows

# Somebody else reports this one, without data versions.
exchange_rates = dg.AssetSpec("exchange_rates")


@dg.asset(deps=["orders"], automation_condition=dg.AutomationCondition.eager())
def last_order() -> None:
    """After each sync, also one that moved no rows."""


@dg.asset(deps=["orders", exchange_rates], automation_condition=eager_on_new_rows())
def revenue() -> None:
    """After each sync that moved rows, and after whatever reports exchange rates."""


@dg.asset(
    deps=["orders", "customers"],
    automation_condition=dg.AutomationCondition.on_cron("0 6 * * *", "Europe/Berlin"),
)
def morning_report() -> None:
    """Once a day: as soon as all tables were synced after six o'clock."""


@dg.asset(
    deps=["orders", "customers"],
    automation_condition=dg.AutomationCondition.eager()
    & dg.AutomationCondition.all_deps_updated_since_cron("0 0 * * *"),
)
def todays_customers() -> None:
    """After each sync, from the moment on at which all tables were synced today."""


@dg.asset(
    deps=["customers"],
    automation_condition=dg.AutomationCondition.any_deps_match(
        dg.AutomationCondition.data_version_changed()
    ),
)
def segments() -> None:
    """After each sync that moved rows, whatever else runs, fails or is missing."""


# Dagster's own sensor for conditions would be off until somebody switches it on.
conditions = dg.AutomationConditionSensorDefinition(
    "conditions",
    target=dg.AssetSelection.all(),
    default_status=dg.DefaultSensorStatus.RUNNING,
)

defs = dg.Definitions(
    [exchange_rates, last_order, revenue, morning_report, todays_customers, segments],
    sensors=[conditions],
    executor=dg.in_process_executor,
)
