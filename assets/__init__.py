"""What a connection of Airbyte is in Dagster: assets, their events, and syncs on demand."""

from dagster_airbyte_sync.assets.events.claims import GRACE, STEP_ENDS, Followers
from dagster_airbyte_sync.assets.events.event_log import run_events
from dagster_airbyte_sync.assets.events.event_log_facts import EventLogFacts
from dagster_airbyte_sync.assets.events.ledger import (
    LastReported,
    Ledger,
    read_ledger,
    still_known,
)
from dagster_airbyte_sync.assets.events.owed import Owed, Share, makes_fresh, owed_by
from dagster_airbyte_sync.assets.events.sync_claim import ClaimStatus, StoredClaim
from dagster_airbyte_sync.assets.events.sync_events import (
    CHECK_NAME,
    Event,
    FinishedSync,
    events_of,
    in_reporting_order,
    name_of,
    tables_of_job,
)
from dagster_airbyte_sync.assets.events.table_history import Question
from dagster_airbyte_sync.assets.schedules.airbyte_schedules import build_schedules_from_airbyte
from dagster_airbyte_sync.assets.schedules.selection import ChosenAssets, without_paused
from dagster_airbyte_sync.assets.schedules.start_job import build_airbyte_start_job
from dagster_airbyte_sync.assets.schedules.sync_schedules import (
    build_airbyte_sync_schedule,
    sync_schedule,
)
from dagster_airbyte_sync.assets.schedules.take_over import (
    PutBackResult,
    put_back_schedules,
    take_over_schedules,
)
from dagster_airbyte_sync.assets.sync.checks import build_airbyte_sync_checks
from dagster_airbyte_sync.assets.sync.definitions import (
    SyncFunction,
    airbyte_assets,
    build_airbyte_assets_definitions,
    syncing_assets,
    workspace_resource,
)
from dagster_airbyte_sync.assets.sync.progress import in_words
from dagster_airbyte_sync.assets.sync.reporting import SyncEvent
from dagster_airbyte_sync.assets.sync.step import SyncsAssets
from dagster_airbyte_sync.assets.tables.current_tables import ReadConnection, as_synced_now
from dagster_airbyte_sync.assets.tables.freshness import freshness_from_airbyte_schedule
from dagster_airbyte_sync.assets.tables.keys import DATA_VERSION_TAG
from dagster_airbyte_sync.assets.tables.loading import load_airbyte_asset_specs, load_tables
from dagster_airbyte_sync.assets.tables.matching import in_words_of, match, streams_of
from dagster_airbyte_sync.assets.tables.names import clean_name, clean_name_with_case
from dagster_airbyte_sync.assets.tables.new_tables import new_tables, newer_than, translator_of
from dagster_airbyte_sync.assets.tables.storable import why_not_storable
from dagster_airbyte_sync.assets.tables.table import (
    ConnectionSelector,
    DuplicateAssetKey,
    Table,
    as_synced_by,
    table_of_spec,
    tables_of,
    warn_of_unclear,
)
from dagster_airbyte_sync.assets.tables.translator import (
    AirbyteConnectionTableProps,
    DagsterAirbyteTranslator,
    NamespacedTranslator,
)
from dagster_airbyte_sync.resources.schedules.taken_over import TakenOver, TakenSchedule

__all__ = [
    "CHECK_NAME",
    "DATA_VERSION_TAG",
    "GRACE",
    "STEP_ENDS",
    "AirbyteConnectionTableProps",
    "ChosenAssets",
    "ClaimStatus",
    "ConnectionSelector",
    "DagsterAirbyteTranslator",
    "DuplicateAssetKey",
    "Event",
    "EventLogFacts",
    "FinishedSync",
    "Followers",
    "LastReported",
    "Ledger",
    "NamespacedTranslator",
    "Owed",
    "PutBackResult",
    "Question",
    "ReadConnection",
    "Share",
    "StoredClaim",
    "SyncEvent",
    "SyncFunction",
    "SyncsAssets",
    "Table",
    "TakenOver",
    "TakenSchedule",
    "airbyte_assets",
    "as_synced_by",
    "as_synced_now",
    "build_airbyte_assets_definitions",
    "build_airbyte_start_job",
    "build_airbyte_sync_checks",
    "build_airbyte_sync_schedule",
    "build_schedules_from_airbyte",
    "clean_name",
    "clean_name_with_case",
    "events_of",
    "freshness_from_airbyte_schedule",
    "in_reporting_order",
    "in_words",
    "in_words_of",
    "load_airbyte_asset_specs",
    "load_tables",
    "makes_fresh",
    "match",
    "name_of",
    "new_tables",
    "newer_than",
    "owed_by",
    "put_back_schedules",
    "read_ledger",
    "run_events",
    "still_known",
    "streams_of",
    "sync_schedule",
    "syncing_assets",
    "table_of_spec",
    "tables_of",
    "tables_of_job",
    "take_over_schedules",
    "translator_of",
    "warn_of_unclear",
    "why_not_storable",
    "without_paused",
    "workspace_resource",
]
