"""A job, a job's name, or what a function asks for; what Dagster would refuse costs only itself."""

from collections.abc import Callable
from datetime import datetime, timedelta

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
from helpers.watched import FAILURE_SENSOR, Watched, notify, page, send

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


@dg.job(partitions_def=dg.DailyPartitionsDefinition("2026-01-01"))
def daily() -> None:
    send()


@dg.graph
def steps() -> None:
    send()


def no_request(problem: SyncProblem) -> dg.RunRequest:
    return "a run, please"  # type: ignore[return-value]


BAD: dict[str, Callable[[SyncProblem], dg.RunRequest]] = {
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
def test_a_job_that_has_its_config_needs_no_function(watch: Watch) -> None:
    assert len(watch(OnFailure(configured)).tick().requests) == 2


@pytest.mark.usefixtures("two_fail")
def test_a_job_of_the_code_location_that_cannot_be_started_is_said_by_the_tick(
    watch: Watch,
) -> None:
    sensor = watch(OnFailure("needs_config"))
    sensor.watching.defs = dg.Definitions.merge(
        sensor.watching.defs, dg.Definitions(jobs=[needs_config])
    )
    tick = sensor.tick()
    assert not tick.requests
    assert "failed: shop, crm. No run could be started for shop, crm: see the log. Read" in (
        tick.summary or ""
    )


class Alerting:
    """A function that raises until it is mended."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_broken = True

    def __call__(self, problem: SyncProblem) -> dg.RunRequest:
        self.asked += 1
        if self.is_broken:
            raise ValueError("who is on call?")
        return dg.RunRequest()


def test_a_function_that_is_mended_has_missed_nothing(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    alerting = Alerting()
    sensor = watch(OnFailure(alerting, jobs=[notify]))
    airbyte.fail(airbyte.start_sync(shop))
    said = "1 sync failed: shop. No run could be started for shop: see the log. Read up"
    assert (sensor.tick().summary or "").startswith(said)
    sensor.wait(timedelta(minutes=30))
    last = airbyte.fail(airbyte.start_sync(shop))
    assert (sensor.tick().summary or "").startswith("2 syncs failed: shop (2 times). No run could")

    alerting.is_broken = False
    sensor.tick()
    sensor.tick()

    (problem,) = sensor.problems
    assert (problem.job_id, problem.others, alerting.asked) == (last.job_id, 1, 3)


def test_a_function_that_raises_for_an_hour_is_not_asked_again(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    watch: Watch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    alerting = Alerting()
    sensor = watch(OnFailure(alerting, jobs=[notify]))
    job = airbyte.fail(airbyte.start_sync(shop))
    sensor.tick()
    sensor.wait_with_ticks(timedelta(minutes=100), every=timedelta(minutes=20))
    assert alerting.asked == 4
    said = f"not asked again for Airbyte job {job.job_id} of shop, and no run is started"
    assert capfd.readouterr().err.count(said) == 1


def test_a_run_key_of_ones_own_is_used_once_also_after_a_lost_cursor(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    start = OnFailure(lambda problem: dg.RunRequest(run_key=str(problem.job_id)), jobs=[page])
    sensor = watch(start)
    job = airbyte.fail(airbyte.start_sync(shop))
    sensor.tick()
    sensor.watching.cursor = None
    (again,) = sensor.tick().requests
    assert again.run_key == str(job.job_id)
    assert [each.job_id for each in sensor.problems] == [job.job_id]


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
        ({"start": send}, "start is of type OpDefinition: give a job, its name, or a function"),
        ({"start": steps}, "start is of type GraphDefinition: give a job"),
        ({"start": needs_config}, "'needs_config', which cannot run without run_config: give a fu"),
        ({"start": daily}, r"'daily', which .* without a partition_key: give .*jobs=\[daily\]"),
        ({"kinds": ["broken"]}, "kinds has 'broken': give some of failed, cancelled, empty"),
        ({"kinds": ["late"]}, 'kinds has "late", which needs late_after'),
        ({"kinds": []}, "kinds is empty"),
        ({"workspace": 5}, "must be an AirbyteWorkspace"),
        ({"minimum_interval_seconds": 0}, "minimum_interval_seconds is 0: give a whole number"),
        ({"start_from": datetime(2026, 1, 1)}, "start_from has no time zone"),
        ({"start_from": "2024"}, "start_from is '2024': give a time"),
    ],
)
def test_arguments_that_cannot_work_are_named(
    airbyte: AirbyteSimulator, arguments: dict[str, object], said: str
) -> None:
    with pytest.raises(AirbyteSettingsError, match=said):
        build(airbyte, **arguments)


@pytest.mark.parametrize("alone", [no_request, steps, needs_config])
def test_what_cannot_be_started_alone_is_no_on_failure(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, alone: object
) -> None:
    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    with pytest.raises(AirbyteSettingsError, match=r"OnFailure\(start=\.\.\., jobs.*: start is"):
        build_airbyte_definitions(workspace, on_failure=alone)  # type: ignore[arg-type]
