"""Asset specs for what Airbyte syncs: the tables shown in Dagster, with nothing to run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.freshness import with_freshness
from dagster_airbyte_sync.assets.tables.new_tables import KnownStreams
from dagster_airbyte_sync.assets.tables.table import (
    ConnectionSelector,
    Table,
    only_active,
    selected_tables,
)
from dagster_airbyte_sync.assets.tables.translator import (
    DEFAULT_TRANSLATOR,
    DagsterAirbyteTranslator,
)
from dagster_airbyte_sync.resources import BaseAirbyteWorkspace, load_catalog
from dagster_airbyte_sync.resources.schedules.taken_over import TakenOver, as_taken_over


def load_tables(
    workspace: BaseAirbyteWorkspace,
    dagster_airbyte_translator: DagsterAirbyteTranslator | None = None,
    connection_selector_fn: ConnectionSelector | None = None,
    *,
    include_inactive: bool = True,
    freshness_from_airbyte_schedule: bool | TakenOver | str = False,
    snapshot: Path | None = None,
) -> list[Table]:
    """The selected tables of a workspace whose EnvVars need not be resolved yet."""
    catalog = load_catalog(workspace, snapshot)
    selector = connection_selector_fn if include_inactive else only_active(connection_selector_fn)
    translator = dagster_airbyte_translator or DEFAULT_TRANSLATOR
    known = {each.id: KnownStreams.of(each) for each in catalog.connections.values()}
    tables = [
        _with_metadata(
            table,
            {keys.TRANSLATOR: translator, keys.KNOWN_STREAMS: known[table.connection_id]},
        )
        for table in selected_tables(catalog, translator, selector)
    ]
    if snapshot is not None:
        age = {keys.CATALOG_READ_AT: dg.TimestampMetadataValue(catalog.read_at.timestamp())}
        tables = [_with_metadata(table, age) for table in tables]
    wanted = freshness_from_airbyte_schedule
    if not wanted and not isinstance(wanted, str):
        return tables
    taken = as_taken_over(None if isinstance(wanted, bool) else wanted)
    return [
        with_freshness(table, taken.before(catalog.connections[table.connection_id]))
        for table in tables
    ]


def _with_metadata(table: Table, metadata: Mapping[str, object]) -> Table:
    return replace(table, spec=table.spec.merge_attributes(metadata=metadata))


def load_airbyte_asset_specs(
    workspace: BaseAirbyteWorkspace,
    dagster_airbyte_translator: DagsterAirbyteTranslator | None = None,
    connection_selector_fn: ConnectionSelector | None = None,
    *,
    include_inactive: bool = True,
    freshness_from_airbyte_schedule: bool | TakenOver | str = False,
    snapshot: Path | None = None,
) -> Sequence[dg.AssetSpec]:
    """One AssetSpec for each selected stream of each connection that the selector accepts.

    Tables of connections that are paused in Airbyte have the tag
    `dagster-airbyte/connection_status` ("inactive"); `include_inactive=False` leaves them out.

    With `freshness_from_airbyte_schedule` each has a freshness policy from its connection's
    schedule in Airbyte: see the function of that name. True takes the schedules that Airbyte has
    now; a TakenOver, or the text of one, also those that Dagster has taken over, of which Airbyte
    does not know.

    With a `snapshot` (a file that `dagster-airbyte-sync snapshot` wrote) no request is made; the
    time at which its connections and streams were read is in the metadata, as
    `dagster-airbyte/catalog_read_at`. Without, two requests for a whole workspace, plus pages.

    Raises AirbyteError if Airbyte cannot be asked or knows no such workspace, AirbyteSettingsError
    if the file is missing or of another workspace, DuplicateAssetKey if two streams would share
    one key.
    """
    tables = load_tables(
        workspace,
        dagster_airbyte_translator,
        connection_selector_fn,
        include_inactive=include_inactive,
        freshness_from_airbyte_schedule=freshness_from_airbyte_schedule,
        snapshot=snapshot,
    )
    return [table.spec for table in tables]
