"""`eager_on_new_rows` in one code location, its tables in another: the real daemons over two real
code servers, which are those of examples/automation."""

import pytest

from helpers.automated import Automated

pytestmark = pytest.mark.xdist_group("automation")


def test_a_sync_with_rows_runs_what_depends_on_its_table(deployment: Automated) -> None:
    deployment.sync("orders", rows=3)

    assert deployment.evaluate().count("revenue") == 1
    assert "revenue" not in deployment.evaluate()


def test_a_sync_without_rows_runs_nothing(deployment: Automated) -> None:
    deployment.sync("orders", rows=0)

    wanted = deployment.evaluate()

    assert "last_order" in wanted  # Which is eager.
    assert "revenue" not in wanted


@pytest.mark.parametrize("rows", [(3, 0), (0, 3, 3)])
def test_several_syncs_between_two_evaluations_run_it_once(
    deployment: Automated, rows: tuple[int, ...]
) -> None:
    for each in rows:
        deployment.sync("orders", rows=each)

    assert deployment.evaluate().count("revenue") == 1
    assert "revenue" not in deployment.evaluate()


def test_a_dependency_without_data_versions_runs_it_each_time(deployment: Automated) -> None:
    for _ in range(2):
        deployment.report_elsewhere("exchange_rates")
        assert deployment.evaluate() == ["revenue"]
        assert deployment.evaluate() == []


def test_rows_that_come_while_its_run_waits_run_it_once_more(deployment: Automated) -> None:
    deployment.sync("orders", rows=3)
    assert "revenue" in deployment.evaluate(run_later=True)
    deployment.evaluate(run_later=True)

    deployment.sync("orders", rows=3)
    deployment.sync("orders", rows=0)
    assert "revenue" not in deployment.evaluate(run_later=True)
    deployment.run_waiting()

    assert "revenue" in deployment.evaluate()
    assert "revenue" not in deployment.evaluate()


def test_rows_that_come_right_after_its_run_was_asked_for_run_it_once_more(
    deployment: Automated,
) -> None:
    deployment.sync("orders", rows=3)
    assert {"revenue", "last_order"} <= set(deployment.evaluate())

    deployment.sync("orders", rows=3)
    wanted = deployment.evaluate()
    assert "revenue" in wanted
    assert "last_order" not in wanted  # Which is eager, and forgets it.
    assert "revenue" not in deployment.evaluate()


def test_an_empty_sync_that_comes_while_its_run_waits_does_not(deployment: Automated) -> None:
    deployment.sync("orders", rows=3)
    assert "revenue" in deployment.evaluate(run_later=True)

    deployment.sync("orders", rows=0)
    deployment.evaluate(run_later=True)
    deployment.run_waiting()

    assert "revenue" not in deployment.evaluate()
