"""Airbyte, typed: settings, requests, records, and the Dagster resource that holds them."""

from dagster_airbyte_sync.resources.access.pages import Pages
from dagster_airbyte_sync.resources.access.steadiness import Steadiness
from dagster_airbyte_sync.resources.access.workspaces import find_workspace
from dagster_airbyte_sync.resources.client.client import AirbyteClient
from dagster_airbyte_sync.resources.client.former_calls import (
    FORMER_CALLS,
    NO_SYNC_BY_ID,
    AirbyteJob,
    LegacyWarning,
)
from dagster_airbyte_sync.resources.client.job_history import LatestJobs
from dagster_airbyte_sync.resources.client.probing import Answer, Prober, has_path, other_scheme
from dagster_airbyte_sync.resources.client.unfinished_jobs import BusyConnections
from dagster_airbyte_sync.resources.errors import (
    AirbyteConflict,
    AirbyteError,
    AirbyteForbidden,
    AirbyteNotFound,
    AirbyteRedirected,
    AirbyteRefused,
    AirbyteRequestError,
    AirbyteSentPage,
    AirbyteSettingsError,
    AirbyteUnauthorized,
    AirbyteUnavailable,
    NoAnswer,
    NotLoaded,
    NotSteady,
    OutOfTime,
)
from dagster_airbyte_sync.resources.garbage import no_garbage_collected
from dagster_airbyte_sync.resources.http.budget import NO_LIMIT, TimeBudget
from dagster_airbyte_sync.resources.http.frames import forgets_arguments
from dagster_airbyte_sync.resources.http.redaction import Redactor
from dagster_airbyte_sync.resources.http.settings import (
    DEFAULT_OUTAGE_TIMEOUT,
    INSTANCE,
    AirbyteSettings,
    OnActiveSync,
)
from dagster_airbyte_sync.resources.records.catalog import (
    Api,
    Catalog,
    Connection,
    Destination,
    FieldMapper,
    Source,
    Stream,
    StreamId,
    SyncSchedule,
    WorkspaceName,
)
from dagster_airbyte_sync.resources.records.catalog_loss import PoorerCatalog
from dagster_airbyte_sync.resources.records.job_log import JobLog
from dagster_airbyte_sync.resources.records.job_ref import JobRef
from dagster_airbyte_sync.resources.records.job_request import JobRequest
from dagster_airbyte_sync.resources.records.job_starter import JobStarter, StarterKind
from dagster_airbyte_sync.resources.records.job_words import (
    clear_in_words,
    duration_text,
    in_units,
    rows_text,
    sync_in_words,
)
from dagster_airbyte_sync.resources.records.jobs import (
    Job,
    JobFailure,
    JobStatus,
    JobType,
    StreamStats,
)
from dagster_airbyte_sync.resources.records.stream_outcome import StreamOutcome
from dagster_airbyte_sync.resources.snapshot_file import (
    catalog_for_definitions,
    load_catalog,
    read_snapshot_file,
    without_snapshots,
    write_snapshot_file,
)
from dagster_airbyte_sync.resources.workspace import (
    AllWorkspaces,
    BaseAirbyteWorkspace,
    CloudInstance,
    CloudWorkspace,
    SelfManagedInstance,
    SelfManagedWorkspace,
    as_workspace,
)

__all__ = [
    "DEFAULT_OUTAGE_TIMEOUT",
    "FORMER_CALLS",
    "INSTANCE",
    "NO_LIMIT",
    "NO_SYNC_BY_ID",
    "AirbyteClient",
    "AirbyteConflict",
    "AirbyteError",
    "AirbyteForbidden",
    "AirbyteJob",
    "AirbyteNotFound",
    "AirbyteRedirected",
    "AirbyteRefused",
    "AirbyteRequestError",
    "AirbyteSentPage",
    "AirbyteSettings",
    "AirbyteSettingsError",
    "AirbyteUnauthorized",
    "AirbyteUnavailable",
    "AllWorkspaces",
    "Answer",
    "Api",
    "BaseAirbyteWorkspace",
    "BusyConnections",
    "Catalog",
    "CloudInstance",
    "CloudWorkspace",
    "Connection",
    "Destination",
    "FieldMapper",
    "Job",
    "JobFailure",
    "JobLog",
    "JobRef",
    "JobRequest",
    "JobStarter",
    "JobStatus",
    "JobType",
    "LatestJobs",
    "LegacyWarning",
    "NoAnswer",
    "NotLoaded",
    "NotSteady",
    "OnActiveSync",
    "OutOfTime",
    "Pages",
    "PoorerCatalog",
    "Prober",
    "Redactor",
    "SelfManagedInstance",
    "SelfManagedWorkspace",
    "Source",
    "StarterKind",
    "Steadiness",
    "Stream",
    "StreamId",
    "StreamOutcome",
    "StreamStats",
    "SyncSchedule",
    "TimeBudget",
    "WorkspaceName",
    "as_workspace",
    "catalog_for_definitions",
    "clear_in_words",
    "duration_text",
    "find_workspace",
    "forgets_arguments",
    "has_path",
    "in_units",
    "load_catalog",
    "no_garbage_collected",
    "other_scheme",
    "read_snapshot_file",
    "rows_text",
    "sync_in_words",
    "without_snapshots",
    "write_snapshot_file",
]
