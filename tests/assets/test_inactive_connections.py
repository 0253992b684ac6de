"""Connections that are paused in Airbyte are marked, or left out by option."""

from collections.abc import Iterator

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteWorkspace,
    Connection,
    build_airbyte_assets_definitions,
    build_airbyte_definitions,
    load_airbyte_asset_specs,
)
from dagster_airbyte_sync.testing import AirbyteSimulator

STATUS = "dagster-airbyte/connection_status"


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        airbyte.add_connection("shop", ["orders"])
        airbyte.add_connection("old shop", ["old-orders"], status="inactive")
        yield airbyte


@pytest.fixture
def workspace(airbyte: AirbyteSimulator) -> AirbyteWorkspace:
    return AirbyteWorkspace(**airbyte.workspace_config())


def test_only_tables_of_paused_connections_have_the_mark(workspace: AirbyteWorkspace) -> None:
    statuses = {
        spec.key.to_user_string(): spec.tags.get(STATUS)
        for spec in load_airbyte_asset_specs(workspace)
    }

    assert statuses == {"orders": None, "old-orders": "inactive"}


def test_a_selection_of_assets_finds_the_mark(workspace: AirbyteWorkspace) -> None:
    defs = build_airbyte_definitions(workspace)

    paused = dg.AssetSelection.tag(STATUS, "inactive").resolve(defs.resolve_asset_graph())

    assert paused == {dg.AssetKey("old-orders")}


def test_each_builder_leaves_them_out_on_demand(workspace: AirbyteWorkspace) -> None:
    specs = load_airbyte_asset_specs(workspace, include_inactive=False)
    made = build_airbyte_assets_definitions(workspace=workspace, include_inactive=False)
    defs = build_airbyte_definitions(workspace, include_inactive=False)

    orders = dg.AssetKey("orders")
    assert [spec.key for spec in specs] == [orders]
    assert [definition.key for definition in made] == [orders]
    assert defs.resolve_all_asset_keys() == [orders]


def test_a_selector_is_asked_only_about_what_is_not_left_out(workspace: AirbyteWorkspace) -> None:
    asked: list[str] = []

    def note(connection: Connection) -> bool:
        asked.append(connection.name)
        return True

    load_airbyte_asset_specs(workspace, connection_selector_fn=note, include_inactive=False)

    assert asked == ["shop"]


def test_no_detail_is_fetched_of_any_connection(
    workspace: AirbyteWorkspace, airbyte: AirbyteSimulator
) -> None:
    for number in range(20):
        airbyte.add_connection(f"other {number}", [f"other_{number}"])

    specs = load_airbyte_asset_specs(
        workspace, connection_selector_fn=lambda connection: connection.name == "shop"
    )

    asked = [request.path for request in airbyte.requests if "token" not in request.path]
    assert len(specs) == 1
    assert len(asked) == 4
