"""`workspace:`, the fields of the resources, in YAML."""

import logging
from typing import Any, get_origin

import dagster as dg
from pydantic import BaseModel, Field, create_model
from pydantic.fields import FieldInfo

from dagster_airbyte_sync.component.templates import (
    in_one_sentence,
    rendered,
    rendered_later,
    shown_secrets,
)
from dagster_airbyte_sync.resources import (
    AirbyteSettingsError,
    BaseAirbyteWorkspace,
    forgets_arguments,
)
from dagster_airbyte_sync.workspace import (
    AirbyteCloudInstance,
    AirbyteCloudWorkspace,
    AirbyteInstance,
    AirbyteWorkspace,
    as_syncing_workspace,
)

_SECRETS = [name for name, field in AirbyteWorkspace.model_fields.items() if not field.repr]
ALL = "all_workspaces"
_ADDRESSES = ("rest_api_base_url", "configuration_api_base_url")

_SHOWN = (
    "workspace.%s: its template is filled in when definitions load, and Dagster's UI shows the"
    " resource with what it held. If that is secret, put the whole value into a variable, and write"
    ' "{{ env.X }}"; or let the template return a dg.EnvVar.'
)
log = logging.getLogger("dagster_airbyte_sync")


def _in_yaml(name: str, field: FieldInfo) -> tuple[Any, Any]:
    """The field's type and default in YAML, where a template may stand for any value."""
    values = dict[str, str] if get_origin(field.annotation) is dict else field.annotation
    # A switch, or the path of a file.
    also = bool if name == "verify" else None
    return values | str | also | None, Field(None, description=field.description)


_FIELDS: dict[str, Any] = {
    **{name: _in_yaml(name, field) for name, field in AirbyteWorkspace.model_fields.items()},
    "workspace_ids": (
        list[str] | None,
        Field(None, description="Instead of workspace_id: the ids of several workspaces."),
    ),
    ALL: (
        bool | str | None,
        Field(None, description="Instead of workspace_id: all workspaces the credentials can see."),
    ),
}
# With both addresses it is a self-managed workspace, without them one of Cloud.
WorkspaceFields: type[BaseModel] = create_model("AirbyteFields", __base__=dg.Model, **_FIELDS)


@forgets_arguments
@in_one_sentence
def resolve_workspace(
    context: dg.ResolutionContext, fields: str | BaseModel
) -> BaseAirbyteWorkspace:
    """The resource that the fields describe, or the one that a template variable holds."""
    if isinstance(fields, str):
        return as_syncing_workspace(rendered(context, fields))
    written = fields.model_dump(exclude_unset=True, exclude_none=True)
    values = {name: rendered_later(context.at_path(name), value) for name, value in written.items()}
    for name in _SECRETS:
        if shown_secrets(written.get(name), values.get(name)):
            log.warning(_SHOWN, name)
    return workspace_of(values)


def workspace_of(values: dict[str, Any]) -> BaseAirbyteWorkspace:
    """A self-managed workspace if it has addresses, one of Cloud if it has none; an instance if it
    is of several."""
    which = [name for name in ("workspace_id", "workspace_ids", ALL) if values.get(name)]
    if len(which) != 1:
        given = " and ".join(which) or "none of them"
        raise AirbyteSettingsError(
            "workspace needs workspace_id, or for several of them workspace_ids, or all_workspaces:"
            f" true; and has {given}."
        )
    is_one = which == ["workspace_id"]
    own: type[BaseAirbyteWorkspace] = AirbyteWorkspace if is_one else AirbyteInstance
    cloud: type[BaseAirbyteWorkspace]
    cloud = AirbyteCloudWorkspace if is_one else AirbyteCloudInstance
    values = {name: value for name, value in values.items() if name != ALL and value is not None}
    missing = [name for name in _ADDRESSES if name not in values]
    if not missing:
        return own(**values)
    if len(missing) == 1:
        raise AirbyteSettingsError(
            f"workspace.{missing[0]} is missing: a self-managed Airbyte needs both addresses,"
            " Airbyte Cloud neither."
        )
    of_cloud = cloud.model_fields
    needed = {name for name, field in of_cloud.items() if field.is_required()}
    if not needed <= values.keys() <= of_cloud.keys():
        raise AirbyteSettingsError(
            "workspace has no rest_api_base_url and no configuration_api_base_url, so it is one of"
            " Airbyte Cloud, which needs client_id and client_secret and has no username and no"
            " ui_url. Give those, or the two addresses of your own Airbyte."
        )
    return cloud(**values)
