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
