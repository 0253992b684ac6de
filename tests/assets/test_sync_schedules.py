"""Schedules of syncs: what they are for, what they refuse, and that looking at one does nothing."""

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteSettingsError,
    AirbyteWorkspace,
    build_airbyte_assets_definitions,
    build_airbyte_definitions,
    build_airbyte_start_job,
    build_airbyte_sync_schedule,
    load_airbyte_asset_specs,
)
from dagster_airbyte_sync.assets.start_jobs.selection import chosen_tables
from dagster_airbyte_sync.resources import write_snapshot_file
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection

HOURLY = "0 * * * *"
SHOP = ["orders", "users"]
ALL = [*SHOP, "leads"]
BOTH_WAYS = pytest.mark.parametrize("wait", [True, False], ids=["waiting", "starting"])


@pytest.fixture(autouse=True)
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    airbyte.add_connection("crm", streams=["leads"])
    return airbyte.add_connection("shop", streams=SHOP)


@pytest.fixture
def workspace(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> AirbyteWorkspace:
    return AirbyteWorkspace(**airbyte.workspace_config())


def chosen(workspace: AirbyteWorkspace, **options: Any) -> list[str]:
    return sorted(table.key.to_user_string() for table in chosen_tables(workspace, **options))


# What a schedule is for


def test_without_a_choice_all_active_connections_are_synced(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace
) -> None:
    airbyte.add_connection("old shop", streams=["old_orders"], status="inactive")
    assert chosen(workspace) == sorted(ALL)


def test_who_asks_for_a_paused_connection_gets_it(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace
) -> None:
    airbyte.add_connection("old shop", streams=["old_orders"], status="inactive")
    assert chosen(workspace, selector=lambda each: each.name == "old shop") == ["old_orders"]
    assert chosen(workspace, assets=["old_orders"]) == ["old_orders"]


def test_a_paused_connection_among_others_that_a_function_accepts_is_left_out_with_a_line(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace, caplog: pytest.LogCaptureFixture
) -> None:
    """Airbyte itself pauses what keeps failing: that must not fail the others each night."""
    old = airbyte.add_connection("old shop", streams=["old_orders"], status="inactive")
    assert chosen(workspace, selector=lambda each: True) == sorted(ALL)
    assert caplog.messages == [
        f"Airbyte connection 'old shop' ({old.connection_id}) is not synced by this: it is paused"
        " in Airbyte"
    ]


def test_a_function_chooses_connections(workspace: AirbyteWorkspace) -> None:
    assert chosen(workspace, selector=lambda connection: connection.name == "crm") == ["leads"]


@pytest.mark.parametrize(
    "assets",
    [
        ["orders"],
        "orders",
        [dg.AssetKey("users")],
        dg.AssetSelection.assets("orders"),
        dg.AssetSelection.from_string('key:"ord*"'),
    ],
)
def test_keys_and_selections_choose_the_whole_connections_of_their_tables(
    workspace: AirbyteWorkspace, assets: Any
) -> None:
    assert chosen(workspace, assets=assets) == SHOP


def test_definitions_choose_what_they_are_without_asking_airbyte(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace
) -> None:
    definitions = build_airbyte_assets_definitions(workspace=workspace)
    airbyte.forget_requests()
    anew = AirbyteWorkspace(**airbyte.workspace_config())

    assert chosen(anew, assets=definitions) == sorted(ALL)
    assert airbyte.requests == []


def test_specs_choose_the_whole_connections_of_their_tables(workspace: AirbyteWorkspace) -> None:
    """Airbyte syncs the others too, and who asked for it is said on each."""
    (orders,) = [s for s in load_airbyte_asset_specs(workspace) if s.key.path == ["orders"]]

    assert chosen(workspace, assets=[orders]) == SHOP
    renamed = orders.replace_attributes(key=["raw", "orders"])
    assert chosen(workspace, assets=[renamed]) == ["raw/orders", "users"]


def test_what_is_chosen_can_be_read_from_a_snapshot(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace, tmp_path: Path
) -> None:
    file = tmp_path / "airbyte.json"
    write_snapshot_file(workspace.fetch_catalog(), file)
    specs = load_airbyte_asset_specs(workspace)
    down = AirbyteWorkspace(**airbyte.workspace_config(), request_max_retries=0)
    airbyte.stop()

    schedule = build_airbyte_sync_schedule(
        workspace=down, cron_schedule=HOURLY, assets=specs[:1], wait=False, snapshot=file
    )
    job = build_airbyte_start_job(workspace=down, snapshot=file)

    assert "starts" in (schedule.description or "").lower()
    assert "2 syncs" in (job.description or "")


def test_a_waiting_schedule_runs_the_assets_of_its_connections(
    workspace: AirbyteWorkspace,
) -> None:
    schedule = build_airbyte_sync_schedule(
        workspace=workspace, cron_schedule=HOURLY, assets=["orders"]
    )
    defs = dg.Definitions.merge(
        build_airbyte_definitions(workspace), dg.Definitions(schedules=[schedule])
    )

    job = defs.resolve_job_def(schedule.job_name)

    assert {key.to_user_string() for key in job.asset_layer.selected_asset_keys} == {*SHOP}


def test_a_starting_schedule_plans_no_materialization(workspace: AirbyteWorkspace) -> None:
    schedule = build_airbyte_sync_schedule(
        workspace=workspace, cron_schedule=HOURLY, wait=False, tags={"team": "data"}
    )
    defs = dg.Definitions.merge(
        build_airbyte_definitions(workspace), dg.Definitions(schedules=[schedule])
    )

    job = defs.resolve_job_def(schedule.job_name)

    assert job.asset_layer.selected_asset_keys == set()
    assert job.tags["team"] == "data"


def test_schedules_and_their_jobs_have_different_names(workspace: AirbyteWorkspace) -> None:
    two = [
        build_airbyte_sync_schedule(
            workspace=workspace, cron_schedule=HOURLY, wait=False, name=name
        )
        for name in ("hourly", None)
    ]
    job = build_airbyte_start_job(workspace=workspace)
    defs = dg.Definitions(jobs=[job], schedules=two, resources={"airbyte": workspace})

    dg.Definitions.validate_loadable(defs)
    assert [schedule.job_name for schedule in two] == ["hourly_job", "airbyte_sync_schedule_job"]


@BOTH_WAYS
def test_definitions_and_schedules_of_one_workspace_load_with_one_reading(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace, wait: bool
) -> None:
    build_airbyte_definitions(workspace)
    airbyte.forget_requests()

    build_airbyte_sync_schedule(workspace=workspace, cron_schedule=HOURLY, wait=wait)
    build_airbyte_sync_schedule(
        workspace=workspace, cron_schedule=HOURLY, wait=wait, assets=["orders"]
    )

    assert airbyte.requests == []


# Looking at a schedule


@BOTH_WAYS
def test_an_evaluation_asks_airbyte_nothing_and_starts_nothing(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace, wait: bool
) -> None:
    """Testing a schedule in Dagster's UI is an evaluation."""
    schedule = build_airbyte_sync_schedule(
        workspace=workspace, cron_schedule=HOURLY, wait=wait, execution_timezone="Europe/Berlin"
    )
    defs = dg.Definitions.merge(
        build_airbyte_definitions(workspace), dg.Definitions(schedules=[schedule])
    )
    repository = defs.get_repository_def()
    airbyte.forget_requests()

    with dg.build_schedule_context(
        scheduled_execution_time=datetime(2030, 1, 1, 6, tzinfo=timezone.utc),
        repository_def=repository,
    ) as context:
        result = repository.get_schedule_def(schedule.name).evaluate_tick(context)

    assert len(result.run_requests or ()) == 1
    assert airbyte.requests == []
    assert airbyte.jobs == []


# What is refused


def test_both_ways_to_choose_are_refused(workspace: AirbyteWorkspace) -> None:
    with pytest.raises(AirbyteSettingsError, match="either connection_selector_fn or assets"):
        chosen(workspace, selector=lambda _: True, assets=["orders"])


@pytest.mark.parametrize(
    ("options", "meant"),
    [
        ({"selector": lambda _: False}, "matches connection_selector_fn"),
        ({"assets": []}, "matches assets"),
        ({"assets": dg.AssetSelection.groups("nobody")}, "matches assets"),
    ],
)
def test_a_choice_of_nothing_is_refused(
    workspace: AirbyteWorkspace, options: dict[str, Any], meant: str
) -> None:
    with pytest.raises(AirbyteSettingsError, match=f"nothing to sync.*{meant}"):
        chosen(workspace, **options)


@pytest.mark.parametrize(
    "assets",
    [
        ["orders", "oders"],
        [dg.AssetKey("oders")],
        [dg.AssetSpec("oders")],
        dg.AssetSelection.assets("oders"),
    ],
)
def test_an_asset_that_is_no_table_of_airbyte_is_named(
    workspace: AirbyteWorkspace, assets: Any
) -> None:
    with pytest.raises(AirbyteSettingsError, match=r"'oders'.*"):
        chosen(workspace, assets=assets)


@BOTH_WAYS
@pytest.mark.parametrize("cron", ["hourly", "61 * * * *", "0 0 6 * * ?", [], ["0 6 * * *", "x"]])
def test_a_cron_expression_that_is_none_is_refused(
    workspace: AirbyteWorkspace, cron: str | list[str], wait: bool
) -> None:
    with pytest.raises(AirbyteSettingsError, match=r"invalid cron expression.* five"):
        build_airbyte_sync_schedule(
            workspace=workspace, cron_schedule=cron, name="nightly", wait=wait
        )


def test_an_unknown_time_zone_is_refused(workspace: AirbyteWorkspace) -> None:
    with pytest.raises(AirbyteSettingsError, match=r"'nightly' .* time zone: 'Mars/Base'"):
        build_airbyte_sync_schedule(
            workspace=workspace,
            cron_schedule=HOURLY,
            name="nightly",
            execution_timezone="Mars/Base",
        )
