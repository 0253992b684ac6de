"""The resource that dagster-airbyte had before its workspaces."""

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from dagster_airbyte_sync.assets import AirbyteRunConfig, SyncEvent, SyncsAssets
from dagster_airbyte_sync.legacy.new_settings import new_settings, settings_for_requests
from dagster_airbyte_sync.resources import (
    NO_SYNC_BY_ID,
    AirbyteSettings,
    AirbyteSettingsError,
    LegacyWarning,
    find_workspace,
    forgets_arguments,
)
from dagster_airbyte_sync.workspace import AirbyteWorkspace

# Stands for a workspace that is still to be found.
_ANY = "00000000-0000-0000-0000-000000000000"

_NO_LOGS = (
    "forward_logs no longer has an effect: Airbyte's logs are not copied into the run. Each"
    " materialization links to its job, where they are; a failure has Airbyte's own reason."
)

_CATALOG = "fetch_catalog() has connections, with their streams, and destinations"
_NOTHING = "nothing here sends requests for you: requests.post(...) does"

# What replaces each method that is gone.
SUCCESSORS = {
    "start_sync": "get_client().start_sync(connection_id) returns the Job",
    "get_job_status": "get_client().job(job_id) returns the Job",
    "cancel_job": "get_client().cancel(job_id) does the same",
    "get_connection_details": _CATALOG,
    "get_default_workspace": "settings().workspace_id is its id",
    "get_source_schema": _CATALOG,
    "make_request": _NOTHING,
    "make_request_cached": _NOTHING,
}


class AirbyteResource(SyncsAssets):
    """A self-managed Airbyte, with the fields of dagster-airbyte's AirbyteResource.

    It works wherever an AirbyteWorkspace does, which replaces it. Without `workspace_id`, the
    server must have exactly one workspace. `client_id` and `client_secret` are new, because Airbyte
    1.0 and later has no user and password (a proxy in front of it may).
    """

    workspace_id: str = Field(
        default="", description="Only needed if the server has several workspaces."
    )
    host: str = Field(description="The host name or address of Airbyte's server.")
    port: str = Field(description='Its port; "" for the default.')
    use_https: bool = Field(default=False, description="Whether to use HTTPS.")
    username: str | None = Field(
        default=None,
        description="The user name for a proxy with basic authentication in front of Airbyte.",
    )
    password: str | None = Field(default=None, repr=False, description="The password of that user.")
    client_id: str | None = Field(
        default=None, description="The client id of an Airbyte application."
    )
    client_secret: str | None = Field(
        default=None, repr=False, description="The client secret of that application."
    )
    # None by default: a copy made from all fields must not overrule cancel_on_termination.
    cancel_sync_on_run_termination: bool | None = Field(
        default=None, description="The former name of cancel_on_termination."
    )
    forward_logs: bool | None = Field(default=None, description="No longer has any effect.")
    request_additional_params: dict[str, Any] = Field(
        default_factory=dict,
        repr=False,
        description="Arguments for `requests`: headers, verify, proxies, timeout, auth.",
    )

    if not TYPE_CHECKING:

        @forgets_arguments
        def __init__(self, **given: object) -> None:
            if given.get("cancel_sync_on_run_termination") is not None:
                given["cancel_on_termination"] = given["cancel_sync_on_run_termination"]
            if given.get("forward_logs") is not None:
                warnings.warn(_NO_LOGS, LegacyWarning, stacklevel=3)
            if given.get("workspace_id") in ("", None):
                given.pop("workspace_id", None)
            super().__init__(**given)
            settings_for_requests(self.request_additional_params)

        def __getattr__(self, name: str) -> object:
            if name in SUCCESSORS:
                raise AirbyteSettingsError(
                    f"AirbyteResource.{name} was removed: {SUCCESSORS[name]}."
                )
            return super().__getattr__(name)

    def sync_and_poll(
        self,
        context: dg.AssetExecutionContext | str | None = None,
        connection_id: str | None = None,
        poll_interval: float | None = None,
        poll_timeout: float | None = None,
        *,
        config: AirbyteRunConfig | None = None,
    ) -> Iterator[SyncEvent]:
        """Sync the connection of the running asset definition and report each of its tables.

        If you pass a connection's id, as before, AirbyteSettingsError says what to use instead.
        """
        if context is None or isinstance(context, str) or connection_id is not None:
            raise AirbyteSettingsError(NO_SYNC_BY_ID)
        return super().sync_and_poll(context, config=config)

    def given(self) -> dict[str, Any]:
        """Return the value of each field, EnvVars unread."""
        return {name: getattr(self, name) for name in type(self).model_fields}

    @forgets_arguments
    def settings(self) -> AirbyteSettings:
        self._check_is_resolved()
        arguments = new_settings(self.given())
        arguments["workspace_id"] = self.workspace_id or _ANY
        settings = AirbyteWorkspace(**arguments).settings()
        return settings if self.workspace_id else find_workspace(settings)


@dg.resource(config_schema=AirbyteResource.to_config_schema())
def airbyte_resource(context: dg.InitResourceContext) -> AirbyteResource:
    """AirbyteResource in Dagster's older style: `airbyte_resource.configured({...})`."""
    made = AirbyteResource.from_resource_context(context)
    assert isinstance(made, AirbyteResource)
    return made
