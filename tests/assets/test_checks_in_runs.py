"""The checks say the same, whether a run evaluates them or the sensor does."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_definitions
from dagster_airbyte_sync.assets.checks.check_settings import CHECKS_OF_SYNCS
from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock, SimulatedConnection
from helpers.deployment import Deployment

EMPTY = "Airbyte reports success but no rows, although this stream is read in full each time"

Said = dict[str, tuple[str | None, str, dict[str, object]]]


@pytest.fixture(params=[True, False], ids=["both APIs", "public API only"])
def airbyte(request: pytest.FixtureRequest) -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(configuration_api=request.param) as airbyte:
        yield airbyte


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def deployed_with_checks(airbyte: AirbyteSimulator, instance: dg.DagsterInstance) -> Deployment:
    workspace = AirbyteWorkspace(**airbyte.workspace_config(), poll_interval=0.05)
    deployment = Deployment(airbyte, workspace, build_airbyte_definitions(workspace), instance)
    deployment.tick()
    return deployment


def by_run(deployment: Deployment, *names: str, checks: Sequence[str] = CHECKS_OF_SYNCS) -> Said:
    """What a run says that evaluates these tables' checks and nothing else."""
    asked = [dg.AssetCheckKey(dg.AssetKey(name), check) for name in names for check in checks]
    job = dg.define_asset_job("checks", dg.AssetSelection.checks(*asked))
    defs = dg.Definitions.merge(deployment.defs, dg.Definitions(jobs=[job]))
    result = defs.resolve_job_def("checks").execute_in_process(instance=deployment.instance)
    return said(result.get_asset_check_evaluations())


def by_sensor(deployment: Deployment) -> Said:
    events = deployment.tick().events
    return said([event for event in events if isinstance(event, dg.AssetCheckEvaluation)])


def said(checks: Sequence[dg.AssetCheckEvaluation]) -> Said:
    """Of each check its description, how bad it is, and its metadata."""
    return {
        f"{check.asset_key.to_user_string()}.{check.check_name.removeprefix('airbyte_')}": (
            check.description,
            "passed" if check.passed else check.severity.value,
            {key.rpartition("/")[2]: value.value for key, value in check.metadata.items()},
        )
        for check in checks
    }


def texts(said: Said) -> dict[str, tuple[str | None, str]]:
    return {name: (text, outcome) for name, (text, outcome, _) in said.items()}


@pytest.fixture
def leads(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("crm", streams=["leads"])


def test_a_full_refresh_without_a_row_is_a_warning_in_both(
    airbyte: AirbyteSimulator, leads: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    deployment = deployed_with_checks(airbyte, instance)
    airbyte.run_sync(leads, rows=0)

    reported = by_sensor(deployment)
    assert texts(reported)["leads.rows"] == (EMPTY, "WARN")
    assert texts(reported)["leads.sync"] == ("The sync succeeded", "passed")
    assert by_run(deployment, "leads") == reported


def test_a_failure_has_its_reason_its_link_and_since_when_they_fail_in_both(
    airbyte: AirbyteSimulator, leads: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    deployment = deployed_with_checks(airbyte, instance)
    first = airbyte.start_sync(leads)
    airbyte.fail(first, reason="password expired")
    *_, before = by_sensor(deployment)["leads.sync"]
    airbyte.advance(timedelta(hours=1))
    second = airbyte.start_sync(leads)
    airbyte.fail(second, reason="password expired")

    reported = by_sensor(deployment)
    text, outcome, metadata = reported["leads.sync"]
    assert (outcome, metadata["failures_in_a_row"]) == ("ERROR", "2")
    assert str(text).startswith("The sync failed: ")
    assert f"jobId={second.job_id}" in str(metadata["job_url"])
    assert metadata["failing_since"] == before["sync_ended_at"] == before["failing_since"]
    by_hand = by_run(deployment, "leads", checks=["airbyte_sync"])
    assert by_hand == reported


def test_a_table_that_was_never_synced_is_not_well(
    airbyte: AirbyteSimulator, leads: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    deployment = deployed_with_checks(airbyte, instance)
    never = ("Airbyte has not synced this connection yet", "WARN")

    assert texts(by_run(deployment, "leads")) == {"leads.sync": never, "leads.rows": never}


@pytest.mark.parametrize("end", ["failed", "cancelled", "cleared"])
def test_a_table_of_which_no_sync_succeeded_has_no_rows_to_count_in_both(
    airbyte: AirbyteSimulator, leads: SimulatedConnection, instance: dg.DagsterInstance, end: str
) -> None:
    deployment = deployed_with_checks(airbyte, instance)
    assert by_run(deployment, "leads", checks=["airbyte_rows"])
    if end == "cleared":
        airbyte.run_clear(leads)
    else:
        getattr(airbyte, {"failed": "fail", "cancelled": "cancel"}[end])(airbyte.start_sync(leads))

    reported = by_sensor(deployment)
    none = "This check has not seen a sync succeed yet, so there are no rows to count"
    assert texts(reported)["leads.rows"] == (none, "WARN")
    assert by_run(deployment, "leads") == reported


def test_what_was_counted_is_said_again_by_hand_however_many_syncs_fail(
    airbyte: AirbyteSimulator, leads: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    """Of a connection only the ten newest jobs are listed."""
    deployment = deployed_with_checks(airbyte, instance)
    airbyte.run_sync(leads, rows=7)
    counted = by_sensor(deployment)["leads.rows"]
    for _ in range(12):
        airbyte.advance(timedelta(minutes=1))
        airbyte.fail(airbyte.start_sync(leads))
    assert set(by_sensor(deployment)) == {"leads.sync"}

    assert by_run(deployment, "leads", checks=["airbyte_rows"]) == {"leads.rows": counted}


def test_a_cleared_table_is_empty_and_says_so_in_both(
    airbyte: AirbyteSimulator, leads: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    deployment = deployed_with_checks(airbyte, instance)
    airbyte.run_sync(leads, rows=7)
    usual = by_sensor(deployment)
    airbyte.advance(timedelta(minutes=1))
    airbyte.run_clear(leads)

    reported = by_sensor(deployment)
    cleared = ("The table was cleared: it is empty until the next sync", "WARN")
    assert texts(reported) == {"leads.sync": cleared}
    # What is said of rows is of the last sync that moved any.
    assert by_run(deployment, "leads") == {**usual, **reported}


def test_one_check_alone_says_what_it_says_among_others(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders", "users"])
    deployment = deployed_with_checks(airbyte, instance)
    airbyte.run_sync(shop, rows={"orders": 0, "users": 7})

    reported = by_sensor(deployment)
    assert by_run(deployment, "orders", "users") == reported
    assert by_run(deployment, "orders", checks=["airbyte_rows"]) == {
        "orders.rows": reported["orders.rows"]
    }


def test_tables_of_any_name_have_their_checks(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    names = ["Order Lines", "class", "order-lines", "order_lines", "ünïcode", "a" * 200]
    shop = airbyte.add_connection("shop", streams=names)
    deployment = deployed_with_checks(airbyte, instance)
    airbyte.run_sync(shop)

    reported = by_sensor(deployment)
    assert len(reported) == 2 * len(names)
    assert by_run(deployment, *names) == reported


def test_a_run_that_materializes_a_table_evaluates_its_checks_and_the_sensor_adds_none(
    instance: dg.DagsterInstance,
) -> None:
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        airbyte.add_connection("crm", streams=["leads"], sync_seconds=0.01)
        deployment = deployed_with_checks(airbyte, instance)
        result = deployment.materialize("leads")
        after = deployment.tick()

    found = said(result.get_asset_check_evaluations())
    assert {name: metadata["verdict"] for name, (_, _, metadata) in found.items()} == {
        "leads.sync": "succeeded",
        "leads.rows": "first",
    }
    assert all(metadata["triggered_by"] == "dagster" for _, _, metadata in found.values())
    assert after.events == []
