"""What `dg scaffold defs` writes for each deployment and authentication."""

from pathlib import Path

import dagster as dg
import pytest
import yaml
from pydantic import ValidationError

from dagster_airbyte_sync import AirbyteWorkspaceComponent
from dagster_airbyte_sync.component.scaffolder import AirbyteWorkspaceScaffolder, ScaffoldParams

ADDRESSES = {
    name: f"{{{{ env.AIRBYTE_{name.upper()} }}}}"
    for name in ("rest_api_base_url", "configuration_api_base_url")
}
ID = {"workspace_id": "{{ env.AIRBYTE_WORKSPACE_ID }}"}


def scaffolded(folder: Path, **options: str) -> dict[str, str]:
    """The workspace in the file that is written."""
    request = dg.ScaffoldRequest(
        type_name="dagster_airbyte_sync.AirbyteWorkspaceComponent",
        target_path=folder,
        scaffold_format="yaml",
        project_root=None,
        params=ScaffoldParams.model_validate(options),
    )
    AirbyteWorkspaceScaffolder().scaffold(request)
    written = yaml.safe_load((folder / "defs.yaml").read_text())
    assert written["type"] == "dagster_airbyte_sync.AirbyteWorkspaceComponent"
    attributes: dict[str, dict[str, str]] = written["attributes"]
    AirbyteWorkspaceComponent.resolve_from_yaml(yaml.safe_dump(attributes))
    return attributes["workspace"]


def test_without_options_it_is_airbyte_cloud(tmp_path: Path) -> None:
    assert scaffolded(tmp_path) == {
        "workspace_id": "{{ env.AIRBYTE_CLOUD_WORKSPACE_ID }}",
        "client_id": "{{ env.AIRBYTE_CLOUD_CLIENT_ID }}",
        "client_secret": "{{ env.AIRBYTE_CLOUD_CLIENT_SECRET }}",
    }


def test_the_call_that_dagster_airbytes_page_shows_writes_what_it_writes_there(
    tmp_path: Path,
) -> None:
    options = {
        "workspace_id": "test_workspace",
        "client_id": "{{ env.AIRBYTE_CLIENT_ID }}",
        "client_secret": "{{ env.AIRBYTE_CLIENT_SECRET }}",
    }
    assert scaffolded(tmp_path, **options) == options


def test_self_managed_with_client_credentials(tmp_path: Path) -> None:
    assert scaffolded(tmp_path, deployment="self-managed") == {
        **ADDRESSES,
        **ID,
        "client_id": "{{ env.AIRBYTE_CLIENT_ID }}",
        "client_secret": "{{ env.AIRBYTE_CLIENT_SECRET }}",
    }


@pytest.mark.parametrize("option", [{"authentication": "basic"}, {"username": "ann"}])
def test_self_managed_with_basic_authentication(tmp_path: Path, option: dict[str, str]) -> None:
    assert scaffolded(tmp_path, **option) == {
        **ADDRESSES,
        **ID,
        "username": option.get("username", "{{ env.AIRBYTE_USERNAME }}"),
        "password": "{{ env.AIRBYTE_PASSWORD }}",
    }


def test_self_managed_without_authentication(tmp_path: Path) -> None:
    assert scaffolded(tmp_path, authentication="none") == {**ADDRESSES, **ID}


def test_given_values_are_written_as_they_are(tmp_path: Path) -> None:
    url = "http://airbyte/api/public/v1"
    assert scaffolded(tmp_path, rest_api_base_url=url)["rest_api_base_url"] == url


def test_where_the_ui_is_can_be_given_and_is_no_part_of_cloud(tmp_path: Path) -> None:
    written = scaffolded(tmp_path, ui_url="https://airbyte.example.com")
    assert written["ui_url"] == "https://airbyte.example.com"
    assert written["rest_api_base_url"] == ADDRESSES["rest_api_base_url"]
    with pytest.raises(ValidationError, match="Airbyte Cloud has no addresses"):
        ScaffoldParams(deployment="cloud", ui_url="https://airbyte.example.com")


@pytest.mark.parametrize(
    ("name", "more"), [("client_secret", {}), ("password", {"authentication": "basic"})]
)
def test_a_secret_is_not_written_into_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, more: dict[str, str]
) -> None:
    written = scaffolded(tmp_path, **more, **{name: "s3cret-word", "deployment": "self-managed"})
    variable = f"{{{{ env.AIRBYTE_{name.upper()} }}}}"
    assert written[name] == variable
    assert "s3cret-word" not in (tmp_path / "defs.yaml").read_text()
    said = capsys.readouterr().err
    assert f"The {name} was not written" in said
    assert variable in said
    assert "s3cret-word" not in said


def test_a_template_in_place_of_a_secret_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template = "{{ env.MY_SECRET }}"
    assert scaffolded(tmp_path, client_secret=template)["client_secret"] == template
    assert not capsys.readouterr().err


def test_a_refusal_prints_no_secret() -> None:
    with pytest.raises(ValidationError) as caught:
        ScaffoldParams(deployment="cloud", authentication="basic", password="s3cret-word")
    assert "s3cret-word" not in str(caught.value)


def test_cloud_with_what_only_self_managed_has_is_refused() -> None:
    with pytest.raises(ValidationError, match="Airbyte Cloud has no addresses"):
        ScaffoldParams(deployment="cloud", authentication="basic")
