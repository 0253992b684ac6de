"""Workspaces of which definitions have no tables: as they were loaded while these were away, or as
the user wrote the assets."""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import build_airbyte_polling_sensor
from dagster_airbyte_sync.testing import Fault
from helpers.deployment import ClientsTime, Deployment, forget_clients
from helpers.workspaces import Company, paths, reported

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LACKS = "Definitions have no tables of the workspace 'Finance'"


@pytest.fixture(autouse=True)
def fresh_clients() -> Iterator[None]:
    forget_clients()
    yield
    forget_clients()


def loaded_again(company: Company, before: Deployment) -> Deployment:
    """In a new code server."""
    forget_clients()
    after = company.deployed(before.instance)
    after.cursor, after.later = before.cursor, before.later
    forget_clients()
    return after


def loaded_without_finance(company: Company, before: Deployment) -> Deployment:
    """As no tick saw that it was away: a snapshot, or a component's state, is older than its
    deployment."""
    company.airbyte.hide_workspace(company.finance)
    after = loaded_again(company, before)
    company.airbyte.show_workspace(company.finance)
    return after


def test_what_definitions_lack_waits_until_they_have_it(
    company: Company, memory: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    first = company.deployed(memory)
    first.tick()
    jobs = [company.airbyte.run_sync(company.books)]
    first.tick()
    jobs.append(company.airbyte.run_sync(company.books))
    without = loaded_without_finance(company, first)
    without.tick()
    for _ in range(3):
        jobs.append(company.airbyte.run_sync(company.books))
        company.airbyte.run_sync(company.desk)
        without.wait(HOUR)
        without.tick()
    assert capsys.readouterr().err.count(LACKS) == 1
    again = loaded_again(company, without)
    again.tick()
    jobs.append(company.airbyte.run_sync(company.books))
    again.tick()
    assert reported(again, "finance/orders") == [each.job_id for each in jobs]
    assert len(reported(again, "support/tickets")) == 3
    assert again.tick().materialized == []


def test_what_is_not_loaded_again_is_let_go_after_a_month(
    company: Company, memory: dg.DagsterInstance
) -> None:
    """Else what the user left out on purpose would wait for ever."""
    first = company.deployed(memory)
    first.tick()
    without = loaded_without_finance(company, first)
    without.tick()
    without.wait(31 * DAY)
    without.tick()
    without.wait(HOUR)
    old = company.airbyte.run_sync(company.books)
    company.airbyte.run_sync(company.desk)
    without.tick()
    without.wait(HOUR)
    without.tick()
    again = loaded_again(company, without)
    job = company.airbyte.run_sync(company.books)
    again.tick()
    assert old.job_id not in reported(again, "finance/orders")
    assert reported(again, "finance/orders") == [job.job_id]


def by_hand(company: Company, memory: dg.DagsterInstance) -> Deployment:
    """Assets that the user wrote, with the keys that ours would have."""
    company.airbyte.add_connection("till", ["bills"], workspace=company.finance, sync_seconds=10)
    resource = company.instance_of()
    sensor = build_airbyte_polling_sensor(workspace=resource)
    names = ["sales_eu/orders", "finance/orders", "finance/bills", "support/tickets"]
    defs = dg.Definitions(
        assets=[dg.AssetSpec(name.split("/")) for name in names],
        sensors=[sensor],
        resources={"airbyte": resource},
    )
    return Deployment(company.airbyte, resource, defs, memory, sensor=sensor.name)


def test_assets_of_the_user_are_read_on_when_their_workspace_is_back(
    company: Company, memory: dg.DagsterInstance, clients_time: ClientsTime
) -> None:
    deployment = by_hand(company, memory)
    deployment.tick()
    jobs = [company.airbyte.run_sync(company.books)]
    deployment.tick()
    company.airbyte.hide_workspace(company.finance)
    deployment.tick()
    jobs.append(company.airbyte.run_sync(company.books))
    for _ in range(2):
        deployment.wait(HOUR)
        company.airbyte.run_sync(company.desk)
        deployment.tick()
    company.airbyte.show_workspace(company.finance)
    clients_time.now += 600
    deployment.tick()
    jobs.append(company.airbyte.run_sync(company.books))
    deployment.tick()
    assert reported(deployment, "finance/orders") == [each.job_id for each in jobs]
    assert len(reported(deployment, "support/tickets")) == 2


def test_and_beside_assets_of_this_package(
    company: Company, memory: dg.DagsterInstance, clients_time: ClientsTime
) -> None:
    till = company.airbyte.add_connection("till", ["bills"], workspace=company.finance)
    mine = dg.AssetsDefinition(specs=[dg.AssetSpec(["finance", "bills"])])
    deployment = company.deployed(
        memory, None, mine, connection_selector_fn=lambda each: each.name != "till"
    )
    # The sensor reports what no selector of its own leaves out.
    sensor = build_airbyte_polling_sensor(workspace=company.instance_of(), name="of_all")
    deployment.defs = dg.Definitions.merge(deployment.defs, dg.Definitions(sensors=[sensor]))
    deployment.sensor = "of_all"
    deployment.tick()
    company.airbyte.hide_workspace(company.finance)
    deployment.tick()
    job = company.airbyte.run_sync(till)
    deployment.wait(HOUR)
    company.airbyte.run_sync(company.desk)
    deployment.tick()
    company.airbyte.show_workspace(company.finance)
    clients_time.now += 600
    deployment.tick()
    assert reported(deployment, "finance/bills") == [job.job_id]


def test_one_that_is_back_waits_until_its_connections_are_known(
    company: Company, memory: dg.DagsterInstance, clients_time: ClientsTime
) -> None:
    deployment = by_hand(company, memory)
    deployment.tick()
    company.airbyte.hide_workspace(company.finance)
    deployment.tick()
    job = company.airbyte.run_sync(company.books)
    deployment.wait(HOUR)
    desk = company.airbyte.run_sync(company.desk)
    deployment.tick()
    company.airbyte.show_workspace(company.finance)
    clients_time.now += 600
    company.airbyte.add_fault(Fault.status(422), path="/connections/list", times=None)
    deployment.tick()
    assert reported(deployment, "support/tickets") == [desk.job_id]
    company.airbyte.clear_faults()
    deployment.tick()
    assert reported(deployment, "finance/orders") == [job.job_id]


def listings(deployment: Deployment, clients_time: ClientsTime) -> int:
    """How often the list of workspaces is read within an hour."""
    deployment.airbyte.forget_requests()
    for _ in range(6):
        deployment.wait(10 * MINUTE)
        clients_time.now += 600
        deployment.tick()
    return paths(deployment.airbyte).count("v1/workspaces")


def test_nobody_looks_for_what_cannot_come_back(
    company: Company, memory: dg.DagsterInstance, clients_time: ClientsTime
) -> None:
    first = company.deployed(memory)
    first.tick()
    few = company.deployed(memory, company.instance_of([company.sales, company.support]))
    few.cursor, few.later = first.cursor, first.later
    few.tick()
    assert listings(few, clients_time) == 0
    without = loaded_without_finance(company, first)
    with ClientsTime().of_all_clients() as time:
        without.tick()
        assert listings(without, time) == 0


def test_the_log_says_why_a_workspace_is_not_read(
    company: Company, memory: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    first = company.deployed(memory)
    first.tick()
    few = company.deployed(memory, company.instance_of([company.sales, company.support]))
    few.cursor, few.later = first.cursor, first.later
    few.tick()
    said = capsys.readouterr().err
    # Nothing says its name: neither the settings nor the definitions have it.
    short = company.finance.workspace_id[:8]
    assert f"No longer in workspace_ids: {short}..." in said
    assert "deleted" not in said


def test_a_workspace_that_appears_is_named(
    company: Company, memory: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment = company.deployed(memory)
    deployment.tick()
    company.airbyte.add_workspace("Labs")
    forget_clients()
    deployment.tick()
    deployment.tick()
    said = capsys.readouterr().err
    assert said.count("Airbyte shows a new workspace 'Labs'") == 1
    assert "when you reload the code location" in said


def test_how_many_wait_is_said_in_words(
    company: Company,
    memory: dg.DagsterInstance,
    clients_time: ClientsTime,
    capsys: pytest.CaptureFixture[str],
) -> None:
    deployment = company.deployed(memory)
    deployment.tick()
    company.airbyte.hide_workspace(company.finance)
    deployment.tick()
    company.airbyte.show_workspace(company.finance)
    clients_time.now += 600
    deployment.tick()
    assert "1 connection of it waits" in capsys.readouterr().err
