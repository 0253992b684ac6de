"""Dagster schedules at the times of Airbyte's own."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteSettingsError,
    AirbyteWorkspace,
    TakenOver,
    build_airbyte_definitions,
    build_schedules_from_airbyte,
    take_over_schedules,
)
from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock, SimulatedConnection

NOON = {"cron": "0 0 12 ? * MON-FRI", "timezone": "Europe/Berlin"}


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        yield airbyte


@pytest.fixture
def workspace(airbyte: AirbyteSimulator) -> AirbyteWorkspace:
    # What the test changes in Airbyte must be seen, so nothing is remembered.
    return AirbyteWorkspace(**airbyte.workspace_config(), poll_interval=0.02, catalog_ttl=0)


def names(schedules: Sequence[dg.ScheduleDefinition]) -> set[str]:
    return {schedule.name for schedule in schedules}


def name_of(connection: SimulatedConnection, resource_key: str = "airbyte") -> str:
    return f"{resource_key}_schedule_{connection.name}_{connection.connection_id[:8]}"


def test_a_cron_keeps_its_times_and_its_zone(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace
) -> None:
    shop = airbyte.add_connection("shop", schedule=NOON)
    (schedule,) = build_schedules_from_airbyte(workspace)
    assert schedule.name == name_of(shop)
    assert schedule.cron_schedule == "0 12 * * 1-5"
    assert schedule.execution_timezone == "Europe/Berlin"


def test_what_one_cron_cannot_say_several_do(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace
) -> None:
    airbyte.add_connection("shop", schedule={"cron": "0 0 0 L-3 6,7 ?"})
    (schedule,) = build_schedules_from_airbyte(workspace)
    assert schedule.cron_schedule == ["0 0 27 6 *", "0 0 28 7 *"]
    assert schedule.execution_timezone == "UTC"


@pytest.mark.parametrize(
    ("given", "zone"), [(None, "UTC"), ("America/New_York", "America/New_York")]
)
def test_an_interval_fires_at_round_times_in_the_zone_that_is_given(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace, given: str | None, zone: str
) -> None:
    airbyte.add_connection("shop", schedule=timedelta(hours=6))
    (schedule,) = build_schedules_from_airbyte(workspace, execution_timezone=given)
    assert schedule.cron_schedule == "0 */6 * * *"
    assert schedule.execution_timezone == zone


def test_it_is_stopped_until_a_person_starts_it(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace
) -> None:
    airbyte.add_connection("shop", schedule=NOON)
    (stopped,) = build_schedules_from_airbyte(workspace)
    running = dg.DefaultScheduleStatus.RUNNING
    (started,) = build_schedules_from_airbyte(workspace, default_status=running)
    assert stopped.default_status is dg.DefaultScheduleStatus.STOPPED
    assert started.default_status is running


def test_it_says_what_airbytes_schedule_was(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace
) -> None:
    shop = airbyte.add_connection("shop", schedule=NOON)
    crm = airbyte.add_connection("crm", ["leads"], schedule=timedelta(hours=6))
    by_name = {each.name: each for each in build_schedules_from_airbyte(workspace)}
    assert by_name[name_of(shop)].description == (
        "When Airbyte would sync 'shop': Monday to Friday at 12:00 Europe/Berlin."
    )
    assert by_name[name_of(crm)].description == ("When Airbyte would sync 'crm': every 6 hours.")


def test_making_them_changes_nothing_in_airbyte(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace
) -> None:
    shop = airbyte.add_connection("shop", schedule=NOON)
    build_schedules_from_airbyte(workspace, default_status=dg.DefaultScheduleStatus.RUNNING)
    assert shop.schedule.type == "cron"
    asked = {(each.method, each.path.rpartition("/v1/")[2]) for each in airbyte.requests}
    assert asked == {
        ("POST", "applications/token"),
        ("POST", "connections/list"),
        ("GET", "destinations"),
        ("GET", "instance_configuration"),
        ("GET", "sources"),
    }


def test_manual_inactive_and_unselected_connections_have_none(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace
) -> None:
    airbyte.add_connection("manual", ["a"])
    airbyte.add_connection("paused", ["b"], schedule=NOON, status="inactive")
    airbyte.add_connection("left out", ["c"], schedule=NOON)
    shop = airbyte.add_connection("shop", ["d"], schedule=NOON)
    found = build_schedules_from_airbyte(
        workspace, connection_selector_fn=lambda connection: connection.name != "left out"
    )
    assert names(found) == {name_of(shop)}


def test_a_second_connection_of_the_name_does_not_change_which_schedule_is_on(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace
) -> None:
    """Dagster knows it by the schedule's name, which only a rename changes."""
    first = airbyte.add_connection("shop", ["a"], schedule=NOON)
    (before,) = build_schedules_from_airbyte(workspace)
    second = airbyte.add_connection("shop", ["b"], schedule=NOON)
    assert names(build_schedules_from_airbyte(workspace)) == {before.name, name_of(second)}
    airbyte.update_connection(first, name="The old shop → EU!")
    renamed = f"airbyte_schedule_the_old_shop_eu_{first.connection_id[:8]}"
    assert names(build_schedules_from_airbyte(workspace)) == {renamed, name_of(second)}


def test_connections_of_any_name_have_names_of_their_own(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace
) -> None:
    """Also if their ids begin alike."""
    like = "e0d5c1a4-7f0c-4a52-8a4e-00000000000"
    for number, name in enumerate(["shop", "Shop", "订单", "x" * 300]):
        id_ = f"{like}{number}"
        airbyte.add_connection(name, [f"t{number}"], schedule=NOON, connection_id=id_)
    schedules = build_schedules_from_airbyte(workspace)
    assert names(schedules) == {
        "airbyte_schedule_shop_e0d5c1a4_7f0c_4a52_8a4e_000000000000",
        "airbyte_schedule_shop_e0d5c1a4_7f0c_4a52_8a4e_000000000001",
        "airbyte_schedule_e0d5c1a4",
        f"airbyte_schedule_{'x' * 60}_e0d5c1a4",
    }
    built = build_airbyte_definitions(workspace)
    defs = dg.Definitions.merge(built, dg.Definitions(schedules=schedules))
    dg.Definitions.validate_loadable(defs)


def test_two_workspaces_fit_into_one_code_location(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace
) -> None:
    shop = airbyte.add_connection("shop", schedule=NOON)
    found = build_schedules_from_airbyte(workspace, resource_key="eu")
    assert names(found) == {name_of(shop, "eu")}


def test_one_error_names_every_connection_that_cron_cannot_say(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace
) -> None:
    airbyte.add_connection("fine", ["a"], schedule=NOON)
    seconds = airbyte.add_connection("seconds", ["b"], schedule={"cron": "30 0 12 * * ?"})
    airbyte.add_connection("often", ["c"], schedule=timedelta(minutes=45), status="active")
    airbyte.add_connection("lost", ["d"], schedule={"cron": "0 0 12 * * ?", "timezone": "Mars"})
    with pytest.raises(AirbyteSettingsError) as error:
        build_schedules_from_airbyte(workspace)
    text = str(error.value)
    assert f"'seconds' ({seconds.connection_id}), cron '30 0 12 * * ?' (UTC): it fires at" in text
    assert "'often'" in text
    assert "every 45 minutes: it does not divide an hour" in text
    assert "cron '0 0 12 * * ?' (Mars): Dagster knows no such time zone" in text
    assert "leave the connection out with connection_selector_fn" in text
    assert "'fine'" not in text


def test_a_tick_asks_for_one_run_of_the_connections_tables_and_that_run_syncs(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace
) -> None:
    shop = airbyte.add_connection("shop", ["orders", "users"], schedule=NOON, sync_seconds=0.05)
    airbyte.add_connection("crm", ["leads"])
    schedules = build_schedules_from_airbyte(workspace, tags={"team": "data"})
    defs = dg.Definitions.merge(
        build_airbyte_definitions(workspace),
        dg.Definitions(schedules=schedules, executor=dg.in_process_executor),
    )
    repository = defs.get_repository_def()
    with (
        dg.instance_for_test() as instance,
        dg.build_schedule_context(
            instance,
            repository_def=repository,
            scheduled_execution_time=datetime(2026, 8, 3, 10, tzinfo=timezone.utc),
        ) as context,
    ):
        schedule = repository.get_schedule_def(name_of(shop))
        (request,) = schedule.evaluate_tick(context).run_requests or []
        assert airbyte.jobs == []
        job = repository.get_job(schedule.job_name)
        result = job.execute_in_process(instance=instance, tags=dict(request.tags))
        assert {event.asset_key for event in result.get_asset_materialization_events()} == {
            dg.AssetKey("orders"),
            dg.AssetKey("users"),
        }
        tags = result.dagster_run.tags
        assert tags["team"] == "data"
        assert tags["dagster-airbyte/connection_id"] == shop.connection_id
        assert tags["dagster-airbyte/connection_name"] == "shop"
    assert [job.status for job in airbyte.jobs] == ["succeeded"]


def test_without_waiting_its_run_only_starts_the_sync(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace
) -> None:
    airbyte.add_connection("shop", ["orders"], schedule=NOON, sync_seconds=3600)
    (schedule,) = build_schedules_from_airbyte(workspace, wait=False, tags={"team": "data"})
    defs = dg.Definitions.merge(
        build_airbyte_definitions(workspace), dg.Definitions(schedules=[schedule])
    )
    with dg.instance_for_test() as instance:
        result = defs.resolve_job_def(schedule.job_name).execute_in_process(instance=instance)
        assert result.dagster_run.tags["team"] == "data"
    assert [job.status for job in airbyte.jobs] == ["running"]


@pytest.mark.parametrize("schedule", [NOON, timedelta(hours=6)], ids=["cron", "interval"])
def test_a_zone_that_is_not_known_is_refused(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace, schedule: dict[str, str] | timedelta
) -> None:
    airbyte.add_connection("shop", schedule=schedule)
    with pytest.raises(AirbyteSettingsError, match="execution_timezone is 'Mars/Base'"):
        build_schedules_from_airbyte(workspace, execution_timezone="Mars/Base")


def test_what_was_taken_over_goes_on_firing(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace
) -> None:
    airbyte.add_connection("shop", schedule=NOON)
    taken = take_over_schedules(workspace, say=lambda line: None)
    assert build_schedules_from_airbyte(workspace) == []
    for given in (taken, taken.text):
        (schedule,) = build_schedules_from_airbyte(workspace, taken_over=given)
        assert schedule.cron_schedule == "0 12 * * 1-5"
        assert schedule.execution_timezone == "Europe/Berlin"


def test_only_what_was_taken_over_starts_by_itself(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace
) -> None:
    """Nobody else starts that sync."""
    shop = airbyte.add_connection("shop", ["a"], schedule=NOON)
    crm = airbyte.add_connection("crm", ["b"], schedule=NOON)
    taken = take_over_schedules(workspace, say=lambda line: None)
    airbyte.update_connection(crm, schedule=timedelta(hours=6))

    def statuses(**options: Any) -> dict[str, dg.DefaultScheduleStatus]:
        found = build_schedules_from_airbyte(workspace, taken_over=taken, **options)
        return {schedule.name: schedule.default_status for schedule in found}

    running, stopped = dg.DefaultScheduleStatus.RUNNING, dg.DefaultScheduleStatus.STOPPED
    assert statuses() == {name_of(shop): running, name_of(crm): stopped}
    assert set(statuses(default_status=stopped).values()) == {stopped}


def test_a_schedule_set_in_airbyte_after_that_counts_more(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace
) -> None:
    shop = airbyte.add_connection("shop", schedule=NOON)
    taken = TakenOver.from_text(take_over_schedules(workspace, say=lambda line: None).text)
    airbyte.update_connection(shop, schedule={"cron": "0 0 18 * * ?", "timezone": "UTC"})
    (schedule,) = build_schedules_from_airbyte(workspace, taken_over=taken)
    assert schedule.cron_schedule == "0 18 * * *"
