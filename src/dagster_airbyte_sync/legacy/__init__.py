"""What dagster-airbyte had before its workspaces, on today's Airbyte."""

from dagster_airbyte_sync.legacy.connection_metadata import AirbyteConnectionMetadata
from dagster_airbyte_sync.legacy.loading import load_assets_from_airbyte_instance
from dagster_airbyte_sync.legacy.resource import AirbyteResource, airbyte_resource
from dagster_airbyte_sync.legacy.specs import load_airbyte_cloud_asset_specs

__all__ = [
    "AirbyteConnectionMetadata",
    "AirbyteResource",
    "airbyte_resource",
    "load_airbyte_cloud_asset_specs",
    "load_assets_from_airbyte_instance",
]
