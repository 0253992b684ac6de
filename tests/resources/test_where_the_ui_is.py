"""Links lead to where people open Airbyte, not to a placeholder or into somebody's cluster."""

from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteCloudWorkspace, AirbyteSettingsError, AirbyteWorkspace
from dagster_airbyte_sync.resources import AirbyteClient
from dagster_airbyte_sync.resources.api.instance import read_instance
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault

Connect = Callable[..., AirbyteClient]

API = "https://airbyte.corp.test/api/v1"
BESIDE = "https://airbyte.corp.test"


def ui(said: object, api: str = API, given: str | None = None) -> str:
    return read_instance({"airbyteUrl": said, "version": "2.1.0"}, api, given).ui_url


@pytest.mark.parametrize(
    "said",
    [
        "https://ui.corp.test",
        "http://ui.corp.test:8080/airbyte",
        "HTTPS://ui.corp.test",
        "https://10.0.0.7",
        "https://[2001:db8::1]:8443",
        "https://airbyte.corp.internal",
    ],
)
def test_an_address_that_people_can_open_is_taken(said: str) -> None:
    assert ui(said) == ui(f"{said}/") == ui(f" {said} ") == said


@pytest.mark.parametrize(
    "said",
    [
        None,
        "",
        " ",
        7,
        "airbyte-url-not-configured",
        "http://airbyte-url-not-configured",
        "airbyte.corp.test",
        "//ui.corp.test",
        "https://",
        "javascript:alert(1)",
        "ftp://ui.corp.test",
        "file:///etc/passwd",
        "https://ann:hunter2@ui.corp.test",
        "https://ui.corp.test?next=x",
        "https://ui.corp.test#x",
        "https://ui corp.test",
        "https://ui.corp.test:99999",
        "http://[::1",
        "http://localhost:8080",
        "http://LOCALHOST",
        "http://ui.localhost",
        "http://127.0.0.1:8000",
        "http://127.8.9.1",
        "http://[::1]:8000",
        "http://0.0.0.0:8000",
        "http://airbyte-webapp:80",
        "http://airbyte-airbyte-webapp-svc.airbyte:80",
        "http://airbyte-webapp.airbyte.svc",
        "http://airbyte-webapp.airbyte.svc.cluster.local:80",
        "http://host.docker.internal:8000",
    ],
)
def test_for_what_nobody_can_open_the_address_beside_the_api_is_taken(said: object) -> None:
    assert ui(said) == BESIDE


@pytest.mark.parametrize("api", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "a.localhost"])
@pytest.mark.parametrize("said", ["http://localhost:8080", "http://127.0.0.1", "http://[::1]"])
def test_who_has_airbyte_on_the_own_machine_opens_it_beside_the_api(api: str, said: str) -> None:
    assert ui(said, f"http://{api}/api/v1") == f"http://{api}"


@pytest.mark.parametrize(
    "api", ["http://airbyte-server:8001/api/v1", "http://x.airbyte.svc/api/v1"]
)
def test_a_name_inside_a_cluster_is_taken_if_the_api_has_one_too(api: str) -> None:
    assert ui("http://airbyte-webapp:80", api) == "http://airbyte-webapp:80"
    assert ui("http://localhost:8000", api) == api.removesuffix("/api/v1")


@pytest.mark.parametrize("said", ["https://ui.corp.test", "airbyte-url-not-configured", None])
def test_what_the_workspace_says_wins(said: object) -> None:
    assert ui(said, given="http://localhost:9") == "http://localhost:9"


@pytest.mark.parametrize(
    ("said", "led"),
    [
        ("airbyte-url-not-configured", None),
        ("http://airbyte-webapp.airbyte.svc:80", None),
        ("https://ui.corp.test/", "https://ui.corp.test"),
    ],
)
def test_a_client_leads_there(connect: Connect, said: str, led: str | None) -> None:
    with AirbyteSimulator(airbyte_url=said) as airbyte:
        assert connect(airbyte).ui_url() == (led or airbyte.url)


def test_a_client_leads_where_the_workspace_says_whether_airbyte_answers_or_not(
    airbyte: AirbyteSimulator,
) -> None:
    airbyte.add_fault(Fault.status(503), path="instance_configuration", times=None)
    given: dict[str, Any] = {**airbyte.workspace_config(), "ui_url": "https://ui.corp.test/"}
    with AirbyteWorkspace(**given, request_max_retries=0).resolved() as workspace:
        assert workspace.get_client().ui_url() == "https://ui.corp.test"


def test_the_field_may_come_from_the_environment(
    airbyte: AirbyteSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = AirbyteWorkspace(**airbyte.workspace_config(), ui_url=dg.EnvVar("UI"))
    for held, meant in (("https://ui.corp.test/", "https://ui.corp.test"), ("", None)):
        monkeypatch.setenv("UI", held)
        with workspace.resolved() as ready:
            assert ready.settings().ui_url == meant
    monkeypatch.setenv("UI", "airbyte.corp.test")
    with pytest.raises(AirbyteSettingsError, match="ui_url is"), workspace.resolved():
        pass


@pytest.mark.parametrize(
    "wrong", ["airbyte.test", "ftp://airbyte.test", "https://", "https://me:hunter2@airbyte.test"]
)
def test_a_wrong_one_is_refused_where_it_is_written(airbyte: AirbyteSimulator, wrong: str) -> None:
    with pytest.raises(AirbyteSettingsError, match="ui_url") as error:
        AirbyteWorkspace(**airbyte.workspace_config(), ui_url=wrong)
    assert "hunter2" not in str(error.value)


def test_airbyte_cloud_has_no_such_field() -> None:
    fields: dict[str, Any] = {"workspace_id": "w", "client_id": "a", "client_secret": "b"}
    assert "ui_url" not in AirbyteCloudWorkspace.model_fields
    assert AirbyteCloudWorkspace(**fields).client_id == "a"
