"""Airbyte, typed: settings, requests, records, and the Dagster resource that holds them."""

from dagster_airbyte_sync.resources.client.client import AirbyteClient
from dagster_airbyte_sync.resources.client.find_workspace import find_workspace
from dagster_airbyte_sync.resources.errors import (
    AirbyteConflict,
    AirbyteError,
    AirbyteForbidden,
    AirbyteNotFound,
    AirbyteRefused,
    AirbyteRequestError,
    AirbyteSettingsError,
    AirbyteUnavailable,
    OutOfTime,
)
from dagster_airbyte_sync.resources.http.budget import NO_LIMIT, TimeBudget
from dagster_airbyte_sync.resources.http.frames import forgets_arguments
from dagster_airbyte_sync.resources.http.settings import AirbyteSettings, OnActiveSync
from dagster_airbyte_sync.resources.records.catalog import (
    Catalog,
    Connection,
    Destination,
    Stream,
    StreamId,
    SyncSchedule,
)
from dagster_airbyte_sync.resources.records.catalog_loss import PoorerCatalog
from dagster_airbyte_sync.resources.records.job_ref import JobRef
from dagster_airbyte_sync.resources.records.jobs import (
    Job,
    JobFailure,
    JobStatus,
    JobType,
    StreamStats,
    connection_url,
    job_page,
    job_url,
)
from dagster_airbyte_sync.resources.snapshot_file import (
    load_catalog,
    read_snapshot_file,
    without_snapshots,
    write_snapshot_file,
)
from dagster_airbyte_sync.resources.workspace import (
    BaseAirbyteWorkspace,
    CloudWorkspace,
    SelfManagedWorkspace,
    as_workspace,
)

__all__ = [
    "NO_LIMIT",
    "AirbyteClient",
    "AirbyteConflict",
    "AirbyteError",
    "AirbyteForbidden",
    "AirbyteNotFound",
    "AirbyteRefused",
    "AirbyteRequestError",
    "AirbyteSettings",
    "AirbyteSettingsError",
    "AirbyteUnavailable",
    "BaseAirbyteWorkspace",
    "Catalog",
    "CloudWorkspace",
    "Connection",
    "Destination",
    "Job",
    "JobFailure",
    "JobRef",
    "JobStatus",
    "JobType",
    "OnActiveSync",
    "OutOfTime",
    "PoorerCatalog",
    "SelfManagedWorkspace",
    "Stream",
    "StreamId",
    "StreamStats",
    "SyncSchedule",
    "TimeBudget",
    "as_workspace",
    "connection_url",
    "find_workspace",
    "forgets_arguments",
    "job_page",
    "job_url",
    "load_catalog",
    "read_snapshot_file",
    "without_snapshots",
    "write_snapshot_file",
]
