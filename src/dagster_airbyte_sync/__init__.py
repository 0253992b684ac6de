"""Dagster knows every Airbyte sync, whoever started it."""

import typing

from dagster_airbyte_sync.assets import (
    AirbyteChecks,
    AirbyteConnectionTableProps,
    AirbyteRunConfig,
    ConnectionSelector,
    DagsterAirbyteTranslator,
    DbtSourcesTranslator,
    DuplicateAssetKey,
    FinishedSync,
    NamespacedTranslator,
    PutBackResult,
    SyncEvent,
    TakenOver,
    TakenSchedule,
    airbyte_assets,
    airbyte_source_asset,
    build_airbyte_assets_definitions,
    build_airbyte_clear_job,
    build_airbyte_refresh_job,
    build_airbyte_start_job,
    build_airbyte_sync_checks,
    build_airbyte_sync_schedule,
    build_schedules_from_airbyte,
    eager_on_new_rows,
    freshness_from_airbyte_schedule,
    load_airbyte_asset_specs,
    put_back_schedules,
    take_over_schedules,
)
from dagster_airbyte_sync.builder import build_airbyte_definitions
from dagster_airbyte_sync.component import AirbyteWorkspaceComponent
from dagster_airbyte_sync.legacy import (
    AirbyteConnectionMetadata,
    AirbyteResource,
    airbyte_resource,
    load_airbyte_cloud_asset_specs,
    load_assets_from_airbyte_instance,
)
from dagster_airbyte_sync.legacy.former_imports import (
    no_such_name as _no_such_name,
)
from dagster_airbyte_sync.legacy.former_imports import (
    say_what_replaces_former_names as _say_what_replaces_former_names,
)
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteError,
    AirbyteJob,
    AirbyteSettingsError,
    BaseAirbyteWorkspace,
    Connection,
    Destination,
    Job,
    JobStatus,
    JobType,
    Stream,
    StreamId,
    StreamStats,
    SyncSchedule,
)
from dagster_airbyte_sync.sensors import (
    OnFailure,
    ProblemKind,
    RunRequestFn,
    Shard,
    SyncProblem,
    WhenAll,
    build_airbyte_failure_sensor,
    build_airbyte_polling_sensor,
    build_airbyte_queue_sensor,
    build_airbyte_when_all_sensor,
)
from dagster_airbyte_sync.workspace import (
    AirbyteCloudInstance,
    AirbyteCloudWorkspace,
    AirbyteInstance,
    AirbyteWorkspace,
)

__version__ = "0.1.0"

__all__ = [
    "AirbyteChecks",
    "AirbyteClient",
    "AirbyteCloudInstance",
    "AirbyteCloudWorkspace",
    "AirbyteConnectionMetadata",
    "AirbyteConnectionTableProps",
    "AirbyteError",
    "AirbyteInstance",
    "AirbyteJob",
    "AirbyteResource",
    "AirbyteRunConfig",
    "AirbyteSettingsError",
    "AirbyteWorkspace",
    "AirbyteWorkspaceComponent",
    "BaseAirbyteWorkspace",
    "Connection",
    "ConnectionSelector",
    "DagsterAirbyteTranslator",
    "DbtSourcesTranslator",
    "Destination",
    "DuplicateAssetKey",
    "FinishedSync",
    "Job",
    "JobStatus",
    "JobType",
    "NamespacedTranslator",
    "OnFailure",
    "ProblemKind",
    "PutBackResult",
    "RunRequestFn",
    "Shard",
    "Stream",
    "StreamId",
    "StreamStats",
    "SyncEvent",
    "SyncProblem",
    "SyncSchedule",
    "TakenOver",
    "TakenSchedule",
    "WhenAll",
    "airbyte_assets",
    "airbyte_resource",
    "airbyte_source_asset",
    "build_airbyte_assets_definitions",
    "build_airbyte_clear_job",
    "build_airbyte_definitions",
    "build_airbyte_failure_sensor",
    "build_airbyte_polling_sensor",
    "build_airbyte_queue_sensor",
    "build_airbyte_refresh_job",
    "build_airbyte_start_job",
    "build_airbyte_sync_checks",
    "build_airbyte_sync_schedule",
    "build_airbyte_when_all_sensor",
    "build_schedules_from_airbyte",
    "eager_on_new_rows",
    "freshness_from_airbyte_schedule",
    "load_airbyte_asset_specs",
    "load_airbyte_cloud_asset_specs",
    "load_assets_from_airbyte_instance",
    "put_back_schedules",
    "take_over_schedules",
]

_say_what_replaces_former_names()

# Not for type checkers: to them, a module with this would have any name.
if not typing.TYPE_CHECKING:

    def __getattr__(name: str) -> typing.NoReturn:
        """Names of dagster-airbyte that are not here say what takes their place."""
        _no_such_name(name)
