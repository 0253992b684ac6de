"""The workspace of a component, from YAML."""

import json
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteCloudWorkspace,
    AirbyteResource,
    AirbyteWorkspace,
    AirbyteWorkspaceComponent,
)
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.component_yaml import Load, read_yaml
from helpers.simulated import host_and_port

QUOTE = "'"
ID = "0123abcd-0123-4567-89ab-0123456789ab"
ADDRESSES: dict[str, Any] = {
    "rest_api_base_url": "http://localhost:8000/api/public/v1",
    "configuration_api_base_url": "http://localhost:8000/api/v1",
}


def read(**fields: object) -> AirbyteWorkspace | AirbyteCloudWorkspace:
    lines = [f"  {name}: {value}" for name, value in {"workspace_id": ID, **fields}.items()]
    component = read_yaml(AirbyteWorkspaceComponent, "\n".join(["workspace:", *lines]))
    assert isinstance(component.workspace, AirbyteWorkspace | AirbyteCloudWorkspace)
    return component.workspace


@pytest.mark.parametrize(
    "credentials",
    [{"client_id": "a", "client_secret": "b"}, {"username": "a", "password": "b"}, {}],
    ids=["client credentials", "basic", "none"],
)
def test_with_addresses_it_is_self_managed(credentials: dict[str, Any]) -> None:
    workspace = read(**ADDRESSES, **credentials)
    assert workspace == AirbyteWorkspace(workspace_id=ID, **ADDRESSES, **credentials)


def test_without_addresses_it_is_airbyte_cloud() -> None:
    workspace = read(client_id="a", client_secret="b", max_items_per_page=50)
    assert isinstance(workspace, AirbyteCloudWorkspace)
    assert workspace.max_items_per_page == 50


def test_every_field_of_the_resource_can_be_given() -> None:
    fields = {
        "request_max_retries": 1,
        "request_retry_delay": 0.5,
        "request_timeout": 5,
        "max_items_per_page": 9,
        "poll_interval": 1,
        "poll_timeout": 2,
        "wait_timeout": 3,
        "outage_timeout": 4,
        "cancel_on_termination": False,
        "partial_success": True,
        "who_started": False,
        "failure_log": False,
        "on_active_sync": "wait",
        "poll_previous_running_sync": False,
        "catalog_ttl": 7,
        "verify": False,
        "request_headers": {"X-Team": "data"},
        "proxies": {"https": "http://proxy:3128"},
        "ui_url": "https://airbyte.example.com",
    }
    workspace = read(**ADDRESSES, **fields)
    left = {"workspace_id", *ADDRESSES, "client_id", "client_secret", "username", "password"}
    assert set(AirbyteWorkspace.model_fields) - left == set(fields)
    found = {name: getattr(workspace, name) for name in fields}
    assert found == {**fields, "verify": "false"}


def test_variables_are_read_when_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """And Dagster's UI shows their names in place of secrets."""
    workspace = read(
        **ADDRESSES,
        client_id='"{{ env.AIRBYTE_ID }}"',
        client_secret='"{{env.AIRBYTE_SECRET}}"',
        request_headers="""{X-Token: "{{ env('TOKEN') }}"}""",
    )
    assert workspace.client_secret == dg.EnvVar("AIRBYTE_SECRET")
    for name in ("AIRBYTE_ID", "AIRBYTE_SECRET", "TOKEN"):
        monkeypatch.setenv(name, f"value of {name}")
    with workspace.resolved() as ready:
        assert ready.client_secret == "value of AIRBYTE_SECRET"
        assert ready.request_headers == {"X-Token": "value of TOKEN"}


@pytest.mark.parametrize(
    "written", ["env.SECRET", "env('SECRET')", 'env("SECRET")', "- env( 'SECRET' ) -"]
)
def test_no_spelling_of_a_variable_shows_its_secret(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, written: str
) -> None:
    monkeypatch.setenv("SECRET", "s3cret-word")
    workspace = read(client_id="a", client_secret=f"'{{{{{written.replace(QUOTE, QUOTE * 2)}}}}}'")
    assert workspace.client_secret == dg.EnvVar("SECRET")
    assert not caplog.records


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("client_secret", "{{ env('SECRET', 'none') }}"),
        ("client_secret", "x{{ env.SECRET }}"),
        ("request_headers", {"Authorization": "Bearer {{ env.SECRET }}"}),
        ("request_headers", "{{ {'Authorization': env.SECRET} }}"),
        ("proxies", {"https": "http://me:{{ env.SECRET }}@proxy:3128"}),
    ],
)
def test_a_template_that_shows_a_secret_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, field: str, written: object
) -> None:
    """It works, as in Python, but Dagster's UI shows it."""
    monkeypatch.setenv("SECRET", "s3cret-word")
    fields = {"client_id": "a", "client_secret": "b", field: written}
    workspace = read(**{name: json.dumps(value) for name, value in fields.items()})
    assert "s3cret-word" in str(getattr(workspace, field))
    assert f"workspace.{field}: its template is filled in" in caplog.text
    assert "s3cret-word" not in caplog.text


def test_a_template_variable_may_return_an_env_var(caplog: pytest.LogCaptureFixture) -> None:
    text = f"workspace: {{workspace_id: {ID}, client_id: a, client_secret: '{{{{ mine }}}}'}}"
    component = read_yaml(
        AirbyteWorkspaceComponent, text, scope={"mine": dg.EnvVar("AIRBYTE_SECRET")}
    )
    assert isinstance(component.workspace, AirbyteCloudWorkspace)
    assert component.workspace.client_secret == dg.EnvVar("AIRBYTE_SECRET")
    assert not caplog.records


def test_a_number_may_come_from_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECONDS", "42")
    assert read(**ADDRESSES, request_timeout='"{{ env.SECONDS }}"').request_timeout == 42


def test_a_variable_may_be_a_part_of_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRBYTE_HOST", "airbyte.example.com")
    addresses = {
        "rest_api_base_url": '"https://{{ env.AIRBYTE_HOST }}/api/public/v1"',
        "configuration_api_base_url": '"https://{{ env.AIRBYTE_HOST }}/api/v1"',
    }
    workspace = read(**addresses)
    assert isinstance(workspace, AirbyteWorkspace)
    assert workspace.rest_api_base_url == "https://airbyte.example.com/api/public/v1"


def test_a_secret_that_looks_like_a_number_stays_as_it_is() -> None:
    assert read(client_id='"0123"', client_secret='"1e5"').client_secret == "1e5"


def test_a_template_variable_may_hold_the_workspace() -> None:
    mine = AirbyteWorkspace(workspace_id=ID, **ADDRESSES)
    component = read_yaml(
        AirbyteWorkspaceComponent, 'workspace: "{{ mine }}"', scope={"mine": mine}
    )
    assert component.workspace is mine


class TheirWorkspace(dg.ConfigurableResource[object]):
    """With the shape of dagster-airbyte's."""

    workspace_id: str
    rest_api_base_url: str
    configuration_api_base_url: str
    client_id: str | None = None
    client_secret: str | None = None
    request_max_retries: int = 3
    poll_interval: float = 10


def made(kind: str, airbyte: AirbyteSimulator) -> object:
    """A workspace of some kind, for a template variable."""
    settings = airbyte.workspace_config()
    if kind == "AirbyteResource":
        return AirbyteResource(
            **host_and_port(airbyte),
            workspace_id=settings["workspace_id"],
            client_id=settings["client_id"],
            client_secret=settings["client_secret"],
            poll_interval=0.1,
        )
    kinds = {"ours": AirbyteWorkspace, "theirs": TheirWorkspace}
    return kinds[kind](**settings, poll_interval=0.1)


@pytest.mark.parametrize("kind", ["ours", "theirs", "AirbyteResource"])
def test_whatever_a_template_variable_holds_syncs(
    load: Load, airbyte: AirbyteSimulator, instance: dg.DagsterInstance, kind: str
) -> None:
    airbyte.update_connection(airbyte.connection("crm"), sync_seconds=0)
    loaded = load(
        'workspace: "{{ mine }}"\nconnection_selector: {by_name: crm}', mine=made(kind, airbyte)
    )
    run = loaded.defs.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance)
    assert run.success
    assert len(airbyte.jobs) == 1
