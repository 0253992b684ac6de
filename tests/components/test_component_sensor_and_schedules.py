"""The sensor and the schedules of a component."""

from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteSettingsError, WhenAll
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.component_yaml import Load, Loaded, SensorTick


def materialized(result: SensorTick) -> list[str]:
    events = result.asset_events
    return [e.asset_key.to_user_string() for e in events if isinstance(e, dg.AssetMaterialization)]


def synced_by(loaded: Loaded, schedule: str = "airbyte_sync_schedule") -> set[str]:
    job = loaded.defs.resolve_job_def(f"{schedule}_job")
    return {key.to_user_string() for key in job.asset_layer.selected_asset_keys}


def test_the_sensor_has_the_settings_of_the_yaml(load: Load) -> None:
    (sensor,) = load("sensor: {interval: 90, status: stopped, name: airbyte_watch}").sensors
    assert sensor.name == "airbyte_watch"
    assert sensor.minimum_interval_seconds == 90
    assert sensor.default_status is dg.DefaultSensorStatus.STOPPED


@pytest.mark.parametrize("count", ["3", '"{{ count }}"'])
def test_several_sensors_may_share_the_connections(load: Load, count: str) -> None:
    """Beside one for each trigger."""
    when_all = "[{name: nightly, members: [crm, shop]}]"
    loaded = load(f"sensor: {{shards: {count}, when_all: {when_all}}}", count=3)
    assert sorted(each.name for each in loaded.sensors) == [
        "airbyte_sync_sensor_1_of_3",
        "airbyte_sync_sensor_2_of_3",
        "airbyte_sync_sensor_3_of_3",
        "airbyte_when_all_nightly",
    ]


@pytest.mark.parametrize("value", ["false", "null", '"{{ off }}"'])
def test_there_may_be_no_sensor(load: Load, value: str) -> None:
    assert not load(f"sensor: {value}", off=False).sensors


@pytest.mark.parametrize("start_from", ["{hours: 2}", '"2000-01-01T00:00:00Z"'])
def test_the_first_tick_begins_at_start_from(
    load: Load, airbyte: AirbyteSimulator, instance: dg.DagsterInstance, start_from: str
) -> None:
    """The sync ended an hour ago, longer than the ten minutes of the default."""
    airbyte.run_sync(airbyte.connection("crm"), rows=1)
    airbyte.advance(3600)
    assert materialized(load().tick(instance)) == []
    loaded = load(f"sensor: {{start_from: {start_from}}}")
    assert materialized(loaded.tick(instance)) == ["contacts"]


def test_the_sensor_reports_of_selected_connections_with_translated_keys(
    load: Load, airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    for name in ("crm", "shop"):
        airbyte.run_sync(airbyte.connection(name), rows=1)
    loaded = load("connection_selector: {by_name: crm}\ntranslation: {key_prefix: x}")
    assert materialized(loaded.tick(instance)) == ["x/contacts"]


def test_downstream_assets_run_after_a_sync(
    load: Load, airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    @dg.asset(deps=["contacts"])
    def report() -> None: ...

    airbyte.run_sync(airbyte.connection("crm"), rows=1)
    loaded = load("sensor: {downstream: 'key:\"report\"'}")
    whole = Loaded(loaded.component, dg.Definitions.merge(loaded.defs, dg.Definitions([report])))
    (request,) = whole.tick(instance).requests
    assert request.asset_selection == [dg.AssetKey("report")]


@pytest.mark.parametrize(
    ("more", "runs"),
    [("", 1), ("per_sync: true", 2), ("only_with_rows: true", 0), ("partition_offset: -1", 1)],
)
def test_how_downstream_assets_run_is_said_in_the_yaml(
    load: Load, airbyte: AirbyteSimulator, instance: dg.DagsterInstance, more: str, runs: int
) -> None:
    @dg.asset(deps=["contacts"])
    def report() -> None: ...

    for _ in range(2):
        airbyte.run_sync(airbyte.connection("crm"), rows=0)
    loaded = load(f"sensor: {{downstream: 'key:\"report\"', {more}}}")
    whole = Loaded(loaded.component, dg.Definitions.merge(loaded.defs, dg.Definitions([report])))
    assert len(whole.tick(instance).requests) == runs


def test_each_trigger_of_the_yaml_has_a_sensor_with_its_settings(load: Load) -> None:
    loaded = load(
        """
        sensor:
          interval: 90
          status: stopped
          when_all:
            - name: nightly
              members: [crm, "tag:prod"]
              downstream: group:marts
              deadline: {hours: 4}
              at_deadline: report
            - name: tables
              members: ["key:orders", 'key:"contacts"']
              only_with_rows: true
              partition_offset: -1
        """
    )
    assert loaded.component.sensor is not None
    assert loaded.component.sensor.when_all == [
        WhenAll(
            "nightly",
            ["crm", "tag:prod"],
            dg.AssetSelection.from_string("group:marts"),
            timedelta(hours=4),
            "report",
        ),
        WhenAll(
            "tables",
            [dg.AssetKey("orders"), dg.AssetKey("contacts")],
            only_with_rows=True,
            partition_offset=-1,
        ),
    ]
    _, *triggers = sorted(loaded.sensors, key=lambda sensor: sensor.name != "airbyte_sync_sensor")
    assert {each.name for each in triggers} == {
        "airbyte_when_all_nightly",
        "airbyte_when_all_tables",
    }
    assert {each.minimum_interval_seconds for each in triggers} == {90}
    assert {each.default_status for each in triggers} == {dg.DefaultSensorStatus.STOPPED}


@pytest.mark.parametrize("value", ["{{ trigger }}", "{name: nightly, members: crm}"])
def test_a_trigger_may_stand_alone_or_come_from_python(load: Load, value: str) -> None:
    quoted = f'"{value}"' if value.startswith("{{") else value
    loaded = load(f"sensor: {{when_all: {quoted}}}", trigger=WhenAll("nightly", ["crm"]))
    assert "airbyte_when_all_nightly" in {sensor.name for sensor in loaded.sensors}


def test_schedules_are_those_of_the_yaml(load: Load) -> None:
    loaded = load(
        """
        schedules:
          - cron: "0 6 * * *"
            timezone: Europe/Berlin
            selector: {by_name: crm}
            status: running
          - cron: ["0 1 * * *", "0 2 * * *"]
            name: nights
            wait: false
        """
    )
    daily, nights = loaded.schedules["airbyte_sync_schedule"], loaded.schedules["nights"]
    assert daily.cron_schedule == "0 6 * * *"
    assert daily.execution_timezone == "Europe/Berlin"
    assert daily.default_status is dg.DefaultScheduleStatus.RUNNING
    assert nights.cron_schedule == ["0 1 * * *", "0 2 * * *"]
    assert synced_by(loaded) == {"contacts"}
    assert loaded.defs.resolve_job_def("nights_job").tags[keys.STARTS_SYNCS_TAG] == "true"


def test_a_schedule_starts_no_sync_of_a_connection_that_the_component_leaves_out(
    load: Load,
) -> None:
    with pytest.raises(Exception, match="has nothing to sync"):
        load(
            """
            connection_selector: {by_name: shop}
            schedules: [{cron: "@daily", selector: {by_name: crm}}]
            """
        )


def test_a_schedule_of_all_starts_no_sync_of_a_paused_connection(
    load: Load, airbyte: AirbyteSimulator
) -> None:
    airbyte.update_connection(airbyte.connection("crm"), status="inactive")
    loaded = load("schedules: [{cron: '@daily'}]")
    assert "contacts" in loaded.keys
    assert synced_by(loaded) == {"orders", "users"}


def test_a_selector_of_a_schedule_may_name_a_paused_connection(
    load: Load, airbyte: AirbyteSimulator
) -> None:
    """As in Python; a run that only starts syncs skips it until it goes on."""
    airbyte.update_connection(airbyte.connection("crm"), status="inactive")
    assert synced_by(load("schedules: [{cron: '@daily', selector: {by_name: crm}}]")) == {
        "contacts"
    }
    with pytest.raises(AirbyteSettingsError, match=r"has nothing to sync.*by_name: crm"):
        load("include_inactive: false\nschedules: [{cron: '@daily', selector: {by_name: crm}}]")


def test_a_selector_that_accepts_many_means_none_that_is_paused(
    load: Load, airbyte: AirbyteSimulator
) -> None:
    """As in Python: a run would fail each night for what Airbyte has paused by itself."""
    airbyte.update_connection(airbyte.connection("crm"), status="inactive")
    loaded = load("schedules: [{cron: '@daily', selector: {by_name_pattern: '*'}}]")
    assert "contacts" in loaded.keys
    assert synced_by(loaded) == {"orders", "users"}


def test_a_schedule_of_all_that_are_paused_is_an_error(
    load: Load, airbyte: AirbyteSimulator
) -> None:
    for name in ("crm", "shop"):
        airbyte.update_connection(airbyte.connection(name), status="inactive")
    with pytest.raises(AirbyteSettingsError, match=r"nothing to sync.*is active in Airbyte"):
        load("schedules: [{cron: '@daily'}]")


@pytest.mark.parametrize("written", ["{from_airbyte: true}", "[{from_airbyte: true}]"])
def test_schedules_may_be_airbytes_own(load: Load, written: str) -> None:
    (schedule,) = load(f"schedules: {written}").schedules.values()
    assert schedule.name.startswith("airbyte_schedule_")
    assert "shop" in str(schedule.description)
    assert schedule.cron_schedule == "0 12 * * *"


def test_without_sync_schedules_only_start_syncs(load: Load) -> None:
    loaded = load('sync: false\nschedules: [{cron: "@daily"}]')
    job = loaded.defs.resolve_job_def("airbyte_sync_schedule_job")
    assert job.tags[keys.STARTS_SYNCS_TAG] == "true"


@pytest.mark.parametrize(
    "written",
    [
        "schedules: {from_airbyte: true, wait: false}",
        "sync: false\nschedules: {from_airbyte: true}",
    ],
)
def test_airbytes_own_may_only_start_syncs_too(load: Load, written: str) -> None:
    loaded = load(written)
    (schedule,) = loaded.schedules.values()
    job = loaded.defs.resolve_job_def(schedule.job_name)
    assert job.tags[keys.STARTS_SYNCS_TAG] == "true"


@pytest.mark.parametrize("times", ["cron: '@daily'", "from_airbyte: true"])
def test_schedules_with_max_running_bring_the_sensor_that_starts_what_waits(
    load: Load, airbyte: AirbyteSimulator, instance: dg.DagsterInstance, times: str
) -> None:
    places = "wait: false, max_running: 1, wait_limit: {hours: 6}"
    loaded = load(f"schedules: [{{{times}, {places}}}]")
    repository = loaded.defs.get_repository_def()
    (schedule,) = loaded.schedules.values()
    waiting = repository.get_job(schedule.job_name)
    run = waiting.execute_in_process(instance=instance, tags=waiting.tags)
    assert run.success
    assert not airbyte.jobs

    sensor = repository.get_sensor_def("airbyte_queue_sensor")
    with dg.build_sensor_context(
        instance=instance,
        repository_def=repository,
        sensor_name=sensor.name,
        resources={"airbyte": loaded.component.workspace},
    ) as context:
        (request,) = sensor.evaluate_tick(context).run_requests or ()
    starts = repository.get_job("start_airbyte_syncs")
    tags = {**starts.tags, **request.tags}
    starts.execute_in_process(instance=instance, run_config=request.run_config, tags=tags)
    assert len(airbyte.jobs) == 1
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING


def test_a_run_of_its_job_that_the_queue_has_not_asked_for_waits_too(
    load: Load, airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    """By hand, or a retry: by the least of the numbers that schedules have."""
    schedules = ", ".join(
        f"{{cron: '@daily', name: s{number}, wait: false, max_running: {number}}}"
        for number in (3, 2, 4)
    )
    starts = load(f"schedules: [{schedules}]").defs.resolve_job_def("start_airbyte_syncs")

    assert starts.execute_in_process(instance=instance, tags=starts.tags).success
    assert not airbyte.jobs
    assert starts.tags[keys.MAX_RUNNING] == "2"


def test_without_max_running_there_is_no_such_sensor(load: Load) -> None:
    loaded = load("schedules: [{cron: '@daily', wait: false}]")
    assert [each.name for each in loaded.sensors] == ["airbyte_sync_sensor"]
