"""The simulator as Airbyte Cloud: two hosts, one of them closed."""

from collections.abc import Iterator

import pytest
import requests

from dagster_airbyte_sync.testing import AirbyteSimulator

API, UI = "api.airbyte.com", "cloud.airbyte.com"


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(cloud=True) as airbyte:
        yield airbyte


def ask(
    airbyte: AirbyteSimulator, host: str, path: str, body: object = None, token: str = ""
) -> requests.Response:
    headers = {"Host": host, "Authorization": f"Bearer {token}"}
    method = "GET" if body is None else "POST"
    return requests.request(method, airbyte.url + path, json=body, headers=headers, timeout=5)


@pytest.fixture
def token(airbyte: AirbyteSimulator) -> str:
    settings = airbyte.cloud_workspace_config()
    found: str = ask(airbyte, API, "/v1/applications/token", settings).json()["access_token"]
    return found


def test_the_public_api_is_at_the_root_of_its_host(airbyte: AirbyteSimulator, token: str) -> None:
    workspace = ask(airbyte, API, f"/v1/workspaces/{airbyte.workspace_id}", token=token)
    assert workspace.json()["workspaceId"] == airbyte.workspace_id
    assert ask(airbyte, API, "/v1/jobs", token="none").status_code == 401


@pytest.mark.parametrize(
    "path", ["/connections/list", "/jobs/list_for_workspaces", "/instance_configuration"]
)
def test_the_configuration_api_lets_nobody_in(
    airbyte: AirbyteSimulator, token: str, path: str
) -> None:
    body = {"workspaceId": airbyte.workspace_id}
    assert ask(airbyte, UI, f"/api/v1{path}", body, token).status_code == 403


def test_job_pages_are_at_the_host_of_the_ui(airbyte: AirbyteSimulator) -> None:
    assert "job 7" in ask(airbyte, UI, "/workspaces/w/connections/c/timeline?jobId=7").text


@pytest.mark.parametrize("path", ["/workspaces/", "/connections/", "/destinations/"])
def test_what_does_not_exist_is_forbidden(airbyte: AirbyteSimulator, token: str, path: str) -> None:
    unknown = "5ae6b09b-fdec-41af-aaf7-7d94cfc33ef6"
    assert ask(airbyte, API, f"/v1{path}{unknown}", token=token).status_code == 403


@pytest.mark.parametrize(
    ("host", "path"),
    [(API, "/api/public/v1/health"), (UI, "/v1/health"), ("127.0.0.1", "/api/public/v1/health")],
)
def test_each_host_has_its_own_paths_and_no_other(
    airbyte: AirbyteSimulator, host: str, path: str
) -> None:
    assert ask(airbyte, host, path).status_code == 404
