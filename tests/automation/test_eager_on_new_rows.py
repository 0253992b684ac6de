"""`eager_on_new_rows` in the code location of its tables, by Dagster's public way to evaluate it.

The events are those that sensor and runs really report.
"""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteConnectionTableProps,
    DagsterAirbyteTranslator,
    eager_on_new_rows,
)
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.deployment import Deployment, deployed

DAY = timedelta(days=1)
ALLOWED = dg.AssetSelection.assets("orders", "rates")


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        yield airbyte


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=["orders", "users"], sync_seconds=0)


def report(
    condition: dg.AutomationCondition[dg.AssetKey] | None = None, *deps: str
) -> dg.AssetsDefinition:
    @dg.asset(
        deps=deps or ["orders", "users"],
        automation_condition=condition or eager_on_new_rows(),
    )
    def report() -> None: ...

    return report


class Evaluated:
    """A deployment whose tables were synced once, and whose conditions have seen it."""

    def __init__(self, deployment: Deployment, shop: SimulatedConnection) -> None:
        self.deployment, self.shop = deployment, shop
        self.last: dg.EvaluateAutomationConditionsResult | None = None
        self.sync(orders=1, users=1)
        self.wants()

    def sync(self, orders: int = 0, users: int = 0) -> None:
        self.deployment.airbyte.run_sync(self.shop, rows={"orders": orders, "users": users})
        self.deployment.tick()

    def wants(self, name: str = "report") -> int:
        """How many runs of it the conditions want at this evaluation."""
        self.last = dg.evaluate_automation_conditions(
            self.deployment.defs,
            self.deployment.instance,
            cursor=self.last.cursor if self.last else None,
            evaluation_time=self.deployment.airbyte.now,
        )
        return self.last.get_num_requested(dg.AssetKey(name))


@pytest.fixture
def evaluated(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> Evaluated:
    return Evaluated(deployed(airbyte, instance, report()), shop)


def test_it_is_wanted_once_if_any_of_its_tables_got_rows(evaluated: Evaluated) -> None:
    evaluated.sync(users=2)
    assert evaluated.wants() == 1
    assert evaluated.wants() == 0

    evaluated.sync()
    assert evaluated.wants() == 0


def test_rows_that_come_after_a_run_was_asked_for_are_not_forgotten(evaluated: Evaluated) -> None:
    evaluated.sync(orders=1)
    assert evaluated.wants() == 1

    evaluated.sync(orders=1)
    assert evaluated.wants() == 1
    assert evaluated.wants() == 0


def test_it_is_made_of_dagsters_own_conditions_only() -> None:
    """One of ours would be evaluated in its own code location, which sees no other."""
    assert eager_on_new_rows().is_serializable


def test_syncs_of_which_airbyte_gives_no_counts_count_as_rows(
    instance: dg.DagsterInstance,
) -> None:
    with AirbyteSimulator(configuration_api=False) as airbyte:
        shop = airbyte.add_connection("shop", streams=["orders", "users"])
        evaluated = Evaluated(deployed(airbyte, instance, report()), shop)

        evaluated.sync(orders=2)
        assert evaluated.wants() == 1
        evaluated.sync()  # Of all tables together there is a count.
        assert evaluated.wants() == 0


@pytest.mark.parametrize("rows", [0, 5])
def test_a_sync_that_a_dagster_run_reports_counts_the_same(
    evaluated: Evaluated, airbyte: AirbyteSimulator, shop: SimulatedConnection, rows: int
) -> None:
    airbyte.plan(shop, rows=rows)

    assert evaluated.deployment.materialize("orders", "users").success

    assert evaluated.wants() == (1 if rows else 0)


def test_a_run_that_somebody_starts_after_the_rows_does_not_count_for_them(
    evaluated: Evaluated,
) -> None:
    """Nobody can say whether it began before they came: rather a run too many."""
    evaluated.sync(orders=5)
    assert evaluated.deployment.materialize("report").success

    assert evaluated.wants() == 1


def test_a_run_of_table_and_asset_together_does_not_make_it_run_again(
    evaluated: Evaluated, airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    airbyte.plan(shop, rows=5)

    assert evaluated.deployment.materialize("orders", "users", "report").success

    assert evaluated.wants() == 0


@pytest.mark.parametrize(
    ("condition", "wanted"), [(dg.AutomationCondition.eager(), 1), (eager_on_new_rows(), 0)]
)
def test_a_table_that_dagster_is_about_to_sync_is_waited_for(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    condition: dg.AutomationCondition[dg.AssetKey],
    wanted: int,
) -> None:
    """`eager()` takes part in the run of the table's sync, before anybody knows of rows."""

    class Always(DagsterAirbyteTranslator):
        def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
            spec = super().get_asset_spec(props)
            return spec.replace_attributes(automation_condition=~dg.AutomationCondition.missing())

    deployment = deployed(airbyte, instance, report(condition), dagster_airbyte_translator=Always())
    evaluated = Evaluated(deployment, shop)

    assert evaluated.wants("report") == wanted
    assert evaluated.wants("orders") == 1


@pytest.mark.parametrize(
    ("condition", "users", "orders", "rates"),
    [
        (eager_on_new_rows(), 1, 1, 1),
        (eager_on_new_rows().allow(ALLOWED), 0, 1, 1),  # type: ignore[attr-defined]
        (eager_on_new_rows().ignore(ALLOWED), 1, 0, 0),  # type: ignore[attr-defined]
    ],
    ids=["all", "allow", "ignore"],
)
def test_allow_and_ignore_mean_what_they_do_for_eager(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    condition: dg.AutomationCondition[dg.AssetKey],
    users: int,
    orders: int,
    rates: int,
) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization("rates"))
    asset = report(condition, "orders", "users", "rates")
    evaluated = Evaluated(deployed(airbyte, instance, asset), shop)

    evaluated.sync(users=1)
    assert evaluated.wants() == users
    evaluated.sync(orders=1)
    assert evaluated.wants() == orders
    instance.report_runless_asset_event(dg.AssetMaterialization("rates"))
    assert evaluated.wants() == rates


def test_tables_that_lost_their_kind_are_selected_in_another_way(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    class Bare(DagsterAirbyteTranslator):
        def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
            return super().get_asset_spec(props).replace_attributes(kinds=set(), group_name="raw")

    raw = dg.AssetSelection.groups("raw", include_sources=True)
    asset = report(eager_on_new_rows(raw))
    deployment = deployed(airbyte, instance, asset, dagster_airbyte_translator=Bare())
    evaluated = Evaluated(deployment, shop)

    evaluated.sync()
    assert evaluated.wants() == 0
    evaluated.sync(orders=1)
    assert evaluated.wants() == 1


def test_it_waits_for_a_table_that_was_never_synced(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    """As eager does."""
    crm = airbyte.add_connection("crm", streams=["leads"])
    evaluated = Evaluated(deployed(airbyte, instance, report(None, "orders", "leads")), shop)
    evaluated.sync(orders=1)
    assert evaluated.wants() == 0

    airbyte.run_sync(crm)
    evaluated.deployment.tick()
    assert evaluated.wants() == 1


def test_the_first_sync_of_a_new_partition_runs_a_partitioned_asset_also_without_rows(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    """Its table was never materialized in it."""
    days = dg.DailyPartitionsDefinition(f"{airbyte.now - 5 * DAY:%Y-%m-%d}", end_offset=1)

    class Daily(DagsterAirbyteTranslator):
        def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
            return super().get_asset_spec(props).replace_attributes(partitions_def=days)

    @dg.asset(deps=["orders"], partitions_def=days, automation_condition=eager_on_new_rows())
    def report() -> None: ...

    deployment = deployed(airbyte, instance, report, dagster_airbyte_translator=Daily())
    evaluated = Evaluated(deployment, shop)
    evaluated.sync()
    assert evaluated.wants() == 0

    deployment.wait(DAY)
    assert evaluated.wants() == 0
    evaluated.sync()
    assert evaluated.wants() == 1
    evaluated.sync()
    assert evaluated.wants() == 0
