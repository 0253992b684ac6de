"""What the documentation's pictures show: a shop's tables, and what is computed from them.

With SOURCES=1, also what they are read from.
"""

import os

import dagster as dg

from dagster_airbyte_sync import (
    AirbyteConnectionTableProps,
    AirbyteWorkspace,
    DagsterAirbyteTranslator,
    airbyte_source_asset,
    build_airbyte_definitions,
)


class InOneGroup(DagsterAirbyteTranslator):
    """The tables beside what is computed from them."""

    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        return super().get_asset_spec(props).replace_attributes(group_name="shop")


def in_one_group(props: AirbyteConnectionTableProps) -> dg.AssetSpec:
    return airbyte_source_asset(props).replace_attributes(group_name="shop")


airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
)


@dg.asset(deps=["orders", "customers"], group_name="shop", kinds={"dbt"})
def revenue() -> None:
    """What has been sold, by day and customer."""


@dg.asset(deps=["orders", "payments"], group_name="shop", kinds={"dbt"})
def unpaid() -> None:
    """What has been sold and not been paid."""


@dg.asset(deps=["revenue", "ad_spend"], group_name="shop", kinds={"dbt"})
def marketing_return() -> None:
    """What a euro of advertising brings."""


defs = dg.Definitions.merge(
    build_airbyte_definitions(
        airbyte,
        dagster_airbyte_translator=InOneGroup(),
        source_assets=in_one_group if os.environ.get("SOURCES") else False,
    ),
    dg.Definitions([revenue, unpaid, marketing_return]),
)
