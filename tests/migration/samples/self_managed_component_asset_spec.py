"""Other metadata for the assets of a component."""

import dagster as dg
from dagster_airbyte import AirbyteConnectionTableProps, AirbyteWorkspaceComponent


class DescribedComponent(AirbyteWorkspaceComponent):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        usual = super().get_asset_spec(props)
        return usual.replace_attributes(
            group_name="described",
            metadata={**usual.metadata, "loaded_by": f"airbyte: {props.connection_name}"},
        )
