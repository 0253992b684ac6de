"""Airbyte Cloud: two hosts, of which only one lets applications in."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypedDict

from dagster_airbyte_sync.testing.wire import problems

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

API_HOST = "api.airbyte.com"
UI_HOST = "cloud.airbyte.com"


class CloudWorkspaceConfig(TypedDict):
    """The keyword arguments of an `AirbyteCloudWorkspace`, besides the way to the simulator."""

    workspace_id: str
    client_id: str
    client_secret: str


class CloudHosts:
    """Serves the public API under one host, the UI and its closed API under the other.

    A request that names neither in its Host header finds nothing.
    """

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        host = str(environ.get("HTTP_HOST", "")).partition(":")[0]
        path = served_path(host, environ["PATH_INFO"])
        if path is None:
            return problems.no_such_page()(environ, start_response)
        return self._app({**environ, "PATH_INFO": path}, start_response)


def served_path(host: str, path: str) -> str | None:
    """Where a self-managed Airbyte has what Cloud has under this host; None if it has nothing."""
    if host == API_HOST and path.startswith("/v1/"):
        return f"/api/public{path}"
    if host == UI_HOST and path.startswith(("/api/v1/", "/workspaces/")):
        return path
    return None
