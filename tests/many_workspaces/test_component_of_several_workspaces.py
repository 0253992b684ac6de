"""The component in YAML, of a list of workspaces, or of all."""

from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteCloudInstance,
    AirbyteInstance,
    AirbyteWorkspace,
    AirbyteWorkspaceComponent,
)
from helpers.component_yaml import built, read_yaml
from helpers.deployment import Deployment
from helpers.workspaces import Company, reported


@pytest.fixture
def environ(company: Company, monkeypatch: pytest.MonkeyPatch) -> Company:
    for name, value in company.airbyte.instance_config().items():
        monkeypatch.setenv(f"AIRBYTE_{name.upper()}", str(value))
    monkeypatch.setenv("FINANCE", company.finance.workspace_id)
    return company


ADDRESSES = """
  rest_api_base_url: "{{ env.AIRBYTE_REST_API_BASE_URL }}"
  configuration_api_base_url: "{{ env.AIRBYTE_CONFIGURATION_API_BASE_URL }}"
"""
SECRETS = """
  client_id: "{{ env.AIRBYTE_CLIENT_ID }}"
  client_secret: "{{ env.AIRBYTE_CLIENT_SECRET }}"
"""


def component_of(which: str, addresses: str = ADDRESSES) -> AirbyteWorkspaceComponent:
    text = f"workspace:\n{addresses}\n{SECRETS}\n  {which}\n"
    return read_yaml(AirbyteWorkspaceComponent, text)


def definitions_of(component: AirbyteWorkspaceComponent, path: Path) -> dg.Definitions:
    state = path / "state"
    component.write_state_to_path(state)
    return built(component, state)


def test_all_workspaces_have_assets_and_one_sensor(
    environ: Company, tmp_path: Path, memory: dg.DagsterInstance
) -> None:
    component = component_of("all_workspaces: true")
    assert isinstance(component.workspace, AirbyteInstance)
    defs = definitions_of(component, tmp_path)
    keys = {key.to_user_string() for key in defs.resolve_all_asset_keys()}
    assert keys == {
        *("sales_eu/orders", "sales_eu/users", "finance/orders", "finance/users"),
        "support/tickets",
    }
    (sensor,) = defs.get_repository_def().sensor_defs
    with component.workspace.resolved() as ready:
        assert isinstance(ready, AirbyteInstance)
        deployment = Deployment(environ.airbyte, ready, defs, memory, sensor=sensor.name)
        deployment.tick()
        job = environ.airbyte.run_sync(environ.books)
        deployment.tick()
    assert reported(deployment, "finance/orders") == [job.job_id]


def test_some_workspaces_by_variables(environ: Company, tmp_path: Path) -> None:
    component = component_of('workspace_ids: ["{{ env.FINANCE }}"]')
    assert isinstance(component.workspace, AirbyteInstance)
    assert component.workspace.workspace_ids == [dg.EnvVar("FINANCE")]
    defs = definitions_of(component, tmp_path)
    assert {key.path[0] for key in defs.resolve_all_asset_keys()} == {"finance"}


def test_of_cloud(environ: Company) -> None:
    component = component_of("all_workspaces: true", addresses="")
    assert isinstance(component.workspace, AirbyteCloudInstance)


def test_all_workspaces_false_needs_one(environ: Company) -> None:
    one = f"workspace_id: {environ.finance.workspace_id}\n  all_workspaces: false"
    assert isinstance(component_of(one).workspace, AirbyteWorkspace)


@pytest.mark.parametrize(
    "which",
    [
        "all_workspaces: false",
        "{id}\n  all_workspaces: true",
        "{id}\n  workspace_ids: [0123abcd-0123-4567-89ab-0123456789ab]",
    ],
)
def test_which_workspaces_is_said_in_one_way(environ: Company, which: str) -> None:
    text = which.format(id=f"workspace_id: {environ.finance.workspace_id}")
    with pytest.raises(Exception, match="workspace needs workspace_id, or for several"):
        component_of(text)


def test_the_keys_of_states_differ(environ: Company) -> None:
    every, some = component_of("all_workspaces: true"), "workspace_ids: ['{{ env.FINANCE }}']"
    assert every.defs_state_config.key == "AirbyteWorkspaceComponent[all]"
    assert component_of(some).defs_state_config.key == "AirbyteWorkspaceComponent[FINANCE]"
