"""What lies below what, where tables have the keys of dbt's sources: a program for an environment
with dagster-dbt.

DBT_MANIFEST is where the project's manifest lies, and AIRBYTE_* are a workspace's settings. Each
model is printed with the assets above it, and what Airbyte has to do with those.
"""

import importlib
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from dagster_airbyte_sync import AirbyteWorkspace, DbtSourcesTranslator, load_airbyte_asset_specs

# Not installed where the types are checked.
dagster_dbt: Any = importlib.import_module("dagster_dbt")


class OwnTranslator(dagster_dbt.DagsterDbtTranslator):  # type: ignore[misc]
    """Gives sources keys that no default has."""

    def get_asset_key(self, dbt_resource_props: Any) -> dg.AssetKey:
        usual: dg.AssetKey = super().get_asset_key(dbt_resource_props)
        return usual.with_prefix("lake")


def run_dbt(context: dg.AssetExecutionContext) -> Iterator[object]:
    yield from ()


def parents(manifest: Path, dbt_translator: Any, translator: DbtSourcesTranslator) -> object:
    airbyte = AirbyteWorkspace(
        rest_api_base_url=os.environ["AIRBYTE_REST_API_BASE_URL"],
        configuration_api_base_url=os.environ["AIRBYTE_CONFIGURATION_API_BASE_URL"],
        workspace_id=os.environ["AIRBYTE_WORKSPACE_ID"],
        client_id=os.environ["AIRBYTE_CLIENT_ID"],
        client_secret=os.environ["AIRBYTE_CLIENT_SECRET"],
    )
    tables = load_airbyte_asset_specs(airbyte, dagster_airbyte_translator=translator)
    models = dagster_dbt.dbt_assets(manifest=manifest, dagster_dbt_translator=dbt_translator)
    graph = dg.Definitions([*tables, models(run_dbt)]).resolve_asset_graph()
    streams = {
        spec.key.to_user_string(): spec.metadata["dagster-airbyte/stream_name"] for spec in tables
    }
    return {
        model.path[-1]: {key.to_user_string(): streams.get(key.to_user_string())}
        for model in graph.materializable_asset_keys
        for key in graph.get(model).parent_keys
    }


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    file = Path(os.environ["DBT_MANIFEST"])
    usual, own = dagster_dbt.DagsterDbtTranslator(), OwnTranslator()
    of_own = DbtSourcesTranslator(manifest=file, asset_key_fn=own.get_asset_key)
    print(
        json.dumps(
            {
                "usual": parents(file, usual, DbtSourcesTranslator(manifest=file)),
                "own": parents(file, own, of_own),
            }
        )
    )
