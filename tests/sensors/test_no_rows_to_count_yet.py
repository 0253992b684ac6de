"""A table of which no sync has succeeded says so of its rows, once: it never reads "Not evaluated".

Once a sync has succeeded, what is said of its rows stays until the next one that does.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteChecks, AirbyteWorkspace, build_airbyte_definitions
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.deployment import Deployment, Tick, deployed

Deploy = Callable[..., Deployment]
TEXT = "This check has not seen a sync succeed yet, so there are no rows to count"
HOUR = timedelta(hours=1)


@pytest.fixture
def deploy(airbyte: AirbyteSimulator, memory: dg.DagsterInstance) -> Deploy:
    return partial(deployed, airbyte, memory)


@pytest.fixture
def deployment(deploy: Deploy, shop: SimulatedConnection) -> Deployment:
    deployment = deploy(checks=True)
    deployment.tick()
    return deployment


def after(deployment: Deployment, end: str) -> dict[str, dict[str, str | None]]:
    """What the tick after a job that ends so stores of the checks, by table."""
    deployment.wait(HOUR)
    airbyte = deployment.airbyte
    shop = airbyte.connection("shop")
    if end == "cleared":
        airbyte.run_clear(shop)
    elif end == "succeeded":
        airbyte.run_sync(shop, rows=7)
    else:
        getattr(airbyte, {"failed": "fail", "cancelled": "cancel"}[end])(airbyte.start_sync(shop))
    return said(deployment.tick())


def said(tick: Tick) -> dict[str, dict[str, str | None]]:
    found: dict[str, dict[str, str | None]] = {}
    for each in tick.events:
        if isinstance(each, dg.AssetCheckEvaluation):
            check = each.check_name.removeprefix("airbyte_")
            of_table = found.setdefault(each.asset_key.to_user_string(), {})
            of_table[check] = keys.text_in(each.metadata, keys.VERDICT)
    return found


def rows_shown(deployment: Deployment, table: str = "orders") -> dg.AssetCheckEvaluation | None:
    check = dg.AssetCheckKey(dg.AssetKey(table), "airbyte_rows")
    record = deployment.instance.get_latest_asset_check_evaluation_record(check)
    return record.evaluation if record else None


def both(**each: str) -> dict[str, dict[str, str]]:
    return {"orders": each, "users": each}


@pytest.mark.parametrize("end", ["failed", "cancelled", "cleared"])
def test_the_first_job_that_makes_no_table_fresh_says_it_and_the_later_ones_do_not(
    deployment: Deployment, end: str
) -> None:
    assert after(deployment, end) == both(sync=end, rows="no_rows_yet")
    shown = rows_shown(deployment)
    assert shown
    assert (shown.description, shown.severity) == (TEXT, dg.AssetCheckSeverity.WARN)

    again = {} if end == "cleared" else both(sync=end)
    assert [after(deployment, end) for _ in range(2)] == [again] * 2


@pytest.mark.parametrize("end", ["failed", "cancelled", "cleared"])
def test_the_first_sync_that_succeeds_is_counted_and_no_later_end_hides_it(
    deployment: Deployment, end: str
) -> None:
    after(deployment, "failed")
    assert after(deployment, "succeeded") == both(sync="succeeded", rows="first")

    assert after(deployment, end) == both(sync=end)
    shown = rows_shown(deployment)
    assert shown
    assert shown.passed


@pytest.mark.parametrize("crash_after", range(5))
def test_a_tick_that_dies_leaves_none_out_and_stores_none_twice(
    deployment: Deployment, crash_after: int
) -> None:
    deployment.airbyte.fail(deployment.airbyte.start_sync(deployment.airbyte.connection("shop")))

    before = deployment.tick(crash_after=crash_after)
    rest = deployment.tick()

    stored = [
        (event.asset_key.to_user_string(), event.check_name)
        for event in (*before.events[:crash_after], *rest.events)
        if isinstance(event, dg.AssetCheckEvaluation)
    ]
    names = ("airbyte_rows", "airbyte_sync")
    assert sorted(stored) == [(table, name) for table in ("orders", "users") for name in names]


def test_a_table_that_is_not_complete_in_its_first_job_says_it_and_one_that_is_counts(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, memory: dg.DagsterInstance
) -> None:
    workspace = AirbyteWorkspace(**airbyte.workspace_config(), partial_success=True)
    deployment = Deployment(airbyte, workspace, build_airbyte_definitions(workspace), memory)
    deployment.tick()
    airbyte.fail(airbyte.start_sync(shop), rows=5, completed=["orders"])

    found = said(deployment.tick())

    assert found["orders"]["sync"] == "partial"
    assert found["orders"]["rows"] != "no_rows_yet"
    assert found["users"] == {"sync": "failed", "rows": "no_rows_yet"}


def test_tables_that_took_no_part_say_nothing(
    airbyte: AirbyteSimulator, deployment: Deployment, shop: SimulatedConnection
) -> None:
    airbyte.run_clear(shop, streams=["orders"])

    assert said(deployment.tick()) == {"orders": {"sync": "cleared", "rows": "no_rows_yet"}}


def test_a_check_that_is_newer_than_the_tables_last_sync_says_it_too(
    airbyte: AirbyteSimulator, deploy: Deploy, shop: SimulatedConnection
) -> None:
    before = deploy(checks=AirbyteChecks(rows=False))
    before.tick()
    assert after(before, "succeeded") == both(sync="succeeded")
    deployment = deploy(checks=True)
    deployment.cursor, deployment.later = before.cursor, before.later

    assert after(deployment, "failed") == both(sync="failed", rows="no_rows_yet")


def test_behind_what_a_run_has_planned_before_it_died_only_tables_that_never_synced_say_it(
    deployment: Deployment,
) -> None:
    after(deployment, "failed")
    deployment.kill("orders")
    said_again = {"orders": {"sync": "failed", "rows": "no_rows_yet"}, "users": {"sync": "failed"}}
    assert after(deployment, "failed") == said_again

    after(deployment, "succeeded")
    deployment.kill("orders")
    assert after(deployment, "failed") == both(sync="failed")


def test_a_table_whose_checks_a_run_had_only_planned_before_its_first_failure_says_it(
    deployment: Deployment,
) -> None:
    deployment.kill("orders", "users")

    assert after(deployment, "failed") == both(sync="failed", rows="no_rows_yet")
