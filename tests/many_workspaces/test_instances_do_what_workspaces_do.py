"""What takes a workspace takes an instance: syncs, checks, schedules, snapshots, the component."""

import json
import logging
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteChecks,
    AirbyteError,
    AirbyteSettingsError,
    AirbyteWorkspace,
    WhenAll,
    build_airbyte_definitions,
    build_airbyte_refresh_job,
    build_airbyte_start_job,
    build_schedules_from_airbyte,
    load_airbyte_asset_specs,
    put_back_schedules,
    take_over_schedules,
)
from dagster_airbyte_sync.cli.snapshot import write_snapshot
from helpers.deployment import ClientsTime, Deployment, forget_clients
from helpers.queued import queued
from helpers.start_jobs import lines
from helpers.workspaces import Company, paths, reported


def materialized(deployment: Deployment, *keys: Sequence[str]) -> dg.ExecuteInProcessResult:
    job = deployment.defs.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(
        instance=deployment.instance,
        asset_selection=[dg.AssetKey(list(key)) for key in keys],
        raise_on_error=False,
    )


def link_of(deployment: Deployment, *key: str) -> str:
    entry = deployment.instance.get_latest_materialization_event(dg.AssetKey(list(key)))
    assert entry is not None
    assert entry.asset_materialization is not None
    return str(entry.asset_materialization.metadata["dagster-airbyte/job_url"].value)


def test_a_run_syncs_a_connection_of_any_workspace(
    live: Company, memory: dg.DagsterInstance
) -> None:
    deployment = live.deployed(memory)
    deployment.tick()
    result = materialized(deployment, ["finance", "orders"], ["finance", "users"])
    assert result.success
    (job,) = live.airbyte.jobs
    assert job.connection_id == live.books.connection_id
    assert reported(deployment, "finance/orders") == [job.job_id]
    assert f"/workspaces/{live.finance.workspace_id}/" in link_of(deployment, "finance", "orders")
    deployment.tick()
    assert reported(deployment, "finance/orders") == [job.job_id]


def test_a_job_starts_syncs_in_all_workspaces(company: Company, memory: dg.DagsterInstance) -> None:
    resource = company.instance_of()
    deployment = company.deployed(memory, resource)
    deployment.tick()
    start = build_airbyte_start_job(workspace=resource)
    # The run's process has not read any list.
    forget_clients()
    company.airbyte.forget_requests()
    result = start.execute_in_process(instance=memory, resources={"airbyte": resource})
    assert result.success
    assert {job.connection_id for job in company.airbyte.jobs} == {
        each.connection_id for each in (company.shop, company.books, company.desk)
    }
    # For a link nobody asks which workspace a connection is in.
    assert not [path for path in paths(company.airbyte) if path.startswith("v1/connections")]
    company.airbyte.advance(60)
    deployment.tick()
    assert len(reported(deployment, "support/tickets")) == 1


def test_syncs_of_all_workspaces_take_places_together(
    company: Company, memory: dg.DagsterInstance
) -> None:
    instance = company.instance_of(outage_timeout=0.2)
    queue = queued(company.airbyte, memory, workspace=instance, max_running=2)
    queue.run()
    queue.go_on()
    assert len(queue.running()) == 2
    assert "2 of 2 run in Airbyte; 1 waits" in str(queue.tick().summary)
    company.airbyte.advance(60)
    queue.go_on()
    started = {job.connection_id for job in company.airbyte.jobs}
    assert started == {each.connection_id for each in (company.shop, company.books, company.desk)}


def test_connections_of_one_name_are_told_apart_by_their_workspaces(
    company: Company, memory: dg.DagsterInstance
) -> None:
    """In the lines of ticks and of runs."""
    instance = company.instance_of(outage_timeout=0.2)
    queue = queued(company.airbyte, memory, workspace=instance, max_running=1)
    both = [company.shop.connection_id, company.books.connection_id]
    said = lines(memory, queue.run(config={"connections": both}).run_id)
    assert f"'Sales EU/shop' ({company.shop.connection_id}) waits" in said
    assert f"'Finance/shop' ({company.books.connection_id}) waits" in said
    queue.go_on()
    assert "1 waits: 'Finance/shop', since" in str(queue.tick().summary)


def test_a_tick_names_connections_with_their_workspaces(
    company: Company, memory: dg.DagsterInstance
) -> None:
    deployment = company.deployed(memory)
    deployment.tick()
    for connection in (company.shop, company.books):
        company.airbyte.run_sync(connection)
        deployment.wait(timedelta(seconds=1))
    summary = deployment.tick().summary or ""
    assert summary.startswith("Reported 2 syncs: Sales EU/shop, Finance/shop (4 tables).")


def test_a_refresh_is_of_the_connection_in_its_workspace(
    company: Company, memory: dg.DagsterInstance
) -> None:
    resource = company.instance_of()
    refresh = build_airbyte_refresh_job(workspace=resource, assets=["finance/orders"])
    result = refresh.execute_in_process(instance=memory, resources={"airbyte": resource})
    assert result.success
    (job,) = company.airbyte.jobs
    assert (job.type, job.connection_id) == ("refresh", company.books.connection_id)


def test_schedules_of_all_workspaces(company: Company) -> None:
    company.airbyte.update_connection(company.books, schedule={"cron": "0 0 2 * * ?"})
    company.airbyte.update_connection(company.desk, schedule={"cron": "0 0 3 * * ?"})
    schedules = build_schedules_from_airbyte(company.instance_of())
    assert len(list(schedules)) == 2


def test_schedules_are_taken_over_and_put_back(company: Company) -> None:
    company.airbyte.update_connection(company.books, schedule={"cron": "0 0 2 * * ?"})
    company.airbyte.update_connection(company.desk, schedule={"cron": "0 0 3 * * ?"})
    taken = take_over_schedules(company.instance_of())
    places = {each.workspace_id for each in taken.schedules.values()}
    assert places == {company.finance.workspace_id, company.support.workspace_id}
    assert company.books.schedule.cron is None
    few = company.instance_of([company.support])
    with pytest.raises(AirbyteSettingsError, match=company.finance.workspace_id):
        put_back_schedules(few, taken)
    put_back_schedules(company.instance_of(), taken)
    assert company.books.schedule.cron == "0 0 2 * * ?"


def test_checks_by_hand_link_into_the_workspace(
    company: Company, memory: dg.DagsterInstance
) -> None:
    deployment = company.deployed(memory, checks=True)
    company.airbyte.run_sync(company.books)
    deployment.tick()
    job = deployment.defs.resolve_implicit_global_asset_job_def()
    key = dg.AssetKey(["finance", "orders"])
    result = job.get_subset(
        asset_check_selection={dg.AssetCheckKey(key, "airbyte_sync")}, asset_selection=set()
    ).execute_in_process(instance=memory)
    (said,) = result.get_asset_check_evaluations()
    assert said.passed
    assert f"/workspaces/{company.finance.workspace_id}/" in str(
        said.metadata["dagster-airbyte/job_url"].value
    )


def test_connections_of_a_workspace_that_is_away_are_not_called_deleted(
    company: Company, memory: dg.DagsterInstance
) -> None:
    deployment = company.deployed(memory, checks=AirbyteChecks(connection=True))
    company.airbyte.hide_workspace(company.finance)
    tick = deployment.tick()
    said = {
        event.asset_key.to_user_string(): event.passed
        for event in tick.events
        if isinstance(event, dg.AssetCheckEvaluation) and event.check_name == "airbyte_connection"
    }
    assert set(said) == {"sales_eu/orders", "sales_eu/users", "support/tickets"}


def test_a_check_by_hand_of_what_may_not_be_read_says_so(
    company: Company, memory: dg.DagsterInstance
) -> None:
    deployment = company.deployed(memory, checks=AirbyteChecks(connection=True))
    company.airbyte.hide_workspace(company.finance)
    job = deployment.defs.resolve_implicit_global_asset_job_def()
    check = dg.AssetCheckKey(dg.AssetKey(["finance", "orders"]), "airbyte_connection")
    run = job.get_subset(asset_check_selection={check}, asset_selection=set())
    with pytest.raises(AirbyteError, match="nothing of its workspace"):
        run.execute_in_process(instance=memory)


def test_a_look_at_all_connections_is_a_request_a_workspace(
    company: Company, memory: dg.DagsterInstance
) -> None:
    deployment = company.deployed(memory, checks=AirbyteChecks(connection=True))
    deployment.tick()
    company.airbyte.forget_requests()
    deployment.later = deployment.later.__class__(minutes=6)
    deployment.tick()
    asked = paths(company.airbyte)
    assert asked.count("v1/connections/list") == 3
    assert len(asked) <= 6


def test_a_trigger_over_connections_of_several_workspaces(
    company: Company, memory: dg.DagsterInstance
) -> None:
    @dg.asset(
        deps=[dg.AssetKey(["finance", "orders"]), dg.AssetKey(["support", "tickets"])],
    )
    def report() -> None: ...

    ids = [company.books.connection_id, company.desk.connection_id]
    trigger = WhenAll("nightly", members=ids, downstream=dg.AssetSelection.assets("report"))
    deployment = company.deployed(memory, None, report, when_all=[trigger])
    deployment.tick()
    sensor = next(
        each.name
        for each in deployment.defs.get_repository_def().sensor_defs
        if "nightly" in each.name
    )
    second = Deployment(
        company.airbyte, deployment.workspace, deployment.defs, memory, sensor=sensor
    )
    second.tick()
    for connection in (company.books, company.desk):
        company.airbyte.run_sync(connection)
    deployment.tick()
    (request,) = second.tick().requests
    assert "when_all:instance-" in (request.run_key or "")
    assert any(company.support.workspace_id in value for value in request.tags.values())


def test_a_failure_names_a_job_in_its_workspace(
    company: Company, memory: dg.DagsterInstance
) -> None:
    @dg.op
    def tell() -> None: ...

    @dg.job
    def alert() -> None:
        tell()

    deployment = company.deployed(memory, on_failure=alert)
    deployment.sensor = "airbyte_failure_sensor"
    deployment.tick()
    job = company.airbyte.start_sync(company.books)
    company.airbyte.fail(job)
    (request,) = deployment.tick().requests
    assert (request.run_key or "").startswith("airbyte:instance-")
    link = request.tags["dagster-airbyte/job_url"]
    assert f"/workspaces/{company.finance.workspace_id}/" in link


def test_a_snapshot_loads_without_airbyte(company: Company, tmp_path: Path) -> None:
    file, resource = tmp_path / "airbyte.json", company.instance_of()
    said = write_snapshot(resource, file)
    assert "'Finance', 'Sales EU', 'Support'" in said
    live = load_airbyte_asset_specs(resource)
    company.airbyte.forget_requests()
    kept = load_airbyte_asset_specs(resource, snapshot=file)
    assert {each.key: each.group_name for each in kept} == {
        each.key: each.group_name for each in live
    }
    few = load_airbyte_asset_specs(company.instance_of([company.finance]), snapshot=file)
    assert {each.key.path[0] for each in few} == {"finance"}
    assert paths(company.airbyte) == []


def test_a_snapshot_of_one_workspace_is_none_of_an_instance(
    company: Company, tmp_path: Path
) -> None:
    one = AirbyteWorkspace(**company.airbyte.workspace_config())
    write_snapshot(one, tmp_path / "one.json")
    write_snapshot(company.instance_of(), tmp_path / "all.json")
    with pytest.raises(AirbyteSettingsError, match="alone"):
        load_airbyte_asset_specs(company.instance_of(), snapshot=tmp_path / "one.json")
    with pytest.raises(AirbyteSettingsError, match="'Finance', 'Sales EU', 'Support'"):
        load_airbyte_asset_specs(one, snapshot=tmp_path / "all.json")


def test_a_snapshot_is_not_replaced_by_one_without_a_workspace_of_the_list(
    company: Company, tmp_path: Path, clients_time: ClientsTime
) -> None:
    file, resource = tmp_path / "airbyte.json", company.instance_of(company.workspaces)
    write_snapshot(resource, file)
    company.airbyte.hide_workspace(company.finance)
    clients_time.now += 1_000
    with pytest.raises(AirbyteSettingsError, match="lacks the 1 connections"):
        write_snapshot(resource, file)


def test_partial_syncs_ask_in_the_right_workspace(
    company: Company, memory: dg.DagsterInstance
) -> None:
    resource = company.instance_of(partial_success=True)
    deployment = company.deployed(memory, resource)
    deployment.tick()
    job = company.airbyte.start_sync(company.books)
    company.airbyte.fail(job, completed=["orders"])
    deployment.tick()
    asked = [
        each.body
        for each in company.airbyte.requests
        if each.path.endswith("/stream_statuses/list")
    ]
    assert {body["workspaceId"] for body in asked if body} == {company.finance.workspace_id}
    assert reported(deployment, "finance/orders") == [job.job_id]


def test_definitions_of_an_instance_without_connections_load(
    company: Company, caplog: pytest.LogCaptureFixture
) -> None:
    empty = company.airbyte.add_workspace("Empty")
    with caplog.at_level(logging.WARNING):
        build_airbyte_definitions(company.instance_of([empty]))
    assert [each for each in caplog.messages if "no connections in the Airbyte work" in each]


def test_a_record_of_taken_schedules_names_workspaces(company: Company) -> None:
    company.airbyte.update_connection(company.books, schedule={"cron": "0 0 2 * * ?"})
    taken = take_over_schedules(company.instance_of())
    assert json.loads(taken.text)["workspace_id"] == company.finance.workspace_id
