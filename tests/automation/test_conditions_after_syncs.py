"""Dagster's own conditions after syncs that the sensor reported: the real daemons over the code
locations of examples/automation, each in a real code server."""

from datetime import time

import pytest

from helpers.automated import Automated

pytestmark = pytest.mark.xdist_group("automation")


def test_eager_runs_after_each_sync_also_one_without_rows(deployment: Automated) -> None:
    deployment.sync("orders", rows=3)
    assert "last_order" in deployment.evaluate()

    deployment.settle()
    deployment.sync("orders", rows=0)
    assert "last_order" in deployment.evaluate()
    assert "last_order" not in deployment.evaluate()


def test_eager_runs_once_after_several_syncs_between_two_evaluations(
    deployment: Automated,
) -> None:
    deployment.sync("orders")
    deployment.sync("orders")

    assert deployment.evaluate().count("last_order") == 1
    assert "last_order" not in deployment.evaluate()


def test_eager_forgets_a_sync_that_comes_while_its_run_waits(deployment: Automated) -> None:
    """Not ours to mend, but the page says so: it makes up for it after the next sync."""
    deployment.sync("orders")
    assert "last_order" in deployment.evaluate(run_later=True)
    deployment.evaluate(run_later=True)

    deployment.sync("orders")
    assert "last_order" not in deployment.evaluate(run_later=True)
    deployment.run_waiting()

    assert "last_order" not in deployment.evaluate()
    deployment.sync("orders")
    assert "last_order" in deployment.evaluate()


def test_a_failed_sync_and_a_clear_run_nothing(deployment: Automated) -> None:
    deployment.fail_sync("orders")
    deployment.clear("orders")

    assert deployment.evaluate() == []


def test_on_cron_runs_once_when_all_tables_were_synced_after_its_time(
    deployment: Automated,
) -> None:
    deployment.sync("orders")
    deployment.sync("customers")
    deployment.wait_until(time(6, 1), "Europe/Berlin")
    assert "morning_report" not in deployment.evaluate()

    deployment.sync("orders")
    assert "morning_report" not in deployment.evaluate()
    deployment.sync("customers")
    assert "morning_report" in deployment.evaluate()

    deployment.sync("orders")
    deployment.sync("customers")
    assert "morning_report" not in deployment.evaluate()


def test_on_cron_waits_for_a_table_whose_sync_failed(deployment: Automated) -> None:
    deployment.wait_until(time(6, 1), "Europe/Berlin")
    deployment.evaluate()
    deployment.sync("orders")
    deployment.fail_sync("customers")
    assert "morning_report" not in deployment.evaluate()

    deployment.sync("customers")
    assert "morning_report" in deployment.evaluate()


def test_eager_with_all_deps_updated_since_cron_runs_after_each_sync_of_a_day_that_is_complete(
    deployment: Automated,
) -> None:
    deployment.wait_until(time(0, 1), "UTC")
    deployment.settle()

    deployment.sync("orders")
    assert "todays_customers" not in deployment.evaluate()
    deployment.sync("customers")
    assert "todays_customers" in deployment.evaluate()
    deployment.settle()
    deployment.sync("orders")
    assert "todays_customers" in deployment.evaluate()


def test_a_condition_on_data_versions_is_true_after_rows_only(deployment: Automated) -> None:
    deployment.sync("customers", rows=0)
    assert "segments" not in deployment.evaluate()

    deployment.sync("customers", rows=3)
    assert "segments" in deployment.evaluate(run_later=True)
    assert "segments" not in deployment.evaluate()

    deployment.sync("customers", rows=3)
    assert "segments" in deployment.evaluate()  # Though its first run still waits.
    deployment.run_waiting()


def test_nothing_runs_as_long_as_dagsters_sensor_for_conditions_is_off(
    deployment: Automated,
) -> None:
    """As it is until somebody switches it on. What came meanwhile is found then."""
    with deployment.automation_off():
        deployment.sync("orders")
        assert deployment.evaluate() == []

    assert "last_order" in deployment.evaluate()
