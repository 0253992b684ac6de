"""Of checks the sensor stores what is new, in a number of look-ups that does not grow."""

import time
from collections.abc import Callable
from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_definitions
from dagster_airbyte_sync.assets.checks.check_settings import CHECKS_OF_SYNCS
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.keys import VERDICT, text_in
from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock, SimulatedConnection
from helpers.deployment import Deployment, Tick
from helpers.look_ups import counted_look_ups

Deploy = Callable[..., Deployment]
HOUR = timedelta(hours=1)


@pytest.fixture
def deployment(deploy: Deploy, shop: SimulatedConnection) -> Deployment:
    deployment = deploy(checks=True)
    deployment.tick()
    return deployment


def sync(deployment: Deployment, **how: object) -> Tick:
    """A sync an hour later, and the tick after it."""
    deployment.wait(HOUR)
    deployment.airbyte.run_sync(deployment.airbyte.connection("shop"), **how)  # type: ignore[arg-type]
    return deployment.tick()


def fail(deployment: Deployment, reason: str = "disk full") -> Tick:
    deployment.wait(HOUR)
    airbyte = deployment.airbyte
    airbyte.fail(airbyte.start_sync(airbyte.connection("shop")), reason=reason)
    return deployment.tick()


def said(tick: Tick, table: str = "orders") -> dict[str, str | None]:
    """What was stored of a table's checks."""
    return {
        event.check_name.removeprefix("airbyte_"): text_in(event.metadata, VERDICT)
        for event in tick.events
        if isinstance(event, dg.AssetCheckEvaluation) and event.asset_key == dg.AssetKey(table)
    }


def shown(deployment: Deployment, table: str = "orders") -> dict[str, bool]:
    """How each check of a table stands where Dagster shows it for its last materialization."""
    last = deployment.instance.get_latest_materialization_event(dg.AssetKey(table))
    assert last
    found = {}
    for name in CHECKS_OF_SYNCS:
        check = dg.AssetCheckKey(dg.AssetKey(table), name)
        record = deployment.instance.get_latest_asset_check_evaluation_record(check)
        assert record
        assert record.evaluation
        # As `AssetCheckExecutionRecord.targets_latest_materialization` has it.
        assert record.run_id == last.run_id or record.create_timestamp > last.timestamp
        found[name.removeprefix("airbyte_")] = record.evaluation.passed
    return found


def test_a_good_sync_after_a_good_one_costs_one_event_a_table(deployment: Deployment) -> None:
    first = sync(deployment, rows=100)
    assert said(first) == {"sync": "succeeded", "rows": "first"}

    for _ in range(4):
        assert {type(event) for event in sync(deployment, rows=100).events} == {
            dg.AssetMaterialization
        }
    # From five on there is something to compare with.
    assert said(sync(deployment, rows=100)) == {"rows": "usual"}
    steady = sync(deployment, rows=110)
    assert [type(event) for event in steady.events] == [dg.AssetMaterialization] * 2
    assert shown(deployment) == {"sync": True, "rows": True}


def test_each_failure_is_stored_and_the_sync_that_succeeds_again(deployment: Deployment) -> None:
    sync(deployment)
    assert said(fail(deployment)) == {"sync": "failed"}
    assert said(fail(deployment)) == {"sync": "failed"}
    assert shown(deployment) == {"sync": False, "rows": True}

    assert said(sync(deployment)) == {"sync": "succeeded"}
    assert shown(deployment) == {"sync": True, "rows": True}
    assert said(sync(deployment)) == {}


def test_a_warning_is_stored_once_as_long_as_it_lasts(deployment: Deployment) -> None:
    sync(deployment, rows={"orders": 7, "users": 7})
    warned = sync(deployment, rows={"orders": 0, "users": 7})
    assert (said(warned), said(warned, "users")) == ({"rows": "empty"}, {})
    assert said(sync(deployment, rows={"orders": 0, "users": 7})) == {}
    assert shown(deployment) == {"sync": True, "rows": False}
    assert said(sync(deployment, rows=7)) == {"rows": "first"}


def test_after_a_day_what_is_not_new_is_stored_again(deployment: Deployment) -> None:
    sync(deployment)
    for _ in range(21):
        deployment.wait(HOUR)
    assert said(sync(deployment)) == {}
    deployment.wait(2 * HOUR)
    assert said(sync(deployment)) == {"sync": "succeeded", "rows": "first"}


def test_after_one_that_was_evaluated_by_hand_it_is_stored_with_the_next_sync(
    deployment: Deployment,
) -> None:
    """Dagster shows that of a run for what was materialized before it, and for nothing later."""
    sync(deployment)
    checks = dg.AssetSelection.checks_for_assets(dg.AssetKey("orders"))
    defs = dg.Definitions.merge(
        deployment.defs, dg.Definitions(jobs=[dg.define_asset_job("by_hand", checks)])
    )
    assert defs.resolve_job_def("by_hand").execute_in_process(instance=deployment.instance).success

    after = sync(deployment)

    assert (said(after), said(after, "users")) == ({"sync": "succeeded", "rows": "first"}, {})
    assert shown(deployment) == {"sync": True, "rows": True}


@pytest.mark.parametrize("crash_after", range(7))
def test_a_tick_that_dies_leaves_no_check_out_and_stores_none_twice(
    deployment: Deployment, crash_after: int
) -> None:
    deployment.wait(HOUR)
    deployment.airbyte.run_sync(deployment.airbyte.connection("shop"))

    before = deployment.tick(crash_after=crash_after)
    after = deployment.tick()

    stored = [*before.events[:crash_after], *after.events]
    assert len(before.events) == len(stored) == 6
    assert shown(deployment) == shown(deployment, "users") == {"sync": True, "rows": True}


def test_a_failure_reaches_each_table_also_if_a_run_has_planned_their_checks_and_died(
    airbyte: AirbyteSimulator, deployment: Deployment, shop: SimulatedConnection
) -> None:
    """Such a plan hides what was stored: of which tables that was nobody can know."""
    sync(deployment)
    deployment.wait(HOUR)
    failed = airbyte.start_sync(shop)
    airbyte.fail(failed)
    deployment.tick(crash_after=1)
    deployment.kill("orders", "users")

    after = deployment.tick()

    assert after.checked == [("orders", failed.job_id, False), ("users", failed.job_id, False)]
    counts = [keys.int_in(e.metadata, keys.FAILURES_IN_A_ROW) for e in after.events]
    assert counts == [1, 1]


def test_what_a_run_said_again_as_it_failed_counts_as_stored(
    airbyte: AirbyteSimulator, deployment: Deployment, shop: SimulatedConnection
) -> None:
    deployment.wait(HOUR)
    failed = airbyte.start_sync(shop)
    airbyte.fail(failed)
    deployment.tick(crash_after=2)
    deployment.wait(HOUR)
    airbyte.begin(airbyte.start_sync(shop))
    assert not deployment.materialize("orders", "users").success

    assert deployment.tick().checked == [("users", failed.job_id, False)]


@pytest.mark.parametrize("end", ["succeeded", "failed"])
def test_the_last_evaluations_of_all_tables_are_one_look_up(
    airbyte: AirbyteSimulator, deploy: Deploy, end: str
) -> None:
    look_ups = []
    wide = airbyte.add_connection("wide", streams=[f"t{number:02}" for number in range(40)])
    others = [airbyte.add_connection(name, streams=[name]) for name in ("a", "b", "c")]
    deployment = deploy(checks=True)
    deployment.tick()
    for connections in ([others[0]], [wide], [wide, *others]):
        # Before it is time to look what runs have left.
        deployment.wait(timedelta(minutes=1))
        for connection in connections:
            airbyte.burst(connection, 1, status=end)  # type: ignore[arg-type]
        with counted_look_ups() as count:
            assert deployment.tick().events
        look_ups.append(count["get_latest_asset_check_execution_by_key"])

    assert look_ups == [1, 1, 1]


def test_what_a_run_has_evaluated_is_shown_also_behind_an_older_sync_that_is_reported_late(
    instance: dg.DagsterInstance,
) -> None:
    """The sensor's event is the last one then, and Dagster would show no evaluation of a run."""
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        shop = airbyte.add_connection("shop", streams=["orders"], sync_seconds=0.01)
        workspace = AirbyteWorkspace(**airbyte.workspace_config(), poll_interval=0.05)
        deployment = Deployment(airbyte, workspace, build_airbyte_definitions(workspace), instance)
        deployment.tick()
        older = airbyte.run_sync(shop)
        time.sleep(1)
        assert deployment.materialize("orders").success
        newer = airbyte.jobs[-1]
        late = deployment.tick()

    assert late.materialized == [("orders", older.job_id)]
    assert late.checked == [("orders", newer.job_id, True)]
    assert shown(deployment) == {"sync": True, "rows": True}


@pytest.mark.parametrize("how", ["sync", "clear"])
def test_what_is_committed_late_does_not_hide_that_a_later_sync_failed(
    deployment: Deployment, shop: SimulatedConnection, how: str
) -> None:
    """The later one was read before it, and is not read again."""
    sync(deployment)
    airbyte = deployment.airbyte
    deployment.wait(HOUR)
    late = airbyte.run_sync(shop) if how == "sync" else airbyte.run_clear(shop)
    airbyte.commit_late(late, by=timedelta(minutes=4))
    deployment.wait(timedelta(minutes=1))
    airbyte.fail(airbyte.start_sync(shop), reason="disk full")
    assert said(deployment.tick()) == {"sync": "failed"}

    deployment.wait(timedelta(minutes=4))
    tick = deployment.tick()

    assert {event.metadata[keys.JOB_ID].value for event in tick.events} == {str(late.job_id)}
    assert shown(deployment) == {"sync": False, "rows": True}
    assert said(tick) == {}
    assert said(sync(deployment)) == {"sync": "succeeded"}
