"""The YAML component: everything of one Airbyte workspace, from attributes and a kept state."""

from dagster_airbyte_sync.component.component import AirbyteWorkspaceComponent

__all__ = ["AirbyteWorkspaceComponent"]
