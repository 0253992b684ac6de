"""Conditions on a table's checks do not wait for an evaluation that says nothing new.

By Dagster's public way to evaluate them, with the events that the sensor really reports.
"""

from collections.abc import Iterator

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.deployment import deployed

ALL_PASSED = dg.AutomationCondition.all_deps_match(
    dg.AutomationCondition.all_checks_match(dg.AutomationCondition.check_passed())
)


@dg.asset(
    deps=["orders"],
    automation_condition=dg.AutomationCondition.any_deps_updated() & ALL_PASSED,
)
def report() -> None: ...


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        yield airbyte


def test_what_follows_passed_checks_runs_after_each_good_sync(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deployed(airbyte, instance, report, checks=True)
    cursor = None

    def wanted() -> int:
        nonlocal cursor
        result = dg.evaluate_automation_conditions(
            deployment.defs, instance, cursor=cursor, evaluation_time=airbyte.now
        )
        cursor = result.cursor
        return result.get_num_requested(dg.AssetKey("report"))

    seen = []
    wanted()
    for rows in (5, 5, 5, 5, 0, 5):
        airbyte.run_sync(shop, rows=rows)
        seen.append((len(deployment.tick().events), wanted()))

    # With the second and third sync no evaluation is stored: they say nothing new.
    assert [wanted for _, wanted in seen] == [1, 1, 1, 1, 0, 1]
    assert [stored for stored, _ in seen[:3]] == [3, 1, 1]
