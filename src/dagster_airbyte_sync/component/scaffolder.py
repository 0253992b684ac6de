"""What `dg scaffold defs dagster_airbyte_sync.AirbyteWorkspaceComponent NAME` writes."""

import sys
from typing import Literal

import dagster as dg
from pydantic import BaseModel, ConfigDict, Field, model_validator
from typing_extensions import Self

from dagster_airbyte_sync.component.templates import is_template

Authentication = Literal["client-credentials", "basic", "none"]

_CREDENTIALS: dict[Authentication, tuple[str, ...]] = {
    "client-credentials": ("client_id", "client_secret"),
    "basic": ("username", "password"),
    "none": (),
}
_SECRETS = ("client_secret", "password")
_FOR_SECRETS = "A template such as '{{ env.X }}'; a plain secret is not written."
_ADDRESSES = ("rest_api_base_url", "configuration_api_base_url")


class ScaffoldParams(BaseModel):
    """The options of the command. A value that is not given becomes `{{ env.AIRBYTE_... }}`.

    So does a secret, unless it is a template itself: secrets are not for files.
    """

    # The input in an error may be a secret.
    model_config = ConfigDict(hide_input_in_errors=True)

    deployment: Literal["cloud", "self-managed"] | None = Field(
        default=None,
        description=(
            "Default: self-managed if you give an address, or basic or none as authentication."
        ),
    )
    authentication: Authentication | None = Field(
        default=None, description="Default: client-credentials, or basic if you give a username."
    )
    workspace_id: str | None = None
    rest_api_base_url: str | None = None
    configuration_api_base_url: str | None = None
    client_id: str | None = None
    client_secret: str | None = Field(default=None, description=_FOR_SECRETS)
    username: str | None = None
    password: str | None = Field(default=None, description=_FOR_SECRETS)
    ui_url: str | None = Field(
        default=None,
        description="Where people open a self-managed Airbyte, if Airbyte does not know.",
    )

    @model_validator(mode="after")
    def _check_cloud(self) -> Self:
        if self.deployment == "cloud" and self._is_plainly_self_managed:
            raise ValueError(
                "Airbyte Cloud has no addresses to give, and takes client-credentials only: leave"
                " out --deployment cloud, or the other options."
            )
        return self

    @property
    def chosen_authentication(self) -> Authentication:
        return self.authentication or ("basic" if self.username else "client-credentials")

    @property
    def is_cloud(self) -> bool:
        return self.deployment != "self-managed" and not self._is_plainly_self_managed

    @property
    def _is_plainly_self_managed(self) -> bool:
        has_address = bool(self.rest_api_base_url or self.configuration_api_base_url or self.ui_url)
        return has_address or self.chosen_authentication != "client-credentials"


class AirbyteWorkspaceScaffolder(dg.Scaffolder[ScaffoldParams]):
    """Writes a `defs.yaml` with the workspace, its secrets in environment variables."""

    @classmethod
    def get_scaffold_params(cls) -> type[ScaffoldParams]:
        return ScaffoldParams

    def scaffold(self, request: dg.ScaffoldRequest[ScaffoldParams]) -> None:
        workspace = workspace_attributes(request.params)
        dg.scaffold_component(request, {"workspace": workspace})
        for name in _SECRETS:
            if getattr(request.params, name) and not _writable(request.params, name):
                where = workspace.get(name, "an environment variable")
                print(f"The {name} was not written: put it into {where}.", file=sys.stderr)


def workspace_attributes(params: ScaffoldParams) -> dict[str, str]:
    """The fields that this deployment and authentication need."""
    prefix = "AIRBYTE_CLOUD" if params.is_cloud else "AIRBYTE"
    needed = (
        *(() if params.is_cloud else _ADDRESSES),
        "workspace_id",
        *_CREDENTIALS[params.chosen_authentication],
        *(("ui_url",) if params.ui_url else ()),
    )
    return {
        name: _writable(params, name) or f"{{{{ env.{prefix}_{name.upper()} }}}}" for name in needed
    }


def _writable(params: ScaffoldParams, name: str) -> str | None:
    value: str | None = getattr(params, name)
    return None if value and name in _SECRETS and not is_template(value) else value
