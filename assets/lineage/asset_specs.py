"""Asset specs for what Airbyte syncs: the tables shown in Dagster, with nothing to run."""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync.assets.lineage.source_assets import (
    SourceAssets,
    source_specs,
    with_sources,
)
from dagster_airbyte_sync.assets.tables.loading import load_tables
from dagster_airbyte_sync.assets.tables.table import ConnectionSelector
from dagster_airbyte_sync.assets.tables.translator import DagsterAirbyteTranslator
from dagster_airbyte_sync.resources import BaseAirbyteWorkspace
from dagster_airbyte_sync.resources.schedules.taken_over import TakenOver


def load_airbyte_asset_specs(
    workspace: BaseAirbyteWorkspace,
    dagster_airbyte_translator: DagsterAirbyteTranslator | None = None,
    connection_selector_fn: ConnectionSelector | None = None,
    *,
    include_inactive: bool = True,
    freshness_from_airbyte_schedule: bool | TakenOver | str = False,
    snapshot: Path | None = None,
    source_assets: SourceAssets = False,
) -> Sequence[dg.AssetSpec]:
    """One AssetSpec for each selected stream of each connection that the selector accepts.

    `build_airbyte_sync_checks` makes checks for them.

    Tables of connections that are paused in Airbyte have the tag
    `dagster-airbyte/connection_status` ("inactive"); `include_inactive=False` leaves them out.

    With `freshness_from_airbyte_schedule` each has a freshness policy from its connection's
    schedule in Airbyte: see the function of that name. True takes the schedules that Airbyte has
    now; a TakenOver, or the text of one, also those that Dagster has taken over, of which Airbyte
    does not know.

    With a `snapshot` (a file that `dagster-airbyte-sync snapshot` wrote) no request is made; the
    time at which its connections and streams were read is in the metadata, as
    `dagster-airbyte/catalog_read_at`. Without, four requests for a whole workspace, plus pages.

    With `source_assets` there is an external asset for each stream of a source, too, above the
    tables that are read from it, and these have the lineage of their columns. No condition of a
    table waits for it, if the translator gives the condition; one that you give it later must
    `.ignore(dg.AssetSelection.tag("dagster-airbyte/source", "", include_sources=True))`. A function
    makes these assets of the props: `airbyte_source_asset` is the usual one.

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
    below = with_sources(tables, source_assets)
    return [*(table.spec for table in below), *source_specs(below)]
