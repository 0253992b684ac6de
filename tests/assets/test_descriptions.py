"""What people see of a table before its first sync: where it comes from, goes to, and when."""

from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteConnectionTableProps,
    AirbyteWorkspace,
    DagsterAirbyteTranslator,
    load_airbyte_asset_specs,
)
from dagster_airbyte_sync.resources import write_snapshot_file
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, SimulatedConnection

UI = "https://airbyte.example.com"
URL = "dagster-airbyte/connection_url"


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection(
        "Shop [EU]\n→ *DW*",
        ["orders"],
        destination=airbyte.add_destination("warehouse"),
        schedule={"cron": "0 0 6 * * ?", "timezone": "Europe/Berlin"},
    )


def spec_of(workspace: AirbyteWorkspace, **options: object) -> dg.AssetSpec:
    (spec,) = load_airbyte_asset_specs(workspace, **options)  # type: ignore[arg-type]
    return spec


def page(airbyte: AirbyteSimulator, shop: SimulatedConnection, ui: str = UI) -> str:
    return f"{ui}/workspaces/{airbyte.workspace_id}/connections/{shop.connection_id}"


def test_a_table_says_where_it_comes_from_and_goes_to_by_which_connection_and_when(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, tmp_path: Path
) -> None:
    """And so it does from a snapshot, for which nothing is asked."""
    workspace = AirbyteWorkspace(**airbyte.workspace_config(), ui_url=UI)
    spec = spec_of(workspace)
    url = page(airbyte, shop)
    name = r"Shop \[EU\] → \*DW\*"
    assert spec.description == (
        f"Synced by Airbyte from {name} source to warehouse, connection [{name}]({url})."
        " Airbyte's schedule: daily at 06:00 Europe/Berlin."
    )
    assert spec.metadata[URL] == dg.MetadataValue.url(url)

    file = tmp_path / "airbyte.json"
    write_snapshot_file(workspace.fetch_catalog(), file)
    airbyte.forget_requests()
    kept = spec_of(workspace, snapshot=file)
    assert (kept.description, kept.metadata[URL]) == (spec.description, spec.metadata[URL])
    assert airbyte.requests == []


@pytest.mark.parametrize(
    "fault", [Fault.status(403), Fault.status(404), Fault.status(500), Fault.html()], ids=str
)
def test_definitions_load_without_what_only_people_want_to_know(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, fault: Fault
) -> None:
    for path in ("/sources", "/instance_configuration"):
        airbyte.add_fault(fault, path=path, times=None)
    workspace = AirbyteWorkspace(**airbyte.workspace_config(), request_retry_delay=0)
    description = spec_of(workspace).description or ""
    assert description.startswith("Synced by Airbyte to warehouse, connection [Shop")
    # The UI is where it mostly is.
    assert f"({page(airbyte, shop, airbyte.url)})" in description


def test_a_snapshot_that_knows_no_address_gives_no_link(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, tmp_path: Path
) -> None:
    """As those that were written before addresses were kept."""
    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    file = tmp_path / "airbyte.json"
    write_snapshot_file(workspace.get_client().catalog(), file)
    old = file.read_text()
    for field in (' "ui_url": null', ' "sources": {}'):
        assert field in old
        old = old.replace(f"{field},\n", "").replace(f",\n{field}", "")
    file.write_text(old)
    spec = spec_of(workspace, snapshot=file)
    assert "](" not in (spec.description or "")
    assert URL not in spec.metadata


class Own(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        return super().get_asset_spec(props).replace_attributes(description=props.source_name)


class Silent(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        return dg.AssetSpec(props.table_name)


def test_the_last_word_is_the_translators(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    own = spec_of(workspace, dagster_airbyte_translator=Own())
    assert own.description == f"{shop.name} source"
    silent = spec_of(workspace, dagster_airbyte_translator=Silent())
    assert silent.description is None
    assert URL in silent.metadata
