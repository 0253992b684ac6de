"""Dagster knows every Airbyte sync, whoever started it."""

from dagster_airbyte_sync.assets import (
    AirbyteConnectionTableProps,
    ConnectionSelector,
    DagsterAirbyteTranslator,
    DuplicateAssetKey,
    FinishedSync,
    SyncEvent,
    airbyte_assets,
    build_airbyte_assets_definitions,
    build_airbyte_sync_checks,
    load_airbyte_asset_specs,
)
from dagster_airbyte_sync.builder import build_airbyte_definitions
from dagster_airbyte_sync.resources import (
    AirbyteError,
    AirbyteSettingsError,
    Connection,
    Destination,
    Job,
    JobStatus,
    JobType,
    Stream,
    StreamId,
    StreamStats,
)
from dagster_airbyte_sync.sensors import RunRequestFn, build_airbyte_polling_sensor
from dagster_airbyte_sync.workspace import AirbyteCloudWorkspace, AirbyteWorkspace

__version__ = "0.1.0"

__all__ = [
    "AirbyteCloudWorkspace",
    "AirbyteConnectionTableProps",
    "AirbyteError",
    "AirbyteSettingsError",
    "AirbyteWorkspace",
    "Connection",
    "ConnectionSelector",
    "DagsterAirbyteTranslator",
    "Destination",
    "DuplicateAssetKey",
    "FinishedSync",
    "Job",
    "JobStatus",
    "JobType",
    "RunRequestFn",
    "Stream",
    "StreamId",
    "StreamStats",
    "SyncEvent",
    "airbyte_assets",
    "build_airbyte_assets_definitions",
    "build_airbyte_definitions",
    "build_airbyte_polling_sensor",
    "build_airbyte_sync_checks",
    "load_airbyte_asset_specs",
]
