"""Jobs that start refreshes or clears and end; the sensor reports how they went."""

from collections.abc import Callable, Mapping, Sequence

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    build_airbyte_assets_definitions,
    build_airbyte_clear_job,
    build_airbyte_refresh_job,
    build_airbyte_start_job,
    load_airbyte_asset_specs,
)
from dagster_airbyte_sync.assets.asked import sent_before as sent_before_module
from dagster_airbyte_sync.assets.event_log.sync_claim import ClaimStatus, SyncClaim
from dagster_airbyte_sync.assets.start_jobs.selection import chosen_tables
from dagster_airbyte_sync.assets.start_jobs.start_job import start_all
from dagster_airbyte_sync.assets.sync import start as start_module
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import group_by_connection
from dagster_airbyte_sync.resources import JobRequest, JobType
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    RecordedRequest,
    SimulatedConnection,
)
from helpers.dagster_reads import reads_of
from helpers.deployment import Deployment, deployed
from helpers.refreshes import CLEAR, JOBS, REFRESH, clear_of, noted, refresh_of, sent
from helpers.start_jobs import failure_of, finish_all, lines, shown

SHOP = ["orders", "users"]
Build = Callable[..., dg.JobDefinition]
BOTH = pytest.mark.parametrize("build", [build_airbyte_refresh_job, build_airbyte_clear_job])


@pytest.fixture
def crm(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("crm", streams=["leads"])


@pytest.fixture
def deployment(
    airbyte: AirbyteSimulator,
    crm: SimulatedConnection,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
) -> Deployment:
    return deployed(airbyte, instance, checks=True, minimum_interval_seconds=1)


def start(
    deployment: Deployment,
    build: Build,
    *,
    config: Mapping[str, object] | None = None,
    **options: object,
) -> dg.ExecuteInProcessResult:
    job = build(workspace=deployment.workspace, **options)
    (op,) = job.graph.node_dict
    return job.execute_in_process(
        instance=deployment.instance,
        resources={"airbyte": deployment.workspace},
        run_config={"ops": {op: {"config": config}}} if config else None,
        raise_on_error=False,
    )


def confirmed(build: Build) -> dict[str, object]:
    return {"confirm": True} if build is build_airbyte_clear_job else {}


def test_a_refresh_job_ends_at_once_and_the_sensor_reports_with_the_run_that_asked(
    airbyte: AirbyteSimulator, deployment: Deployment
) -> None:
    deployment.tick()
    result = start(deployment, build_airbyte_refresh_job)

    assert result.success
    assert sent(airbyte) == [(REFRESH, {"refreshMode": "Merge"})] * 2
    assert [job.is_finished for job in airbyte.jobs] == [False, False]
    airbyte.advance(600)
    deployment.tick()
    deployment.tick()
    by_table = deployment.reported_all([*SHOP, "leads"])
    assert {name: len(each) for name, each in by_table.items()} == dict.fromkeys(by_table, 1)
    for name in SHOP:
        assert shown(deployment, name)[keys.JOB_TYPE] == "refresh"
        assert shown(deployment, name)[keys.STARTED_BY_RUN] == result.run_id


def test_a_clear_job_ends_at_once_and_the_sensor_notes_it(
    airbyte: AirbyteSimulator, deployment: Deployment
) -> None:
    deployment.tick()
    result = start(deployment, build_airbyte_clear_job, assets=SHOP, config={"confirm": True})
    airbyte.advance(600)
    events = deployment.tick().events
    deployment.tick()

    assert (result.success, sent(airbyte)) == (True, [(CLEAR, {})])
    assert {name: noted(deployment, name) for name in SHOP} == {
        name: [("clear", 1)] for name in SHOP
    }
    assert deployment.reported_all(SHOP) == {name: [] for name in SHOP}
    (orders, users) = (each for each in events if isinstance(each, dg.AssetObservation))
    for each in (orders, users):
        assert each.metadata[keys.STARTED_BY_RUN].value == result.run_id
        assert each.metadata[keys.TRIGGERED_BY].value == "dagster"


def as_names(deployment: Deployment) -> Sequence[str]:
    return ["users"]


def as_a_selection(deployment: Deployment) -> dg.AssetSelection:
    return dg.AssetSelection.assets("users")


def as_specs(deployment: Deployment) -> list[dg.AssetSpec]:
    specs = load_airbyte_asset_specs(deployment.workspace)
    return [spec for spec in specs if spec.key == dg.AssetKey("users")]


@BOTH
@pytest.mark.parametrize("named", [as_names, as_a_selection, as_specs])
def test_assets_that_are_some_tables_of_a_connection_mean_these_streams(
    airbyte: AirbyteSimulator,
    deployment: Deployment,
    build: Build,
    named: Callable[[Deployment], object],
) -> None:
    result = start(deployment, build, assets=named(deployment), config=confirmed(build))
    assert result.success
    ((_, said),) = sent(airbyte)
    assert said["streams"] == [{"streamName": "users"}]


@BOTH
def test_all_tables_of_a_connection_are_the_whole_connection(
    airbyte: AirbyteSimulator, deployment: Deployment, build: Build
) -> None:
    assets = build_airbyte_assets_definitions(workspace=deployment.workspace)
    start(deployment, build, assets=[*assets], config=confirmed(build))
    assert all("streams" not in said for _, said in sent(airbyte))
    assert len(sent(airbyte)) == 2


@BOTH
def test_a_selector_chooses_connections(
    airbyte: AirbyteSimulator, deployment: Deployment, build: Build
) -> None:
    chosen = lambda connection: connection.name == "crm"  # noqa: E731
    start(deployment, build, connection_selector_fn=chosen, config=confirmed(build))
    assert [airbyte.jobs[0].connection_id] == [airbyte.connection("crm").connection_id]
    assert len(airbyte.jobs) == 1


@pytest.mark.parametrize(
    ("build", "config", "needed"),
    [
        (
            build_airbyte_refresh_job,
            {"keep_records": False},
            "  refresh_airbyte_op:\n    config:\n      keep_records: false\n      confirm: true",
        ),
        (build_airbyte_clear_job, {}, "  clear_airbyte_op:\n    config:\n      confirm: true"),
    ],
)
def test_what_removes_rows_must_be_confirmed_and_all_of_it_is_listed(
    airbyte: AirbyteSimulator,
    deployment: Deployment,
    build: Build,
    config: dict[str, object],
    needed: str,
) -> None:
    result = start(deployment, build, assets=["users", "leads"], config=config)
    shop, crm = (airbyte.connection(name).connection_id for name in ("shop", "crm"))

    said = failure_of(result)
    assert "was not confirmed, so nothing was sent to Airbyte" in said
    assert f"'shop' ({shop}): users" in said
    assert f"'crm' ({crm}): all of its streams (leads)" in said
    assert said.endswith(f"ops:\n{needed}")
    assert airbyte.jobs == []
    assert start(deployment, build, assets=["users"], config={**config, "confirm": True}).success


def test_a_refresh_in_the_place_of_the_rows_is_sent_as_such(
    airbyte: AirbyteSimulator, deployment: Deployment
) -> None:
    config = {"keep_records": False, "confirm": True}
    start(deployment, build_airbyte_refresh_job, assets=["leads"], config=config)
    assert sent(airbyte) == [(REFRESH, {"refreshMode": "Truncate"})]


@BOTH
def test_what_is_busy_fails_the_run_and_keeps_no_other_from_it(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment, build: Build
) -> None:
    """Unlike a sync, it is not done by what runs."""
    running = airbyte.begin(airbyte.start_sync(shop))
    result = start(deployment, build, config=confirmed(build))

    noun = "refreshes" if build is build_airbyte_refresh_job else "clears"
    assert failure_of(result).startswith(f"1 of 2 {noun} not started. 'shop'")
    assert f"Airbyte job {running.job_id} is running, see http" in failure_of(result)
    assert (len(sent(airbyte)), running.status) == (1, "running")


def test_a_destination_that_is_too_old_is_named_and_keeps_no_other_from_it(
    airbyte: AirbyteSimulator, deployment: Deployment
) -> None:
    old = airbyte.add_destination("old lake", supports_refreshes=False)
    airbyte.update_connection(airbyte.connection("crm"), destination=old)
    result = start(deployment, build_airbyte_refresh_job)
    assert "The destination 'old lake' does not support refreshes" in failure_of(result)
    assert [job.connection_id for job in airbyte.jobs] == [airbyte.connection("shop").connection_id]


def test_a_refresh_that_airbyte_stores_is_no_failure_and_comes_by_itself(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    def sync_first(request: RecordedRequest) -> None:
        if request.path == REFRESH and not airbyte.jobs:
            airbyte.start_sync(shop, unattended=True)

    airbyte.on_request(sync_first)
    result = start(deployment, build_airbyte_refresh_job, assets=SHOP)

    assert result.success
    assert "Airbyte postponed the refresh" in lines(deployment.instance, result.run_id)
    deployment.tick()
    airbyte.advance(600)
    deployment.tick()
    assert deployment.reported("orders") == [1]


def test_a_job_that_starts_syncs_names_the_clear_that_came_in_their_place(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    airbyte.store_clear(shop)
    result = start(deployment, build_airbyte_start_job, assets=SHOP)

    assert "Airbyte had postponed a clear, and ran that instead of the sync" in failure_of(result)
    assert sent(airbyte) == [(JOBS, {"jobType": "sync"})]
    airbyte.advance(600)
    deployment.tick()
    assert (deployment.reported("orders"), noted(deployment, "orders")) == ([], [("clear", 1)])


def test_a_job_that_starts_syncs_starts_the_refresh_that_is_stored(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    airbyte.store_refresh(shop, ["orders"])
    result = start(deployment, build_airbyte_start_job, assets=SHOP)
    finish_all_in(airbyte)
    deployment.tick()
    assert result.success
    assert shown(deployment, "orders")[keys.STARTED_BY_RUN] == result.run_id


def finish_all_in(airbyte: AirbyteSimulator) -> None:
    airbyte.advance(600)
    finish_all(airbyte)


@BOTH
def test_where_the_configuration_api_is_closed_a_clear_of_whole_connections_works(
    instance: dg.DagsterInstance, build: Build
) -> None:
    with AirbyteSimulator(configuration_api=False) as airbyte:
        airbyte.add_connection("shop", streams=SHOP)
        deployment = deployed(airbyte, instance)
        result = start(deployment, build, config=confirmed(build))
        part = start(deployment, build, assets=["users"], config=confirmed(build))
    assert result.success is (build is build_airbyte_clear_job)
    assert not part.success
    assert len(airbyte.jobs) == int(result.success)
    if not result.success:
        assert "Airbyte's public API cannot start a refresh" in failure_of(result)


# Tries after the first


@pytest.mark.parametrize("ask", [refresh_of, clear_of])
@pytest.mark.parametrize("has_claimed", [True, False], ids=["claimed", "died before it could"])
def test_a_second_try_sends_nothing_again(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deployment: Deployment,
    ask: Callable[[SimulatedConnection], JobRequest],
    has_claimed: bool,
) -> None:
    request, workspace = ask(shop), deployment.workspace
    groups = group_by_connection(chosen_tables(workspace, assets=SHOP))

    @dg.op(retry_policy=dg.RetryPolicy(max_retries=1))
    def start_one(context: dg.OpExecutionContext) -> None:
        if context.retry_number == 0:
            starting = SyncClaim(ClaimStatus.STARTING, shop.connection_id)
            context.log_event(starting.to_observation(dg.AssetKey("users")))
            job = workspace.get_client().start(request, "configuration")
            assert job is not None
            claim = SyncClaim.of_job(job, started=True)
            for name in SHOP if has_claimed else ():
                context.log_event(claim.to_observation(dg.AssetKey(name)))
            raise RuntimeError("The process is gone")
        start_all(context, workspace, groups, {shop.connection_id: request})

    @dg.job(tags={keys.STARTS_SYNCS_TAG: "true"})
    def starts() -> None:
        start_one()

    result = starts.execute_in_process(instance=deployment.instance)

    assert result.success
    assert len(sent(airbyte)) == len(airbyte.jobs) == 1
    deployment.tick()
    airbyte.advance(600)
    deployment.tick()
    expected = ([1], []) if ask is refresh_of else ([], [("clear", 1)])
    assert (deployment.reported("users"), noted(deployment, "users")) == expected


def tried_twice(
    deployment: Deployment,
    shop: SimulatedConnection,
    request: JobRequest,
    between: Callable[[], object] = lambda: None,
) -> dg.ExecuteInProcessResult:
    """A job whose step fails after all that it has done, and is tried once more; `between` happens
    before that."""
    workspace = deployment.workspace
    groups = group_by_connection(chosen_tables(workspace, assets=SHOP))

    @dg.op(retry_policy=dg.RetryPolicy(max_retries=1))
    def start_one(context: dg.OpExecutionContext) -> None:
        if context.retry_number:
            between()
        start_all(context, workspace, groups, {shop.connection_id: request})
        if context.retry_number == 0:
            raise RuntimeError("The process is gone")

    @dg.job(tags={keys.STARTS_SYNCS_TAG: "true"})
    def starts() -> None:
        start_one()

    return starts.execute_in_process(instance=deployment.instance, raise_on_error=False)


def test_a_second_try_does_not_send_what_airbyte_has_stored(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    began = False

    def begin(request: RecordedRequest) -> None:
        nonlocal began
        if request.path == REFRESH and not began:
            began = True
            airbyte.begin(airbyte.start_sync(shop))

    airbyte.on_request(begin)
    result = tried_twice(deployment, shop, refresh_of(shop))

    assert result.success
    assert len(sent(airbyte)) == 1
    said = lines(deployment.instance, result.run_id)
    assert "Airbyte postponed the refresh of an earlier try" in said


@pytest.mark.parametrize("has_ended", [True, False], ids=["ended", "running"])
def test_nor_does_it_where_airbyte_did_a_stored_clear_first(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deployment: Deployment,
    monkeypatch: pytest.MonkeyPatch,
    has_ended: bool,
) -> None:
    """The refresh is stored behind the clear, and comes by itself."""
    monkeypatch.setattr(start_module, "_LOOK_FOR", 0.0)
    monkeypatch.setattr(start_module, "_LOOK_EVERY", 0.0)
    monkeypatch.setattr(start_module, "_ASK_WHO_EVERY", 0.0)
    airbyte.store_clear(shop, ["orders"])

    def between() -> None:
        if has_ended:
            airbyte.succeed(airbyte.jobs[0])

    result = tried_twice(deployment, shop, refresh_of(shop), between)

    assert result.success
    assert [path for path, _ in sent(airbyte)] == [REFRESH]
    (failed,) = result.filter_events(lambda event: event.is_step_up_for_retry)
    assert "Airbyte postponed the refresh: the connection's next job is a refresh" in str(failed)
    airbyte.advance(600)
    deployment.workspace.get_client().start(JobRequest(shop.connection_id))
    assert [job.type for job in airbyte.jobs] == ["reset", "refresh"]


def test_nor_what_was_not_answered(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deployment: Deployment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(start_module, "_LOOK_FOR", 0.0)
    monkeypatch.setattr(start_module, "_LOOK_EVERY", 0.0)
    monkeypatch.setattr(sent_before_module, "_MAY_COME", 0.0)
    airbyte.add_fault(Fault.status(503), path=REFRESH, times=None)

    result = tried_twice(deployment, shop, refresh_of(shop))

    assert len(sent(airbyte)) == 1
    assert "did not answer" in failure_of(result)


def tried_after_one_that_died(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, fault: Fault, times: int = 1
) -> dg.ExecuteInProcessResult:
    """The first try has said that it starts all, and sent nothing; the second meets the fault as it
    looks for their jobs."""
    monkeypatch.setattr(sent_before_module, "_MAY_COME", 0.0)
    groups = group_by_connection(chosen_tables(deployment.workspace))
    requests = {each: JobRequest(each, JobType.REFRESH) for each in groups}

    @dg.op(retry_policy=dg.RetryPolicy(max_retries=1))
    def start_both(context: dg.OpExecutionContext) -> None:
        if context.retry_number == 0:
            for connection_id, tables in groups.items():
                claim = SyncClaim(ClaimStatus.STARTING, connection_id)
                context.log_event(claim.to_observation(tables[-1].key))
            raise RuntimeError("The process is gone")
        deployment.airbyte.add_fault(fault, path=JOBS, method="GET", times=times)
        start_all(context, deployment.workspace, groups, requests)

    @dg.job(tags={keys.STARTS_SYNCS_TAG: "true"})
    def starts() -> None:
        start_both()

    return starts.execute_in_process(instance=deployment.instance, raise_on_error=False)


def test_one_that_cannot_be_looked_up_keeps_no_other_from_it(
    airbyte: AirbyteSimulator, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the first try has sent it is not known, and so it is not sent."""
    result = tried_after_one_that_died(deployment, monkeypatch, Fault.status(403))

    assert not result.success
    assert "1 of 2 refreshes not started" in failure_of(result)
    assert len(sent(airbyte)) == len(airbyte.jobs) == 1


def test_an_outage_meanwhile_is_waited_for(
    airbyte: AirbyteSimulator,
    deployment: Deployment,
    monkeypatch: pytest.MonkeyPatch,
    quick_looks: None,
) -> None:
    tries = deployment.workspace.request_max_retries + 1
    result = tried_after_one_that_died(deployment, monkeypatch, Fault.status(503), times=tries)

    assert result.success
    assert len(sent(airbyte)) == len(airbyte.jobs) == 2


def test_what_earlier_tries_have_sent_is_read_once_for_all(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    for number in range(8):
        airbyte.add_connection(f"connection {number}", streams=[f"table_{number}"])

    with reads_of(instance) as reads:
        result = start(deployed(airbyte, instance), build_airbyte_refresh_job)

    assert result.success
    assert len(airbyte.jobs) == 8
    assert reads.count("get_records_for_run") <= 4
