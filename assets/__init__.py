"""What a connection of Airbyte is in Dagster: assets, their events, and syncs on demand."""

from dagster_airbyte_sync.assets.checks import build_airbyte_sync_checks
from dagster_airbyte_sync.assets.definitions import (
    airbyte_assets,
    build_airbyte_assets_definitions,
    clean_name,
    syncing_assets,
    workspace_resource,
)
from dagster_airbyte_sync.assets.events import (
    CHECK_NAME,
    Event,
    FinishedSync,
    events_of,
    makes_fresh,
    tables_of_job,
)
from dagster_airbyte_sync.assets.ledger import Ledger, read_ledger, with_history
from dagster_airbyte_sync.assets.metadata import DATA_VERSION_TAG
from dagster_airbyte_sync.assets.specs import load_airbyte_asset_specs, load_tables
from dagster_airbyte_sync.assets.syncing import SyncEvent, SyncsAssets
from dagster_airbyte_sync.assets.tables import (
    ConnectionSelector,
    DuplicateAssetKey,
    Table,
    table_of_spec,
    tables_of,
)
from dagster_airbyte_sync.assets.translator import (
    AirbyteConnectionTableProps,
    DagsterAirbyteTranslator,
)

__all__ = [
    "CHECK_NAME",
    "DATA_VERSION_TAG",
    "AirbyteConnectionTableProps",
    "ConnectionSelector",
    "DagsterAirbyteTranslator",
    "DuplicateAssetKey",
    "Event",
    "FinishedSync",
    "Ledger",
    "SyncEvent",
    "SyncsAssets",
    "Table",
    "airbyte_assets",
    "build_airbyte_assets_definitions",
    "build_airbyte_sync_checks",
    "clean_name",
    "events_of",
    "load_airbyte_asset_specs",
    "load_tables",
    "makes_fresh",
    "read_ledger",
    "syncing_assets",
    "table_of_spec",
    "tables_of",
    "tables_of_job",
    "with_history",
    "workspace_resource",
]
