"""What Airbyte knows of a connection is in what a translator gets, and on each of its assets."""

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
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault

KNOWN = {
    "dagster-airbyte/connection_tags": ["Finance EU", "nightly"],
    "dagster-airbyte/source_name": "Production",
    "dagster-airbyte/source_type": "postgres",
    "dagster-airbyte/schedule": "daily at 06:00 Europe/Berlin",
}


class Remembers(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        self.props = props
        return super().get_asset_spec(props).replace_attributes(group_name=props.tag_group)


@pytest.fixture
def workspace(airbyte: AirbyteSimulator) -> AirbyteWorkspace:
    airbyte.add_connection(
        "shop",
        ["orders"],
        tags=["Finance EU", "nightly"],
        source_name="Production",
        source_type="postgres",
        schedule={"cron": "0 0 6 * * ?", "timezone": "Europe/Berlin"},
    )
    return AirbyteWorkspace(**airbyte.workspace_config(), request_retry_delay=0)


def known_of(spec: dg.AssetSpec) -> dict[str, object]:
    return {key: spec.metadata[key] for key in KNOWN if key in spec.metadata}


def test_each_asset_says_it(workspace: AirbyteWorkspace) -> None:
    (spec,) = load_airbyte_asset_specs(workspace)
    assert known_of(spec) == KNOWN


def test_so_it_does_from_a_snapshot(workspace: AirbyteWorkspace, tmp_path: Path) -> None:
    write_snapshot_file(workspace.fetch_catalog(), tmp_path / "airbyte.json")
    (spec,) = load_airbyte_asset_specs(workspace, snapshot=tmp_path / "airbyte.json")
    assert known_of(spec) == KNOWN


def test_a_translator_gets_it(airbyte: AirbyteSimulator, workspace: AirbyteWorkspace) -> None:
    translator = Remembers()
    (spec,) = load_airbyte_asset_specs(workspace, dagster_airbyte_translator=translator)
    props, shop = translator.props, airbyte.connection("shop")
    assert (props.connection_tags, props.tag_group) == (("Finance EU", "nightly"), "finance_eu")
    assert (props.source_id, props.source_name) == (shop.source_id, "Production")
    assert (props.source_type, props.schedule) == ("postgres", "daily at 06:00 Europe/Berlin")
    assert spec.group_name == "finance_eu"


def test_what_airbyte_does_not_say_is_left_out(
    airbyte: AirbyteSimulator, workspace: AirbyteWorkspace
) -> None:
    airbyte.update_connection(airbyte.connection("shop"), tags=[])
    airbyte.add_fault(Fault.status(403), path="/sources", times=None)
    translator = Remembers()
    (spec,) = load_airbyte_asset_specs(workspace, dagster_airbyte_translator=translator)
    assert known_of(spec) == {"dagster-airbyte/schedule": "daily at 06:00 Europe/Berlin"}
    props = translator.props
    assert (props.source_name, props.source_type, props.tag_group) == (None, None, None)
    assert spec.group_name is None
