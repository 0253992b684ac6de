"""What a component keeps of Airbyte, and how it loads from that."""

import logging
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteError, AirbyteSettingsError, AirbyteWorkspaceComponent
from dagster_airbyte_sync.resources import PoorerCatalog
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, SimulatedStream
from helpers.component_yaml import WORKSPACE, Load, built, read_yaml


@pytest.fixture
def component(environ: None) -> AirbyteWorkspaceComponent:
    return read_yaml(AirbyteWorkspaceComponent, "")


@pytest.fixture
def state(component: AirbyteWorkspaceComponent, tmp_path: Path) -> Path:
    component.write_state_to_path(tmp_path / "state")
    return tmp_path / "state"


def test_without_state_it_says_how_to_get_one(component: AirbyteWorkspaceComponent) -> None:
    with pytest.raises(AirbyteSettingsError, match=r"no state yet.*dg utils refresh-defs-state"):
        built(component, None)


def test_definitions_load_without_a_request_and_without_any_variable(
    airbyte: AirbyteSimulator, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in airbyte.workspace_config():
        monkeypatch.delenv(f"AIRBYTE_{name.upper()}")
    airbyte.forget_requests()
    defs = built(read_yaml(AirbyteWorkspaceComponent, "schedules: {from_airbyte: true}"), state)
    dg.Definitions.validate_loadable(defs)
    assert len(defs.resolve_all_asset_keys()) == 3
    assert not airbyte.requests


def test_the_state_holds_no_secret(airbyte: AirbyteSimulator, state: Path) -> None:
    assert airbyte.client_secret not in state.read_text()


def test_a_refresh_asks_airbyte_even_if_it_asked_just_before(
    airbyte: AirbyteSimulator, component: AirbyteWorkspaceComponent, state: Path
) -> None:
    airbyte.add_connection("billing", streams=["invoices"])
    component.write_state_to_path(state)
    keys = built(component, state).resolve_all_asset_keys()
    assert dg.AssetKey("invoices") in keys


def test_a_refresh_that_fails_says_so_and_keeps_the_last_state(
    airbyte: AirbyteSimulator, component: AirbyteWorkspaceComponent, state: Path
) -> None:
    before = state.read_text()
    airbyte.stop()
    with pytest.raises(AirbyteError, match="is Airbyte running"):
        component.write_state_to_path(state)
    assert state.read_text() == before


def test_a_refresh_while_the_configuration_api_is_closed_keeps_columns_and_says_how_to_do_without(
    airbyte: AirbyteSimulator, component: AirbyteWorkspaceComponent, tmp_path: Path
) -> None:
    columns = {"properties": {"id": {"type": "integer"}}}
    airbyte.add_connection("sales", [SimulatedStream("leads", json_schema={**columns})])
    state = tmp_path / "rich"
    component.write_state_to_path(state)
    before = state.read_text()
    airbyte.add_fault(Fault.status(403), path="/api/v1/", times=None)
    # Another process does not know that it was open a moment ago.
    another = read_yaml(
        AirbyteWorkspaceComponent, f"{WORKSPACE}  catalog_ttl: 7\n  request_retry_delay: 0\n"
    )
    with pytest.raises(PoorerCatalog, match=r"columns of .*leads.*delete that file"):
        another.write_state_to_path(state)
    assert state.read_text() == before
    state.unlink()
    another.write_state_to_path(state)
    assert dg.AssetKey("leads") in built(component, state).resolve_all_asset_keys()


@pytest.mark.parametrize("text", ["", "{}", '{"__class__": "AirbyteWorkspaceData"}'])
def test_a_state_that_is_none_of_ours_is_refused(
    component: AirbyteWorkspaceComponent, tmp_path: Path, text: str
) -> None:
    (tmp_path / "state").write_text(text)
    with pytest.raises(AirbyteSettingsError, match=r"cannot be used.*dg utils refresh-defs-state"):
        built(component, tmp_path / "state")


def test_the_state_of_another_workspace_is_refused(
    state: Path, monkeypatch: pytest.MonkeyPatch, component: AirbyteWorkspaceComponent
) -> None:
    monkeypatch.setenv("AIRBYTE_WORKSPACE_ID", "0123abcd-0123-4567-89ab-0123456789ab")
    with pytest.raises(AirbyteSettingsError, match="is of workspace"):
        built(component, state)


def test_a_selected_connection_that_is_not_there_is_logged(
    load: Load, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        load("connection_selector: {by_name: [shop, gone]}")
    assert "by_name: there is no connection for gone" in caplog.text


def test_the_key_of_the_state_is_the_workspace_or_its_variable(
    component: AirbyteWorkspaceComponent,
) -> None:
    assert component.defs_state_config.key == "AirbyteWorkspaceComponent[AIRBYTE_WORKSPACE_ID]"
    cloud = "workspace: {workspace_id: 0123abcd-0123-4567-89ab-0123456789ab, client_id: a,"
    plain = read_yaml(AirbyteWorkspaceComponent, f"{cloud} client_secret: b}}")
    assert plain.defs_state_config.key.endswith("[0123abcd-0123-4567-89ab-0123456789ab]")


def test_the_key_can_be_given(environ: None) -> None:
    text = "defs_state: {key: mine, management_type: VERSIONED_STATE_STORAGE}"
    assert read_yaml(AirbyteWorkspaceComponent, text).defs_state_config.key == "mine"


def test_a_wrong_credential_is_not_taken_for_an_airbyte_that_is_down(
    component: AirbyteWorkspaceComponent,
    airbyte: AirbyteSimulator,
    tmp_path: Path,
) -> None:
    airbyte.add_fault(Fault.status(401))
    with pytest.raises(AirbyteError):
        component.write_state_to_path(tmp_path / "state")
    assert not (tmp_path / "state").exists()
