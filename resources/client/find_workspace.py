"""Which workspace is meant where only the server is known."""

import logging
from dataclasses import replace
from functools import lru_cache

from dagster_airbyte_sync.resources.api import public_api
from dagster_airbyte_sync.resources.api.paging import Page, rows_of_unordered, warn_if_incomplete
from dagster_airbyte_sync.resources.api.public_api import PublicApi, WorkspaceName
from dagster_airbyte_sync.resources.errors import AirbyteSettingsError
from dagster_airbyte_sync.resources.http.frames import forgotten_locals
from dagster_airbyte_sync.resources.http.settings import AirbyteSettings
from dagster_airbyte_sync.resources.http.transport import Http, require

_log = logging.getLogger(__name__)


@lru_cache(32)
def find_workspace(settings: AirbyteSettings) -> AirbyteSettings:
    """The same settings with the id of the only workspace that the credentials can see.

    The id that the settings have is not looked at. One request, remembered in this process: of
    the public API, as Airbyte 1.7 took `/v1/workspaces/list` out of the other one. Raises
    AirbyteSettingsError if there is none, or more than one to choose from.
    """
    found = _list_workspaces(settings)
    if len(found) != 1:
        names = ", ".join(f"{each.name!r} ({each.id})" for each in found)
        known = f"has {len(found)} workspaces: {names}. Choose one" if found else "shows none"
        raise AirbyteSettingsError(
            f"workspace_id is not set, and Airbyte at {settings.rest_api_base_url} {known}:"
            " set workspace_id."
        )
    with forgotten_locals():
        return replace(settings, workspace_id=found[0].id)


def _list_workspaces(settings: AirbyteSettings) -> list[WorkspaceName]:
    http, api = Http(settings), PublicApi(settings.rest_api_base_url, settings.workspace_id)
    size = public_api.page_size(settings.max_items_per_page)

    def page(offset: int) -> Page[WorkspaceName]:
        call = api.workspaces(offset, size)
        return require(call, "workspaces", public_api.read_workspaces(http.send(call)))

    listing = rows_of_unordered(size, page)
    warn_if_incomplete(listing, "workspaces", _log)
    return list(listing.rows.values())
