"""Asset specs for what Airbyte syncs: the tables shown in Dagster, with nothing to run."""

from collections.abc import Sequence

import dagster as dg

from dagster_airbyte_sync.assets.tables import ConnectionSelector, Table, selected_tables
from dagster_airbyte_sync.assets.translator import DagsterAirbyteTranslator
from dagster_airbyte_sync.resources import BaseAirbyteWorkspace


def load_tables(
    workspace: BaseAirbyteWorkspace,
    dagster_airbyte_translator: DagsterAirbyteTranslator | None = None,
    connection_selector_fn: ConnectionSelector | None = None,
) -> list[Table]:
    """The selected tables of a workspace whose EnvVars need not be resolved yet."""
    with workspace.resolved() as ready:
        catalog = ready.fetch_catalog()
    return selected_tables(catalog, dagster_airbyte_translator, connection_selector_fn)


def load_airbyte_asset_specs(
    workspace: BaseAirbyteWorkspace,
    dagster_airbyte_translator: DagsterAirbyteTranslator | None = None,
    connection_selector_fn: ConnectionSelector | None = None,
) -> Sequence[dg.AssetSpec]:
    """One AssetSpec for each selected stream of each connection that the selector accepts.

    Two requests for a whole workspace, plus pages. Raises AirbyteError if Airbyte cannot be asked
    or knows no such workspace, DuplicateAssetKey if two streams would share one key.
    """
    tables = load_tables(workspace, dagster_airbyte_translator, connection_selector_fn)
    return [table.spec for table in tables]
