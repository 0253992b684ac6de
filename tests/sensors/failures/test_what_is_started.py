"""A job, a job's name, or what a function asks for; what Dagster would refuse costs only itself."""

from collections.abc import Callable
from datetime import datetime

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteSettingsError,
    AirbyteWorkspace,
    OnFailure,
    SyncProblem,
    build_airbyte_definitions,
    build_airbyte_failure_sensor,
)
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.watched import FAILURE_SENSOR, Watched, notify, page

Watch = Callable[..., Watched]


@pytest.fixture
def two_fail(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, crm: SimulatedConnection
) -> list[int]:
    jobs = []
    for connection in (shop, crm):
        jobs.append(airbyte.fail(airbyte.start_sync(connection)).job_id)
        airbyte.advance(1)
    return jobs


@pytest.mark.usefixtures("two_fail")
def test_a_function_decides_for_each_problem(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    def start(problem: SyncProblem) -> dg.RunRequest | None:
        if problem.connection_name == "crm":
            return None
        return dg.RunRequest(job_name="page", tags={"team": "data"})

    (request,) = watch(OnFailure(start, jobs=[notify, page])).tick().requests

    assert request.job_name == "page"
    assert request.tags["team"] == "data"
    assert SyncProblem.from_run_tags(request.tags).connection_id == shop.connection_id
    assert (request.run_key or "").startswith(f"airbyte:{airbyte.workspace_id}:failed:")


@pytest.mark.usefixtures("two_fail")
def test_a_function_with_one_job_need_not_name_it(watch: Watch) -> None:
    sensor = watch(OnFailure(lambda problem: dg.RunRequest(run_key=problem.reason), jobs=[page]))
    requests = sensor.tick().requests
    assert [(each.job_name, each.run_key) for each in requests] == [
        ("page", "Something went wrong in the connector")
    ] * 2


@dg.op(config_schema=str)
def choose() -> None: ...


@dg.job(config={"ops": {"choose": {"config": "x"}}})
def configured() -> None:
    choose()


@dg.job
def needs_config() -> None:
    choose()


def no_request(problem: SyncProblem) -> dg.RunRequest:
    return "a run, please"  # type: ignore[return-value]


def raises(problem: SyncProblem) -> dg.RunRequest:
    raise ValueError("no idea")


BAD: dict[str, Callable[[SyncProblem], dg.RunRequest]] = {
    "a function that raises": raises,
    "no request": no_request,
    "a job that the sensor may not start": lambda problem: dg.RunRequest(job_name="page"),
    "no job of several": lambda problem: dg.RunRequest(),
    "a job without its config": lambda problem: dg.RunRequest(job_name="needs_config"),
    "config that the job does not take": lambda problem: dg.RunRequest(
        job_name="notify", run_config={"ops": {"nothing": {}}}
    ),
    "a partition of what has none": lambda problem: dg.RunRequest(
        job_name="notify", partition_key="2026-01-01"
    ),
    "an asset that is not there": lambda problem: dg.RunRequest(
        job_name="notify", asset_selection=[dg.AssetKey("nothing")]
    ),
}


@pytest.mark.parametrize("what", BAD)
@pytest.mark.usefixtures("two_fail")
def test_it_costs_only_its_own_run(
    watch: Watch, what: str, capfd: pytest.CaptureFixture[str]
) -> None:
    def start(problem: SyncProblem) -> dg.RunRequest | None:
        is_bad = problem.connection_name == "shop"
        return BAD[what](problem) if is_bad else dg.RunRequest(job_name="notify")

    sensor = watch(OnFailure(start, jobs=[notify, needs_config]))
    (request,) = sensor.tick().requests
    assert request.tags["dagster-airbyte/connection_name"] == "crm"
    assert "No run for the failed sync of shop" in capfd.readouterr().err
    assert not sensor.tick().requests


@pytest.mark.usefixtures("two_fail")
def test_a_job_that_needs_config_starts_no_run_and_says_so(
    watch: Watch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert not watch(OnFailure(needs_config)).tick().requests
    assert "No run for the failed sync of shop" in capfd.readouterr().err
    assert len(watch(OnFailure(configured)).tick().requests) == 2


@pytest.mark.usefixtures("two_fail")
def test_it_may_be_an_asset_job(watch: Watch) -> None:
    job = dg.define_asset_job("sync_shop_again", dg.AssetSelection.assets("orders"))
    requests = watch(OnFailure(job)).tick().requests
    assert [each.job_name for each in requests] == ["sync_shop_again"] * 2


@pytest.mark.usefixtures("two_fail")
def test_it_may_be_the_name_of_a_job_of_the_code_location(watch: Watch) -> None:
    sensor = watch(OnFailure("notify"))
    sensor.watching.defs = dg.Definitions.merge(sensor.watching.defs, dg.Definitions(jobs=[notify]))
    assert [each.job_name for each in sensor.tick().requests] == ["notify"] * 2


def test_a_name_that_the_code_location_does_not_have_does_not_load(
    shop: SimulatedConnection, watch: Watch
) -> None:
    sensor = watch(OnFailure("notify"))
    with pytest.raises(dg.DagsterInvalidDefinitionError, match='targets job "notify"'):
        sensor.watching.defs.get_repository_def()


def test_the_sensor_is_named_after_its_workspace(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    defs = build_airbyte_definitions(workspace, resource_key="prod", on_failure=notify)
    assert {each.name for each in defs.get_repository_def().sensor_defs} == {
        "prod_sync_sensor",
        "prod_failure_sensor",
    }
    named = build_airbyte_definitions(workspace, on_failure=OnFailure(notify, name="alerts"))
    assert "alerts" in {each.name for each in named.get_repository_def().sensor_defs}


def test_the_sensor_that_reports_is_as_it_was(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    sensor = watch()
    airbyte.run_sync(shop)
    airbyte.fail(airbyte.start_sync(shop))
    assert len(sensor.report().materialized) == 2
    assert sensor.reporting.defs.get_repository_def().get_sensor_def(FAILURE_SENSOR)


def build(airbyte: AirbyteSimulator, **arguments: object) -> dg.SensorDefinition:
    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    whole = {"workspace": workspace, "start": notify, **arguments}
    return build_airbyte_failure_sensor(**whole)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"start": None}, "start is None: give a job"),
        ({"start": ""}, "start is ''"),
        ({"start": lambda problem: None}, r"say in jobs=\[...\] which jobs"),
        ({"jobs": [page]}, "start is a job.*leave jobs out"),
        ({"start": "notify", "jobs": [page]}, "leave jobs out"),
        ({"kinds": ["broken"]}, "kinds has 'broken': give some of failed, cancelled, empty, late"),
        ({"kinds": ["late"]}, 'kinds has "late": say with late_after'),
        ({"kinds": []}, "kinds is empty"),
        ({"workspace": 5}, "must be an AirbyteWorkspace"),
        ({"minimum_interval_seconds": 0}, "minimum_interval_seconds must be at least 1"),
        ({"start_from": datetime(2026, 1, 1)}, "start_from has no time zone"),
    ],
)
def test_arguments_that_cannot_work_are_named(
    airbyte: AirbyteSimulator, arguments: dict[str, object], said: str
) -> None:
    with pytest.raises(AirbyteSettingsError, match=said):
        build(airbyte, **arguments)


def test_a_function_alone_is_no_on_failure(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    with pytest.raises(AirbyteSettingsError, match=r"OnFailure\(start=\.\.\., jobs"):
        build_airbyte_definitions(workspace, on_failure=raises)  # type: ignore[arg-type]
