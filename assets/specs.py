"""Asset specs for what Airbyte syncs: the tables shown in Dagster, with nothing to run."""

from collections.abc import Sequence

import dagster as dg

from dagster_airbyte_sync.assets.freshness import with_freshness
from dagster_airbyte_sync.assets.tables import ConnectionSelector, Table, selected_tables
from dagster_airbyte_sync.assets.taken_schedules import TakenOver
from dagster_airbyte_sync.assets.translator import DagsterAirbyteTranslator
from dagster_airbyte_sync.resources import BaseAirbyteWorkspace


def load_tables(
    workspace: BaseAirbyteWorkspace,
    dagster_airbyte_translator: DagsterAirbyteTranslator | None = None,
    connection_selector_fn: ConnectionSelector | None = None,
    *,
    freshness_from_airbyte_schedule: bool | TakenOver = False,
) -> list[Table]:
    """The selected tables of a workspace whose EnvVars need not be resolved yet."""
    with workspace.resolved() as ready:
        catalog = ready.fetch_catalog()
    tables = selected_tables(catalog, dagster_airbyte_translator, connection_selector_fn)
    if freshness_from_airbyte_schedule is False:
        return tables
    wanted = freshness_from_airbyte_schedule
    known = wanted if isinstance(wanted, TakenOver) else TakenOver()
    return [
        with_freshness(table, known.before(catalog.connections[table.connection_id]))
        for table in tables
    ]


def load_airbyte_asset_specs(
    workspace: BaseAirbyteWorkspace,
    dagster_airbyte_translator: DagsterAirbyteTranslator | None = None,
    connection_selector_fn: ConnectionSelector | None = None,
    *,
    freshness_from_airbyte_schedule: bool | TakenOver = False,
) -> Sequence[dg.AssetSpec]:
    """One AssetSpec for each selected stream of each connection that the selector accepts.

    With `freshness_from_airbyte_schedule` each has a freshness policy from its connection's
    schedule in Airbyte: see the function of that name. True takes the schedules that Airbyte has
    now; a TakenOver also those that Dagster has taken over, of which Airbyte does not know.

    Two requests for a whole workspace, plus pages. Raises AirbyteError if Airbyte cannot be asked
    or knows no such workspace, DuplicateAssetKey if two streams would share one key.
    """
    tables = load_tables(
        workspace,
        dagster_airbyte_translator,
        connection_selector_fn,
        freshness_from_airbyte_schedule=freshness_from_airbyte_schedule,
    )
    return [table.spec for table in tables]
