"""What a connection of Airbyte is in Dagster: assets, their events, and syncs on demand."""

from dagster_airbyte_sync.assets.asked.run_config import AirbyteRunConfig
from dagster_airbyte_sync.assets.checks.check_settings import AirbyteChecks
from dagster_airbyte_sync.assets.events.finished_sync import FinishedSync
from dagster_airbyte_sync.assets.lineage.asset_specs import load_airbyte_asset_specs
from dagster_airbyte_sync.assets.lineage.dbt_manifest import DbtManifest
from dagster_airbyte_sync.assets.lineage.dbt_sources import DbtSourcesTranslator
from dagster_airbyte_sync.assets.lineage.source_assets import (
    SourceAssets,
    airbyte_source_asset,
    source_specs,
    with_sources,
)
from dagster_airbyte_sync.assets.queue.places import DEFAULT_WAIT_LIMIT, Places
from dagster_airbyte_sync.assets.schedules.airbyte_schedules import build_schedules_from_airbyte
from dagster_airbyte_sync.assets.schedules.new_rows import eager_on_new_rows
from dagster_airbyte_sync.assets.schedules.sync_schedules import (
    build_airbyte_sync_schedule,
    sync_schedule,
)
from dagster_airbyte_sync.assets.schedules.take_over import (
    PutBackResult,
    PutBackStep,
    TakeOverPlan,
    plan_put_back,
    plan_take_over,
    put_back_schedules,
    take_over_schedules,
)
from dagster_airbyte_sync.assets.start_jobs.refresh_jobs import (
    build_airbyte_clear_job,
    build_airbyte_refresh_job,
)
from dagster_airbyte_sync.assets.start_jobs.selection import without_paused
from dagster_airbyte_sync.assets.start_jobs.start_job import build_airbyte_start_job, start_job_of
from dagster_airbyte_sync.assets.sync.checks import build_airbyte_sync_checks
from dagster_airbyte_sync.assets.sync.definitions import (
    SyncFunction,
    airbyte_assets,
    build_airbyte_assets_definitions,
    syncing_assets,
    workspace_resource,
)
from dagster_airbyte_sync.assets.sync.reporting import SyncEvent
from dagster_airbyte_sync.assets.sync.step import SyncsAssets
from dagster_airbyte_sync.assets.tables.freshness import freshness_from_airbyte_schedule
from dagster_airbyte_sync.assets.tables.loading import Pool, load_tables
from dagster_airbyte_sync.assets.tables.names import clean_name, clean_name_with_case
from dagster_airbyte_sync.assets.tables.table import (
    ConnectionSelector,
    DuplicateAssetKey,
    Table,
    accepts,
)
from dagster_airbyte_sync.assets.tables.translator import (
    AirbyteConnectionTableProps,
    DagsterAirbyteTranslator,
    NamespacedTranslator,
)
from dagster_airbyte_sync.resources.schedules.taken_over import TakenOver, TakenSchedule

__all__ = [
    "DEFAULT_WAIT_LIMIT",
    "AirbyteChecks",
    "AirbyteConnectionTableProps",
    "AirbyteRunConfig",
    "ConnectionSelector",
    "DagsterAirbyteTranslator",
    "DbtManifest",
    "DbtSourcesTranslator",
    "DuplicateAssetKey",
    "FinishedSync",
    "NamespacedTranslator",
    "Places",
    "Pool",
    "PutBackResult",
    "PutBackStep",
    "SourceAssets",
    "SyncEvent",
    "SyncFunction",
    "SyncsAssets",
    "Table",
    "TakeOverPlan",
    "TakenOver",
    "TakenSchedule",
    "accepts",
    "airbyte_assets",
    "airbyte_source_asset",
    "build_airbyte_assets_definitions",
    "build_airbyte_clear_job",
    "build_airbyte_refresh_job",
    "build_airbyte_start_job",
    "build_airbyte_sync_checks",
    "build_airbyte_sync_schedule",
    "build_schedules_from_airbyte",
    "clean_name",
    "clean_name_with_case",
    "eager_on_new_rows",
    "freshness_from_airbyte_schedule",
    "load_airbyte_asset_specs",
    "load_tables",
    "plan_put_back",
    "plan_take_over",
    "put_back_schedules",
    "source_specs",
    "start_job_of",
    "sync_schedule",
    "syncing_assets",
    "take_over_schedules",
    "with_sources",
    "without_paused",
    "workspace_resource",
]
