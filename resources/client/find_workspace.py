"""Which workspace is meant where only the server is known."""

from dataclasses import replace
from functools import lru_cache

from dagster_airbyte_sync.resources.api import public_api
from dagster_airbyte_sync.resources.api.paging import read_unordered
from dagster_airbyte_sync.resources.api.public_api import PublicApi
from dagster_airbyte_sync.resources.errors import AirbyteSettingsError
from dagster_airbyte_sync.resources.http.frames import forgotten_locals
from dagster_airbyte_sync.resources.http.settings import AirbyteSettings
from dagster_airbyte_sync.resources.http.transport import Http


@lru_cache(32)
def find_workspace(settings: AirbyteSettings) -> AirbyteSettings:
    """The same settings with the id of the only workspace that the credentials can see.

    The id that the settings have is not looked at. One request, remembered in this process: of
    the public API, as Airbyte 1.7 took `/v1/workspaces/list` out of the other one. Raises
    AirbyteSettingsError if there is none, or more than one to choose from.
    """
    http, api = Http(settings), PublicApi(settings)
    listing = read_unordered(
        http, "workspaces", api.page_size, api.workspaces, public_api.read_workspaces
    )
    workspaces = list(listing.rows.values())
    if len(workspaces) != 1:
        names = ", ".join(f"{each.name!r} ({each.id})" for each in workspaces)
        known = f"has {len(workspaces)} workspaces: {names}. Choose one" if names else "shows none"
        raise AirbyteSettingsError(
            f"workspace_id is not set, and Airbyte at {settings.rest_api_base_url} {known}:"
            " set workspace_id."
        )
    with forgotten_locals():
        return replace(settings, workspace_id=workspaces[0].id)
