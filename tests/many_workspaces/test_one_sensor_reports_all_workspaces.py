"""The sensor of an instance: each sync once, an idle tick one request, whatever comes or goes."""

import json
from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import build_airbyte_polling_sensor
from dagster_airbyte_sync.sensors.cursor.cursor import read_cursor
from dagster_airbyte_sync.sensors.cursor.workspaces_read import WorkspacesRead
from helpers.deployment import ClientsTime, Deployment, forget_clients
from helpers.workspaces import Company, paths, reported

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def deployment(company: Company, memory: dg.DagsterInstance) -> Deployment:
    deployment = company.deployed(memory)
    deployment.tick()
    return deployment


def sent(deployment: Deployment) -> list[str]:
    deployment.airbyte.forget_requests()
    deployment.tick()
    return paths(deployment.airbyte)


def keys_of(deployment: Deployment) -> list[str]:
    return sorted(key for key, _ in deployment.ticks[-1].materialized)


def test_syncs_of_all_workspaces_are_reported(either: Company, memory: dg.DagsterInstance) -> None:
    deployment = either.deployed(memory)
    jobs = [either.airbyte.run_sync(each) for each in (either.shop, either.books, either.desk)]
    tick = deployment.tick()
    assert sorted(tick.materialized) == sorted(
        [
            ("sales_eu/orders", jobs[0].job_id),
            ("sales_eu/users", jobs[0].job_id),
            ("finance/orders", jobs[1].job_id),
            ("finance/users", jobs[1].job_id),
            ("support/tickets", jobs[2].job_id),
        ]
    )
    assert deployment.tick().materialized == []


def test_an_idle_tick_is_one_request(either: Company, memory: dg.DagsterInstance) -> None:
    deployment = either.deployed(memory)
    either.airbyte.run_sync(either.books)
    deployment.tick()
    deployment.wait(10 * MINUTE)
    deployment.tick()
    answered = {each.request.path for each in either.airbyte.exchanges if each.status == 200}
    is_open = "/api/v1/jobs/list_for_workspaces" in answered
    # Where it is closed nobody knows whether refreshes are in the list.
    one = ["v1/jobs/list_for_workspaces"] if is_open else ["v1/jobs", "v1/jobs"]
    assert [sent(deployment) for _ in range(3)] == [one] * 3


def test_an_event_links_into_its_workspace(company: Company, deployment: Deployment) -> None:
    job = company.airbyte.run_sync(company.books)
    deployment.tick()
    entry = deployment.instance.get_latest_materialization_event(dg.AssetKey(["finance", "orders"]))
    made = entry and entry.asset_materialization
    assert made is not None
    link = made.metadata["dagster-airbyte/job_url"].value
    here = f"/workspaces/{company.finance.workspace_id}/connections/{company.books.connection_id}"
    assert here in str(link)
    assert str(job.job_id) in str(link)
    assert made.metadata["dagster-airbyte/workspace_name"].value == "Finance"


def test_links_cost_no_request(company: Company, deployment: Deployment) -> None:
    company.airbyte.run_sync(company.books)
    asked = sent(deployment)
    company.airbyte.run_sync(company.desk)
    again = sent(deployment)
    # Who started it is asked of its connection.
    assert {*asked, *again} == {"v1/jobs/list_for_workspaces", "v1/connections/events/list"}


def test_the_cursor_names_the_instance_and_no_workspace(
    company: Company, deployment: Deployment
) -> None:
    assert deployment.cursor is not None
    name = json.loads(deployment.cursor)["workspace"]
    assert name.startswith("instance-")
    read = read_cursor(deployment.cursor, name).workspaces
    here = frozenset(each.workspace_id[:8] for each in company.workspaces)
    assert read == WorkspacesRead(here, with_tables=here)


def test_a_list_with_one_more_goes_on_with_the_cursor(
    company: Company, memory: dg.DagsterInstance
) -> None:
    few = company.deployed(memory, company.instance_of([company.sales, company.support]))
    few.tick()
    job = company.airbyte.run_sync(company.books)
    company.airbyte.run_sync(company.shop)
    few.tick()
    few.wait(2 * MINUTE)
    all_of_them = company.deployed(memory, company.instance_of(company.workspaces))
    all_of_them.cursor, all_of_them.later = few.cursor, few.later
    tick = all_of_them.tick()
    assert tick.materialized == [
        ("finance/orders", job.job_id),
        ("finance/users", job.job_id),
    ]


def test_a_workspace_that_appears_is_reported_after_a_reload(
    company: Company, deployment: Deployment, memory: dg.DagsterInstance
) -> None:
    new = company.airbyte.add_workspace("Labs")
    lab = company.airbyte.add_connection("lab", ["samples"], workspace=new)
    deployment.tick()
    job = company.airbyte.run_sync(lab)
    assert deployment.tick().materialized == []
    # All others are read beyond it.
    deployment.wait(MINUTE)
    company.airbyte.run_sync(company.desk)
    deployment.tick()
    deployment.wait(6 * MINUTE)
    deployment.tick()
    forget_clients()
    reloaded = company.deployed(memory)
    reloaded.cursor, reloaded.later = deployment.cursor, deployment.later
    assert reloaded.tick().materialized == [("labs/samples", job.job_id)]
    assert reloaded.tick().materialized == []


def test_one_that_goes_away_stops_no_other(
    either: Company, memory: dg.DagsterInstance, caplog: pytest.LogCaptureFixture
) -> None:
    deployment = either.deployed(memory)
    deployment.tick()
    either.airbyte.hide_workspace(either.finance)
    job = either.airbyte.run_sync(either.desk)
    tick = deployment.tick()
    assert tick.materialized == [("support/tickets", job.job_id)]
    named = [each for each in caplog.messages if "'Finance'" in each and "not show" in each]
    assert len(named) == 1
    caplog.clear()
    for _ in range(3):
        deployment.tick()
    assert not [each for each in caplog.messages if "Finance" in each]


def test_its_list_is_read_once_and_not_at_each_tick(
    company: Company, deployment: Deployment
) -> None:
    company.airbyte.hide_workspace(company.finance)
    listing = "v1/jobs/list_for_workspaces"
    assert sent(deployment) == [listing, "v1/workspaces", listing]
    assert [sent(deployment) for _ in range(3)] == [[listing]] * 3


def test_one_that_comes_back_has_lost_nothing(
    either: Company, memory: dg.DagsterInstance, clients_time: ClientsTime
) -> None:
    deployment = either.deployed(memory)
    before = either.airbyte.run_sync(either.books)
    deployment.tick()
    # Nobody sees this one before the workspace is gone.
    jobs = [either.airbyte.run_sync(either.books)]
    deployment.wait(HOUR)
    either.airbyte.hide_workspace(either.finance)
    deployment.tick()
    for _ in range(3):
        deployment.wait(3 * DAY)
        jobs.append(either.airbyte.run_sync(either.books))
        either.airbyte.run_sync(either.desk)
        deployment.tick()
    either.airbyte.show_workspace(either.finance)
    assert deployment.tick().materialized == []
    clients_time.now += 600
    deployment.tick()
    deployment.tick()
    ids = [before.job_id, *(each.job_id for each in jobs)]
    assert reported(deployment, "finance/orders") == ids
    assert reported(deployment, "finance/users") == ids
    assert len(reported(deployment, "support/tickets")) == 3
    assert deployment.tick().materialized == []


def test_one_that_is_back_costs_no_more_requests(
    company: Company, deployment: Deployment, clients_time: ClientsTime
) -> None:
    company.airbyte.hide_workspace(company.finance)
    deployment.tick()
    company.airbyte.show_workspace(company.finance)
    clients_time.now += 600
    assert sorted(sent(deployment)) == ["v1/jobs/list_for_workspaces", "v1/workspaces"]
    clients_time.now += 600
    assert sent(deployment) == ["v1/jobs/list_for_workspaces"]


def test_a_cursor_that_is_lost_while_one_is_away_loses_nothing_of_it(
    company: Company, memory: dg.DagsterInstance, clients_time: ClientsTime
) -> None:
    deployment = company.deployed(memory)
    before = company.airbyte.run_sync(company.books)
    company.airbyte.run_sync(company.desk)
    deployment.tick()
    company.airbyte.hide_workspace(company.finance)
    deployment.tick()
    deployment.wait(2 * DAY)
    job = company.airbyte.run_sync(company.books)
    company.airbyte.run_sync(company.desk)
    deployment.cursor = None
    deployment.tick()
    deployment.wait(DAY)
    deployment.tick()
    company.airbyte.show_workspace(company.finance)
    clients_time.now += 600
    deployment.tick()
    assert reported(deployment, "finance/orders") == [before.job_id, job.job_id]
    assert len(reported(deployment, "support/tickets")) == 2


def test_a_deleted_workspace_ends_with_what_it_has_synced(
    company: Company, deployment: Deployment
) -> None:
    job = company.airbyte.run_sync(company.books)
    company.airbyte.delete_workspace(company.finance)
    deployment.tick()
    assert reported(deployment, "finance/orders") == [job.job_id]
    assert deployment.tick().materialized == []


def test_run_keys_and_tags_name_the_instance(company: Company, memory: dg.DagsterInstance) -> None:
    @dg.asset(deps=[dg.AssetKey(["finance", "orders"])])
    def revenue() -> None: ...

    down = dg.AssetSelection.assets("revenue")
    deployment = company.deployed(memory, None, revenue, downstream=down)
    deployment.tick()
    company.airbyte.run_sync(company.books)
    (request,) = deployment.tick().requests
    assert (request.run_key or "").startswith("airbyte:instance-")
    page = f"/workspaces/{company.finance.workspace_id}/"
    assert [value for value in request.tags.values() if page in value]


def test_shards_share_an_instance(company: Company, memory: dg.DagsterInstance) -> None:
    deployment = company.deployed(memory, shards=3)
    names = [each.name for each in deployment.defs.get_repository_def().sensor_defs]
    shards = [
        Deployment(company.airbyte, deployment.workspace, deployment.defs, memory, sensor=each)
        for each in names
    ]
    for shard in shards:
        shard.tick()
    jobs = [company.airbyte.run_sync(each) for each in (company.shop, company.books, company.desk)]
    for shard in shards:
        shard.tick()
    assert reported(deployment, "sales_eu/orders") == [jobs[0].job_id]
    assert reported(deployment, "finance/orders") == [jobs[1].job_id]
    assert reported(deployment, "support/tickets") == [jobs[2].job_id]


def test_all_gone_is_a_tick_that_fails(company: Company, deployment: Deployment) -> None:
    for workspace in company.workspaces:
        company.airbyte.hide_workspace(workspace)
    with pytest.raises(dg.DagsterError, match="shows these credentials no workspace"):
        deployment.tick()
    job = company.airbyte.run_sync(company.desk)
    for workspace in company.workspaces:
        company.airbyte.show_workspace(workspace)
    assert deployment.tick().materialized == [("support/tickets", job.job_id)]


def test_one_that_may_not_be_read_though_it_is_listed(
    either: Company, memory: dg.DagsterInstance
) -> None:
    deployment = either.deployed(memory)
    deployment.tick()
    either.airbyte.hide_workspace(either.finance, listed=True)
    job = either.airbyte.run_sync(either.desk)
    assert deployment.tick().materialized == [("support/tickets", job.job_id)]
    assert {path.partition("/list")[0] for path in sent(deployment)} == {"v1/jobs"}


def test_a_new_stream_is_reported_under_the_key_it_will_have(
    company: Company, deployment: Deployment
) -> None:
    company.airbyte.update_connection(company.desk, streams=["tickets", "agents"])
    job = company.airbyte.run_sync(company.desk)
    deployment.tick()
    assert reported(deployment, "support/agents") == [job.job_id]


def test_a_sensor_may_be_of_some_workspaces(company: Company, memory: dg.DagsterInstance) -> None:
    """By a selector, as a connection says whose it is."""
    resource = company.instance_of()
    sensor = build_airbyte_polling_sensor(
        workspace=resource,
        connection_selector_fn=lambda connection: connection.workspace_name == "Finance",
        name="finance",
    )
    built = company.deployed(memory, resource).defs
    defs = dg.Definitions.merge(built, dg.Definitions(sensors=[sensor]))
    deployment = Deployment(company.airbyte, resource, defs, memory, sensor="finance")
    deployment.tick()
    company.airbyte.run_sync(company.desk)
    job = company.airbyte.run_sync(company.books)
    deployment.tick()
    assert deployment.ticks[-1].materialized == [
        ("finance/orders", job.job_id),
        ("finance/users", job.job_id),
    ]
