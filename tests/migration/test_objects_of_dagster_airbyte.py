"""A translator and a workspace of dagster-airbyte itself are taken by our builders as they are."""

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock, SimulatedStream
from helpers.dagster_airbyte_env import handed_over_by_dagster_airbyte, needs_dagster_airbyte
from helpers.described_assets import Described

pytestmark = needs_dagster_airbyte


@pytest.fixture(scope="module")
def handed_over(tmp_path_factory: pytest.TempPathFactory) -> Described:
    """What came of it, for a connection of two tables with a schedule."""
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        warehouse = airbyte.add_destination(configuration={"database": "dw", "schema": "public"})
        airbyte.add_connection(
            "shop",
            [SimulatedStream("orders", namespace="eu"), "users"],
            destination=warehouse,
            prefix="raw_",
            schedule={"cron": "0 0 12 1 1 ?"},
            sync_seconds=0.1,
        )
        folder = tmp_path_factory.mktemp("needed")
        return handed_over_by_dagster_airbyte(airbyte.workspace_config(), folder)


def test_their_translator_names_and_groups_our_assets(handed_over: Described) -> None:
    assert handed_over["groups"] == {"shop/raw_orders": "postgres", "shop/raw_users": "postgres"}


def test_it_can_read_each_prop_that_dagster_airbyte_has(handed_over: Described) -> None:
    assert len(handed_over["names"]) == 9
    assert [sorted(props) for props in handed_over["props"]] == 2 * [sorted(handed_over["names"])]


def test_table_names_are_right_with_their_translator_too(handed_over: Described) -> None:
    assert handed_over["table_names"] == ["dw.eu.raw_orders", "dw.public.raw_users"]


def test_definitions_and_schedules_are_made_of_their_workspace(handed_over: Described) -> None:
    assert handed_over["definitions"] == ["airbyte_shop"]
    (schedule,) = handed_over["schedules"]
    assert str(schedule).startswith("airbyte_schedule_")


def test_their_workspace_as_the_resource_syncs_and_nothing_is_reported_twice(
    handed_over: Described,
) -> None:
    assert handed_over["materialized"] == ["shop/raw_orders", "shop/raw_users"]
    assert "AssetMaterialization" not in handed_over["reported_by_the_sensor"]


def test_their_cloud_workspace_is_ours_with_its_variables_unread(handed_over: Described) -> None:
    assert handed_over["cloud"] == {
        "type": "CloudWorkspace",
        "workspace_id": "AIRBYTE_WORKSPACE_ID",
        "client_secret": "AIRBYTE_CLIENT_SECRET",
    }


def test_the_decorator_refuses_their_workspace(handed_over: Described) -> None:
    """Its own sync_and_poll, which the decorated function calls, fails with assets of ours."""
    assert (
        "workspace is dagster_airbyte.resources.AirbyteWorkspace, whose sync_and_poll"
        in (handed_over["refused_by_the_decorator"])
    )
