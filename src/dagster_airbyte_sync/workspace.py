"""The resources that users put into their definitions."""

from dagster_airbyte_sync.assets import SyncsAssets
from dagster_airbyte_sync.resources import (
    CloudInstance,
    CloudWorkspace,
    SelfManagedInstance,
    SelfManagedWorkspace,
    as_workspace,
)


class AirbyteWorkspace(SelfManagedWorkspace, SyncsAssets):
    """A workspace of a self-managed Airbyte, as a Dagster resource.

    Every field can be a `dg.EnvVar`. Set `client_id` and `client_secret` (Airbyte 1.0 and later),
    `username` and `password` (a proxy in front of Airbyte), or neither.
    """


class AirbyteCloudWorkspace(CloudWorkspace, SyncsAssets):
    """A workspace of Airbyte Cloud, as a Dagster resource. Every field can be a `dg.EnvVar`."""


class AirbyteInstance(SelfManagedInstance, SyncsAssets):
    """All or some workspaces of a self-managed Airbyte, as one Dagster resource.

    It works wherever an AirbyteWorkspace does, with one sensor for all workspaces. Asset keys begin
    with the workspace's name, unless your translator makes others. Every field can be a
    `dg.EnvVar`, and so can each of `workspace_ids`.
    """


class AirbyteCloudInstance(CloudInstance, SyncsAssets):
    """All or some workspaces of Airbyte Cloud, as one Dagster resource.

    By default, all that the application's user can see. Otherwise like an AirbyteInstance.
    """


def as_syncing_workspace(value: object) -> SyncsAssets:
    """`as_workspace` with `sync_and_poll`, also for a workspace of dagster-airbyte."""
    workspace = as_workspace(value)
    if isinstance(workspace, SyncsAssets):
        return workspace
    kind = (
        AirbyteWorkspace if isinstance(workspace, SelfManagedWorkspace) else AirbyteCloudWorkspace
    )
    return kind(**{name: getattr(workspace, name) for name in type(workspace).model_fields})
