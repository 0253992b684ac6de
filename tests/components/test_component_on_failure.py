"""`sensor.on_failure` of a component: a job of the project that starts for each sync that fails."""

from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import SyncProblem
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.component_yaml import Load, Loaded
from helpers.watched import notify

LATE = "sensor: {on_failure: {job: notify, kinds: [failed], late_after: {hours: 26}}}"


def requests_of(loaded: Loaded, instance: dg.DagsterInstance) -> list[dg.RunRequest]:
    """What the first tick of the sensor for failures asks for, in a project that has the job."""
    defs = dg.Definitions.merge(loaded.defs, dg.Definitions(jobs=[notify]))
    repository = defs.get_repository_def()
    with dg.build_sensor_context(
        instance=instance,
        repository_def=repository,
        sensor_name="airbyte_failure_sensor",
        resources={"airbyte": loaded.component.workspace},
    ) as context:
        result = repository.get_sensor_def("airbyte_failure_sensor").evaluate_tick(context)
    return list(result.run_requests or ())


@pytest.mark.parametrize(
    "written",
    [
        "sensor: {on_failure: notify}",
        "sensor: {on_failure: '{{ the_job }}'}",
        "sensor: {on_failure: {job: notify}}",
        LATE,
        "freshness: true\nsensor: {on_failure: {job: notify, late_after: true}}",
    ],
)
def test_a_sync_that_fails_starts_the_job_of_that_name(
    load: Load, airbyte: AirbyteSimulator, instance: dg.DagsterInstance, written: str
) -> None:
    airbyte.fail(airbyte.start_sync(airbyte.connection("crm")))
    (request,) = requests_of(load(written, the_job="notify"), instance)
    assert request.job_name == "notify"
    assert SyncProblem.from_run_tags(request.tags).connection_name == "crm"


def test_only_its_kinds_start_it(
    load: Load, airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    airbyte.cancel(airbyte.start_sync(airbyte.connection("crm")))
    assert not requests_of(load(LATE), instance)


def test_only_selected_connections_start_it(
    load: Load, airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    for name in ("crm", "shop"):
        airbyte.fail(airbyte.start_sync(airbyte.connection(name)))
    written = "connection_selector: {by_name: crm}\nsensor: {on_failure: notify}"
    (request,) = requests_of(load(written), instance)
    assert SyncProblem.from_run_tags(request.tags).connection_name == "crm"


def sensors_of(loaded: Loaded) -> dict[str, dg.SensorDefinition]:
    defs = dg.Definitions.merge(loaded.defs, dg.Definitions(jobs=[notify]))
    return {sensor.name: sensor for sensor in defs.get_repository_def().sensor_defs}


def test_its_sensor_has_the_state_and_the_name_of_the_yaml(load: Load) -> None:
    sensors = sensors_of(load("sensor: {status: stopped, on_failure: {job: notify, name: alerts}}"))
    assert set(sensors) == {"airbyte_sync_sensor", "alerts"}
    assert sensors["alerts"].default_status is dg.DefaultSensorStatus.STOPPED


def test_without_it_there_is_one_sensor(load: Load) -> None:
    assert set(sensors_of(load("sensor: {on_failure: null}"))) == {"airbyte_sync_sensor"}


def test_a_job_that_the_project_does_not_have_is_named(load: Load) -> None:
    with pytest.raises(dg.DagsterInvalidDefinitionError, match='targets job "notify"'):
        load("sensor: {on_failure: notify}").defs.get_repository_def()


def test_late_after_is_the_sum_of_its_parts(load: Load) -> None:
    loaded = load("sensor: {on_failure: {job: x, late_after: {days: 1, hours: 2}}}")
    assert loaded.component.sensor
    assert loaded.component.sensor.on_failure
    assert loaded.component.sensor.on_failure.late_after == timedelta(hours=26)
