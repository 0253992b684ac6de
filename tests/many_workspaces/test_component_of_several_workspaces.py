"""The component in YAML, of a list of workspaces, or of all."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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


def variable(name: str) -> str:
    return f"{{{{ env.{name} }}}}"


def component_from(settings: Mapping[str, Any]) -> AirbyteWorkspaceComponent:
    """A component of these settings, and of all workspaces if they do not say which."""
    addresses = {
        "rest_api_base_url": variable("AIRBYTE_URL"),
        "configuration_api_base_url": "http://localhost:8000/api/v1",
    }
    which = {} if "workspace_ids" in settings else {"all_workspaces": True}
    secrets = {"client_id": variable("ID"), "client_secret": variable("SECRET")}
    written = {**addresses, **which, **secrets, **settings}
    given = {name: value for name, value in written.items() if value is not None}
    return read_yaml(AirbyteWorkspaceComponent, f"workspace: {json.dumps(given)}")


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


def key_of(**settings: Any) -> str:
    key: str = component_from(settings).defs_state_config.key
    return key


def test_no_two_components_have_the_key_of_one_state() -> None:
    """By the names of variables, which may have no content as the key is made."""
    at, ids = ("AIRBYTE_URL", "OTHER_URL"), "AIRBYTE_SALES_ID AIRBYTE_FINANCE_ID AIRBYTE_HR_ID"
    sales, finance, hr = map(variable, ids.split())
    keys = [
        *(key_of(rest_api_base_url=variable(each)) for each in at),
        *(key_of(rest_api_base_url=f"https://{each}/api/public/v1") for each in ("one", "two:80")),
        *(key_of(client_id=variable(each)) for each in ("ONE_ID", "OTHER_ID")),
        *(key_of(workspace_ids=ids) for ids in ([sales], [sales, finance], [sales, hr])),
        key_of(workspace_ids=["0123abcd-0123-4567-89ab-0123456789ab", finance]),
        *(key_of(workspace_ids=[*([finance] * 50), last]) for last in (sales, hr)),
        key_of(rest_api_base_url=None, configuration_api_base_url=None),
    ]
    assert len(set(keys)) == len(keys)
    assert max(map(len, keys)) < 150
    assert keys[0] == "AirbyteWorkspaceComponent[AIRBYTE_URL/all+ID]"
    assert keys[2] == "AirbyteWorkspaceComponent[one/all+ID]"
    assert keys[8].endswith("/AIRBYTE_SALES_ID+AIRBYTE_HR_ID]")
    assert keys[9].endswith("/0123abcd+AIRBYTE_FINANCE_ID]")
    assert keys[-1] == "AirbyteWorkspaceComponent[api.airbyte.com/v1/all+ID]"
