"""The check says the same, whether a run evaluates it or the sensor sends it."""

from collections.abc import Iterator, Sequence

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_definitions
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.deployment import Deployment

EMPTY = "Airbyte reports success but no row, and this stream is read in full each time"

Said = dict[str, tuple[bool, str | None, str]]


@pytest.fixture(params=[True, False], ids=["both APIs", "public API only"])
def airbyte(request: pytest.FixtureRequest) -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(configuration_api=request.param) as airbyte:
        yield airbyte


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def deployed_with_checks(airbyte: AirbyteSimulator, instance: dg.DagsterInstance) -> Deployment:
    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    deployment = Deployment(airbyte, workspace, build_airbyte_definitions(workspace), instance)
    deployment.tick()
    return deployment


def by_run(deployment: Deployment, *names: str) -> Said:
    """What a run says that evaluates these checks and nothing else."""
    checks = [dg.AssetCheckKey(dg.AssetKey(name), "airbyte_sync") for name in names]
    job = dg.define_asset_job("checks", dg.AssetSelection.checks(*checks))
    defs = dg.Definitions.merge(deployment.defs, dg.Definitions(jobs=[job]))
    result = defs.resolve_job_def("checks").execute_in_process(instance=deployment.instance)
    return said(result.get_asset_check_evaluations())


def by_sensor(deployment: Deployment) -> Said:
    events = deployment.tick().events
    return said([event for event in events if isinstance(event, dg.AssetCheckEvaluation)])


def said(checks: Sequence[dg.AssetCheckEvaluation]) -> Said:
    return {
        check.asset_key.to_user_string(): (check.passed, check.description, check.severity.value)
        for check in checks
    }


@pytest.fixture
def leads(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("crm", streams=["leads"])


def test_a_full_refresh_without_a_row_is_a_warning_in_both(
    airbyte: AirbyteSimulator, leads: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    deployment = deployed_with_checks(airbyte, instance)
    airbyte.run_sync(leads, rows=0)

    assert by_sensor(deployment) == {"leads": (False, EMPTY, "WARN")}
    assert by_run(deployment, "leads") == {"leads": (False, EMPTY, "WARN")}


def test_rows_are_counted_in_both(
    airbyte: AirbyteSimulator, leads: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    deployment = deployed_with_checks(airbyte, instance)
    airbyte.run_sync(leads, rows=7)

    assert by_sensor(deployment) == {"leads": (True, "7 rows synced", "ERROR")}
    assert by_run(deployment, "leads") == {"leads": (True, "7 rows synced", "ERROR")}


def test_one_check_alone_says_what_it_says_among_others(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders", "users"])
    deployment = deployed_with_checks(airbyte, instance)
    airbyte.run_sync(shop, rows={"orders": 0, "users": 7})

    reported = by_sensor(deployment)
    assert by_run(deployment, "orders", "users") == reported
    assert by_run(deployment, "orders") == {"orders": reported["orders"]}
