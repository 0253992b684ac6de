"""A code location with the tables of a workspace and, below them, the models of a dbt project.

For an environment with dagster-dbt. AIRBYTE_* in its environment are the workspace's settings, and
DBT_MANIFEST is where the project's manifest lies.
"""

import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_definitions

# Not installed where the types are checked.
dagster_dbt: Any = importlib.import_module("dagster_dbt")

airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
)


def run_dbt(context: dg.AssetExecutionContext) -> Iterator[object]:
    """A real project runs dbt here."""
    yield from ()


models = dagster_dbt.dbt_assets(manifest=Path(os.environ["DBT_MANIFEST"]))(run_dbt)

defs = dg.Definitions.merge(
    build_airbyte_definitions(airbyte, downstream=dg.AssetSelection.all()),
    dg.Definitions([models]),
)
