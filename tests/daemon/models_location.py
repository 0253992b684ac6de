"""A large dbt project, as far as Dagster sees it: 5,000 models in one definition."""

from collections.abc import Iterator

import dagster as dg

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_definitions

CONNECTIONS, MODELS = 25, 5_000

airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
)


def model(number: int) -> dg.AssetSpec:
    before = [f"m{number - CONNECTIONS}"] if number >= CONNECTIONS else []
    return dg.AssetSpec(f"m{number}", deps=[f"t{number % CONNECTIONS}", *before])


@dg.multi_asset(specs=[model(number) for number in range(MODELS)], can_subset=True)
def models(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
    yield from (dg.MaterializeResult(key) for key in context.selected_asset_keys)


# The last of each chain: Dagster stores an event for each asset of a run that it creates.
_LAST = dg.AssetSelection.assets(*(f"m{number}" for number in range(MODELS - 250, MODELS)))

defs = dg.Definitions.merge(
    build_airbyte_definitions(airbyte, checks=False, downstream=_LAST),
    dg.Definitions([models]),
)
