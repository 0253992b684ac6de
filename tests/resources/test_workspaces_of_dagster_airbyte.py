"""A workspace with the shape of dagster-airbyte's is taken for one of ours; nothing else is."""

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteSettingsError, AirbyteWorkspace, airbyte_assets
from dagster_airbyte_sync.resources import CloudWorkspace, SelfManagedWorkspace, as_workspace
from helpers.their_workspaces import TheirCloud, TheirSelfManaged

WORKSPACE = "5ae6b09b-fdec-41af-aaf7-7d94cfc33ef6"


class Other(dg.ConfigurableResource[object]):
    workspace_id: str


def test_ours_is_itself() -> None:
    ours = AirbyteWorkspace(
        rest_api_base_url="http://airbyte.test/api/public/v1",
        configuration_api_base_url="http://airbyte.test/api/v1",
        workspace_id=WORKSPACE,
    )

    assert as_workspace(ours) is ours


def test_a_self_managed_one_keeps_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRBYTE_URL", "http://airbyte.test/api/public/v1")
    taken = as_workspace(
        TheirSelfManaged(
            workspace_id=WORKSPACE,
            rest_api_base_url=dg.EnvVar("AIRBYTE_URL"),
            configuration_api_base_url="http://airbyte.test/api/v1",
            client_id="me",
            client_secret="hunter2",
            request_max_retries=7,
        )
    )

    assert isinstance(taken, SelfManagedWorkspace)
    with taken.resolved() as ready:
        settings = ready.settings()
    assert settings.rest_api_base_url == "http://airbyte.test/api/public/v1"
    assert settings.client_secret == "hunter2"
    assert settings.request_max_retries == 7


def test_one_without_an_address_is_of_cloud() -> None:
    taken = as_workspace(
        TheirCloud(workspace_id=WORKSPACE, client_id="me", client_secret="hunter2")
    )

    assert isinstance(taken, CloudWorkspace)
    assert taken.settings().is_cloud


@pytest.mark.parametrize("given", [None, "airbyte", Other(workspace_id=WORKSPACE), TheirCloud])
def test_anything_else_is_refused_by_its_name(given: object) -> None:
    with pytest.raises(AirbyteSettingsError, match=rf"The thing is a {type(given).__name__}, and"):
        as_workspace(given, "The thing")


def test_the_decorator_refuses_one_as_its_own_sync_and_poll_would_fail_in_each_run() -> None:
    theirs = TheirCloud(workspace_id=WORKSPACE, client_id="me", client_secret="hunter2")

    with pytest.raises(
        AirbyteSettingsError,
        match=r"workspace is helpers\.their_workspaces\.TheirCloud, .* from dagster_airbyte_sync",
    ):
        airbyte_assets(connection_id="any", workspace=theirs)  # type: ignore[arg-type]


def test_the_decorator_refuses_anything_else_by_its_name() -> None:
    with pytest.raises(AirbyteSettingsError, match="workspace is a str, and must be"):
        airbyte_assets(connection_id="any", workspace="airbyte")  # type: ignore[arg-type]
