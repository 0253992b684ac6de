"""A run starts syncs and ends; the sensor reports how they went, and which run asked for them."""

from collections.abc import Callable

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_start_job
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    RecordedRequest,
    SimulatedConnection,
)
from helpers.deployment import Deployment
from helpers.start_jobs import JOBS, SHOP, failure_of, finish_all, lines, shown, start, starts
from helpers.variables import variables

Deploy = Callable[..., Deployment]


def test_the_run_ends_while_its_syncs_run(
    airbyte: AirbyteSimulator, deployment: Deployment
) -> None:
    result = start(deployment)

    assert result.success
    assert [job.is_finished for job in airbyte.jobs] == [False, False]


def test_the_sensor_reports_the_end_with_the_run_that_asked(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    deployment.tick()
    result = start(deployment, assets=["orders"])
    assert deployment.tick().materialized == []
    finish_all(airbyte)

    deployment.tick()
    deployment.tick()

    (job,) = airbyte.jobs
    assert deployment.reported_all(SHOP) == {name: [job.job_id] for name in SHOP}
    for name in SHOP:
        assert shown(deployment, name)[keys.TRIGGERED_BY] == "dagster"
        assert shown(deployment, name)[keys.STARTED_BY_RUN] == result.run_id


def test_what_lies_downstream_runs_after_it(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    @dg.asset(deps=["orders"])
    def revenue() -> None: ...

    deployment = deploy(revenue, downstream=dg.AssetSelection.assets("revenue"))
    start(deployment, assets=["orders"])
    finish_all(airbyte)

    assert len(deployment.tick().requests) == 1


def test_a_sync_that_fails_is_reported_as_one_and_the_run_stays_green(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    deployment = deploy(checks=True)
    airbyte.plan(shop, outcome="failed", reason="Disk full")
    result = start(deployment, assets=["orders"])
    finish_all(airbyte)

    events = deployment.tick().events

    assert result.success
    assert {type(event) for event in events} == {dg.AssetCheckEvaluation}
    assert all(event.metadata[keys.STARTED_BY_RUN].value == result.run_id for event in events)


def test_a_sync_that_runs_already_is_skipped_with_a_line(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    running = airbyte.start_sync(shop)

    result = start(deployment)

    said = lines(deployment.instance, result.run_id)
    assert result.success
    assert f"Skipped 'shop' ({shop.connection_id})" in said
    assert f"Airbyte job {running.job_id} is running, see http" in said
    assert f"jobId={running.job_id}" in said
    assert len(airbyte.jobs) == 2

    airbyte.succeed(running)
    finish_all(airbyte)
    deployment.tick()
    assert shown(deployment, "orders")[keys.TRIGGERED_BY] == "external"
    assert shown(deployment, "leads")[keys.STARTED_BY_RUN] == result.run_id


def test_one_that_cannot_be_started_keeps_no_other_and_is_named_in_the_end(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    gone = airbyte.add_connection("old shop", streams=["old_orders"])
    workspace = AirbyteWorkspace(**airbyte.workspace_config(), catalog_ttl=0)
    job = build_airbyte_start_job(workspace=workspace)
    airbyte.update_connection(shop, status="locked")
    airbyte.delete_connection(gone)

    result = job.execute_in_process(
        instance=deployment.instance, resources={"airbyte": workspace}, raise_on_error=False
    )

    assert not result.success
    description = failure_of(result)
    assert description.startswith("2 of 3 syncs not started.")
    assert f"'shop' ({shop.connection_id}): The Airbyte connection is locked" in description
    assert f"'old shop' ({gone.connection_id}): The Airbyte connection was deleted" in description
    assert [started.connection_id for started in airbyte.jobs] == [
        airbyte.connection("crm").connection_id
    ]


@pytest.mark.parametrize(
    ("known", "succeeds"), [(False, True), (True, False)], ids=["since the load", "before"]
)
def test_one_that_was_paused_since_the_load_is_skipped_with_a_line(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deployment: Deployment,
    known: bool,
    succeeds: bool,
) -> None:
    """Who asks for one that is known to be paused has made a mistake."""
    airbyte.update_connection(shop, status="inactive" if known else "active")
    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    job = build_airbyte_start_job(workspace=workspace, assets=["orders", "leads"])
    airbyte.update_connection(shop, status="inactive")

    result = job.execute_in_process(
        instance=deployment.instance, resources={"airbyte": workspace}, raise_on_error=False
    )

    skipped = f"Skipped 'shop' ({shop.connection_id}): it was paused in Airbyte"
    assert result.success is succeeds
    assert (skipped in lines(deployment.instance, result.run_id)) is succeeds
    assert len(airbyte.jobs) == 1


def test_what_airbyte_itself_says_of_a_start_it_refused_is_in_the_failure(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    airbyte.update_connection(shop, status="locked")
    no_credits = {"title": "state-conflict", "detail": "No credits left"}
    airbyte.add_fault(Fault.status(409, no_credits), path="/jobs", method="POST")
    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    job = build_airbyte_start_job(workspace=workspace, assets=["orders"])

    result = job.execute_in_process(
        instance=deployment.instance, resources={"airbyte": workspace}, raise_on_error=False
    )

    assert failure_of(result).endswith("once it is unlocked (No credits left)")


def test_one_that_is_paused_fails_no_run_of_a_function_that_accepts_others_too(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    airbyte.update_connection(shop, status="inactive")
    workspace = AirbyteWorkspace(**airbyte.workspace_config(), catalog_ttl=299)
    job = build_airbyte_start_job(workspace=workspace, connection_selector_fn=lambda each: True)

    result = job.execute_in_process(
        instance=deployment.instance, resources={"airbyte": workspace}, raise_on_error=False
    )

    assert result.success
    assert [started.connection_id for started in airbyte.jobs] == [
        airbyte.connection("crm").connection_id
    ]


def test_an_airbyte_that_is_down_fails_the_run_clearly(
    airbyte: AirbyteSimulator, deployment: Deployment
) -> None:
    airbyte.add_fault(Fault.drop(), times=None)

    result = start(deployment)

    assert not result.success
    (failed,) = result.filter_events(lambda event: event.is_step_failure)
    error = str(failed.step_failure_data.error)
    assert "is Airbyte running" in error
    assert "Nothing was started within 1 s (outage_timeout)" in error
    assert starts(airbyte) == 0


# Tries after the first


def start_all() -> dg.JobDefinition:
    """Dagster makes it once in a process, so it depends on no test."""
    workspace = AirbyteWorkspace(
        rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
        configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
        workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
        client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
        client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
    )
    # Also what is locked when it is made.
    job = build_airbyte_start_job(workspace=workspace, connection_selector_fn=lambda _: True)
    return dg.Definitions(jobs=[job], resources={"airbyte": workspace}).resolve_job_def(job.name)


@pytest.fixture
def first_try(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> dg.JobExecutionResult:
    """A run that has started all but one connection; what it started has ended."""
    for name, value in variables(airbyte.workspace_config()).items():
        monkeypatch.setenv(name, value)
    airbyte.update_connection(airbyte.connection("shop"), status="locked")
    first = dg.execute_job(dg.reconstructable(start_all), instance, raise_on_error=False)
    finish_all(airbyte)
    airbyte.update_connection(airbyte.connection("shop"), status="active")
    return first


@pytest.mark.parametrize("tag", ["dagster/retry_number", "dagster/is_resume_retry"])
def test_a_retry_starts_only_what_was_not_started(
    airbyte: AirbyteSimulator,
    instance: dg.DagsterInstance,
    first_try: dg.JobExecutionResult,
    tag: str,
) -> None:
    again = repeat(first_try, instance, {tag: "1"})

    assert again.success
    started = [job.connection_id for job in airbyte.jobs]
    assert started == [airbyte.connection(name).connection_id for name in ("crm", "shop")]
    assert f"was started by run {first_try.run_id}" in lines(instance, again.run_id)


def test_a_run_asked_for_once_more_starts_all_once_more(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance, first_try: dg.JobExecutionResult
) -> None:
    again = repeat(first_try, instance, {})

    assert again.success
    assert len(airbyte.jobs) == 3


def repeat(
    first: dg.JobExecutionResult, instance: dg.DagsterInstance, tags: dict[str, str]
) -> dg.JobExecutionResult:
    return dg.execute_job(
        dg.reconstructable(start_all),
        instance,
        tags=tags,
        reexecution_options=dg.ReexecutionOptions(parent_run_id=first.run_id),
        raise_on_error=False,
    )


def test_many_syncs_are_started_side_by_side(
    airbyte: AirbyteSimulator, deploy: Deploy, shop: SimulatedConnection
) -> None:
    """Airbyte takes seconds to answer each start."""
    for number in range(14):
        airbyte.add_connection(f"more {number}", streams=[f"table_{number}"])
    at_once: list[int] = []
    arrived: list[RecordedRequest] = []

    def note(request: RecordedRequest) -> None:
        if (request.method, request.path) == ("POST", JOBS):
            arrived.append(request)
            at_once.append(len(arrived) - len(airbyte.jobs))

    airbyte.on_request(note)
    airbyte.add_fault(Fault.slow(0.3), path=JOBS, method="POST", times=None)

    result = start(deploy())

    assert result.success
    assert len(airbyte.jobs) == 16
    assert 2 <= max(at_once) <= 3
