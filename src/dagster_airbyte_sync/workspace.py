"""The two resources users write into their definitions."""

from dagster_airbyte_sync.assets import SyncsAssets
from dagster_airbyte_sync.resources import CloudWorkspace, SelfManagedWorkspace


class AirbyteWorkspace(SelfManagedWorkspace, SyncsAssets):
    """A workspace of an Airbyte that you run yourself, as a Dagster resource.

    Every field takes a `dg.EnvVar`. Give `client_id` and `client_secret` (Airbyte 1.0 and later),
    `username` and `password` (a proxy in front of Airbyte), or neither.
    """


class AirbyteCloudWorkspace(CloudWorkspace, SyncsAssets):
    """A workspace of Airbyte Cloud, as a Dagster resource. Every field takes a `dg.EnvVar`."""
