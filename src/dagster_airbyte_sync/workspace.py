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
    """A workspace of an Airbyte that you run yourself, as a Dagster resource.

    Every field takes a `dg.EnvVar`. Give `client_id` and `client_secret` (Airbyte 1.0 and later),
    `username` and `password` (a proxy in front of Airbyte), or neither.
    """


class AirbyteCloudWorkspace(CloudWorkspace, SyncsAssets):
    """A workspace of Airbyte Cloud, as a Dagster resource. Every field takes a `dg.EnvVar`."""


class AirbyteInstance(SelfManagedInstance, SyncsAssets):
    """All workspaces of an Airbyte that you run yourself, or some, as one Dagster resource.

    It works wherever an AirbyteWorkspace does, with one sensor for all of them. Keys begin with the
    workspace's name, unless a translator of yours makes others. Every field takes a `dg.EnvVar`,
    and so does each of `workspace_ids`.
    """


class AirbyteCloudInstance(CloudInstance, SyncsAssets):
    """The same of Airbyte Cloud: all workspaces that the application's user can see, or some."""


def as_syncing_workspace(value: object) -> SyncsAssets:
    """`as_workspace` with `sync_and_poll`, also for a workspace of dagster-airbyte."""
    workspace = as_workspace(value)
    if isinstance(workspace, SyncsAssets):
        return workspace
    kind = (
        AirbyteWorkspace if isinstance(workspace, SelfManagedWorkspace) else AirbyteCloudWorkspace
    )
    return kind(**{name: getattr(workspace, name) for name in type(workspace).model_fields})
