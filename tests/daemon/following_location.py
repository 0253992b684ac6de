"""A code location with one asset for each way in which something may follow a sync."""

from collections.abc import Sequence

import dagster as dg

from dagster_airbyte_sync import AirbyteWorkspace, FinishedSync, build_airbyte_definitions

airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
    request_retry_delay=0.01,
)


class Wanted(dg.Config):
    region: str


REGIONS = dg.DynamicPartitionsDefinition(name="regions")
DAILY = dg.DailyPartitionsDefinition("2026-01-01", end_offset=1)


@dg.asset(deps=["orders"])
def revenue() -> None: ...


@dg.asset(deps=["orders", "leads"])
def forecast() -> None: ...


@dg.asset_check(asset=revenue)
def is_positive() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


# As dagster-dbt writes the source of a model.
_SOURCE = dg.AssetDep(
    dg.AssetKey(["raw", "events"]), metadata={"dagster/table_name": "warehouse.public.events"}
)


@dg.asset(deps=[_SOURCE])
def by_table_name() -> None: ...


@dg.multi_asset(specs=[dg.AssetSpec("margin", deps=["costs"]), dg.AssetSpec("discounts")])
def margin_and_discounts() -> tuple[None, None]:
    return None, None


@dg.asset(deps=["items"])
def stock() -> None: ...


@dg.asset(deps=["items"])
def needs_config(config: Wanted) -> None: ...


@dg.asset(deps=["items"], partitions_def=dg.StaticPartitionsDefinition(["north", "south"]))
def by_region() -> None: ...


@dg.asset(deps=["days"], partitions_def=DAILY)
def by_day() -> None: ...


@dg.asset(partitions_def=dg.MultiPartitionsDefinition({"day": DAILY, "region": REGIONS}))
def by_day_and_region() -> None: ...


def ask(sync: FinishedSync, keys: Sequence[dg.AssetKey]) -> list[dg.RunRequest]:
    """After a sync of one table, all that is no plain run; the last two Dagster would refuse."""
    if keys != (dg.AssetKey("asks"),):
        return []
    north, south = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
    day_and_region = dg.MultiPartitionKey({"day": "2026-01-05", "region": "north"})
    unknown = dg.MultiPartitionKey({"day": "2026-01-05", "region": "west"})
    check = dg.AssetCheckKey(revenue.key, "is_positive")
    return [
        dg.RunRequest(asset_selection=[by_day_and_region.key], partition_key=day_and_region),
        dg.RunRequest(asset_selection=[by_region.key], tags={north: "north", south: "south"}),
        dg.RunRequest(asset_selection=[], asset_check_keys=[check]),
        dg.RunRequest(asset_selection=[dg.AssetKey("margin")]),
        dg.RunRequest(asset_selection=[by_day_and_region.key], partition_key=unknown),
        dg.RunRequest(asset_selection=[dg.AssetKey("no_such_asset")]),
    ]


# Two names that are gone, or live in another code location.
_GONE = dg.AssetSelection.assets("gone", "elsewhere")

defs = dg.Definitions.merge(
    build_airbyte_definitions(
        airbyte, checks=False, downstream=dg.AssetSelection.all() | _GONE, run_request_fn=ask
    ),
    dg.Definitions(
        [
            revenue,
            forecast,
            by_table_name,
            margin_and_discounts,
            stock,
            needs_config,
            by_region,
            by_day,
            by_day_and_region,
        ],
        asset_checks=[is_positive],
    ),
)
