"""Workspaces of dagster-airbyte itself, known by their shape: it need not be installed."""

from typing import Any

import dagster as dg

from dagster_airbyte_sync.resources.errors import AirbyteSettingsError
from dagster_airbyte_sync.resources.http.frames import forgets_arguments
from dagster_airbyte_sync.resources.workspace import (
    BaseAirbyteWorkspace,
    CloudWorkspace,
    SelfManagedWorkspace,
)


@forgets_arguments
def as_workspace(value: object, what: str = "workspace") -> BaseAirbyteWorkspace:
    """The workspace itself if it is ours; one with the same settings if it is dagster-airbyte's.

    EnvVars stay EnvVars. Raises AirbyteSettingsError, which calls it `what`, for anything else.
    """
    if isinstance(value, BaseAirbyteWorkspace):
        return value
    fields = set(type(value).model_fields) if isinstance(value, dg.ConfigurableResource) else set()
    if "workspace_id" not in fields or "request_max_retries" not in fields:
        raise AirbyteSettingsError(
            f"{what} is a {type(value).__name__}, and must be an AirbyteWorkspace or"
            " AirbyteCloudWorkspace."
        )
    # In dagster-airbyte, the addresses of Cloud are constants.
    ours = SelfManagedWorkspace if "rest_api_base_url" in fields else CloudWorkspace
    shared: dict[str, Any] = {
        name: getattr(value, name) for name in fields.intersection(ours.model_fields)
    }
    return ours(**shared)
