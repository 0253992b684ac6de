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
    """Return an AssetSpec for each selected stream of each connection that the selector accepts.

    Use it for tables that Dagster only observes; `build_airbyte_sync_checks` makes checks for them.
    To sync them from Dagster, use `build_airbyte_assets_definitions`.

    Args:
        workspace: The workspace to read. This takes four requests for a whole workspace, and more
            if lists have several pages.
        dagster_airbyte_translator: Makes the spec of each table. Default: DagsterAirbyteTranslator.
        connection_selector_fn: Selects the connections. Default: all.
        include_inactive: Whether tables of connections that are paused in Airbyte have specs. They
            have the tag `dagster-airbyte/connection_status` ("inactive").
        freshness_from_airbyte_schedule: Whether each table has a freshness policy made from its
            connection's schedule; see the function of the same name. True uses the schedules that
            Airbyte has now. A TakenOver, or its text, also uses those that Dagster has taken over,
            which Airbyte no longer knows.
        snapshot: A file written by `dagster-airbyte-sync snapshot`, to read instead of Airbyte. No
            request is made. The metadata says when connections and streams were read
            (`dagster-airbyte/catalog_read_at`).
        source_assets: Whether there is also an external asset for each stream of a source, upstream
            of the tables that are read from it. These tables then have column lineage. Automation
            conditions set by the translator ignore these assets. A condition that you set later
            must ignore them itself, with `.ignore(...)` of
            `dg.AssetSelection.tag("dagster-airbyte/source", "", include_sources=True)`. A function
            makes the assets from the props; `airbyte_source_asset` is the default.

    Raises:
        AirbyteError: If Airbyte cannot be asked, or knows no such workspace.
        AirbyteSettingsError: If the snapshot is missing, or is of another workspace.
        DuplicateAssetKey: If two streams would have the same key.
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
