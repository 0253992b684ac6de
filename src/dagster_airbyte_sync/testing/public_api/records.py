"""Records as the public API writes them."""

from collections.abc import Sequence
from datetime import datetime

from dagster_airbyte_sync.testing.wire.payload import Json, JsonObject
from dagster_airbyte_sync.testing.wire.times import epoch_seconds, java_duration, java_time
from dagster_airbyte_sync.testing.wire.versions import Version
from dagster_airbyte_sync.testing.world.connections import (
    SimulatedConnection,
    SimulatedDestination,
    SimulatedSource,
    SimulatedTag,
)
from dagster_airbyte_sync.testing.world.jobs import SimulatedJob
from dagster_airbyte_sync.testing.world.schedule import Schedule
from dagster_airbyte_sync.testing.world.streams import (
    DestinationSyncMode,
    SimulatedStream,
    SyncMode,
)

SYNC_MODES: dict[tuple[SyncMode, DestinationSyncMode], str] = {
    ("full_refresh", "overwrite"): "full_refresh_overwrite",
    ("full_refresh", "overwrite_dedup"): "full_refresh_overwrite_deduped",
    ("full_refresh", "append"): "full_refresh_append",
    ("full_refresh", "update"): "full_refresh_update",
    ("full_refresh", "soft_delete"): "full_refresh_soft_delete",
    ("incremental", "append"): "incremental_append",
    ("incremental", "append_dedup"): "incremental_deduped_history",
    ("incremental", "update"): "incremental_update",
    ("incremental", "soft_delete"): "incremental_soft_delete",
}


def job_record(job: SimulatedJob, *, with_stats: bool) -> JsonObject:
    """`startTime` is when the job was created; starting and cancelling answer without counts."""
    is_final = job.is_finished and job.unheard_status is None
    took = java_duration(_whole(job.updated_at) - _whole(job.created_at))
    return {
        "jobId": job.job_id,
        "status": job.unheard_status or job.status,
        "jobType": job.unheard_type or job.type,
        "connectionId": job.connection_id,
        "startTime": java_time(job.created_at),
        "lastUpdatedAt": java_time(job.updated_at) if is_final else None,
        "duration": None if job.status == "pending" else took,
        "bytesSynced": job.total.bytes_committed if with_stats else None,
        "rowsSynced": job.total.records_committed if with_stats else None,
    }


def connection_record(
    connection: SimulatedConnection, tags: Sequence[SimulatedTag], version: Version
) -> JsonObject:
    streams: list[Json] = [stream_record(s, version) for s in connection.selected_streams]
    return {
        "connectionId": connection.connection_id,
        "name": connection.name,
        "sourceId": connection.source_id,
        "destinationId": connection.destination_id,
        "workspaceId": connection.workspace_id,
        "status": connection.status,
        "schedule": _schedule(connection.schedule),
        "dataResidency": None if version.since(1, 8) else "auto",
        "configurations": {"streams": streams},
        "createdAt": epoch_seconds(connection.created_at) if version.since(1, 2) else None,
        "tags": [tag_record(tag) for tag in tags] if version.since(1, 6) else None,
        "nonBreakingSchemaUpdatesBehavior": "ignore",
        "namespaceDefinition": connection.namespace_definition,
        "namespaceFormat": connection.namespace_format,
        "prefix": connection.prefix,
    }


def stream_record(stream: SimulatedStream, version: Version) -> JsonObject:
    fields: list[Json] = [{"fieldPath": [name]} for name in stream.selected_fields]
    return {
        "name": stream.name,
        "namespace": stream.namespace if version.since(1, 7) else None,
        "syncMode": SYNC_MODES.get((stream.sync_mode, stream.writes_as)),
        "cursorField": list(stream.cursor_field),
        "primaryKey": [list(path) for path in stream.primary_key],
        "selectedFields": fields if version.since(1, 2) else None,
        "mappers": list(stream.mappers) if version.since(1, 2) else None,
        "includeFiles": False if version.since(1, 7) else None,
    }


def stream_properties(stream: SimulatedStream) -> JsonObject:
    """The key `streamnamespace` is spelled like that."""
    properties = stream.schema.get("properties")
    names = list(properties) if isinstance(properties, dict) else []
    return {
        "streamName": stream.name,
        "streamnamespace": stream.namespace,
        "syncModes": ["full_refresh_overwrite", "full_refresh_append"],
        "defaultCursorField": list(stream.cursor_field),
        "sourceDefinedCursorField": False,
        "sourceDefinedPrimaryKey": [list(path) for path in stream.primary_key],
        "propertyFields": [[name] for name in names],
    }


def destination_record(
    destination: SimulatedDestination, workspace_id: str, version: Version
) -> JsonObject:
    newer = version.since(1, 2)
    return {
        "destinationId": destination.destination_id,
        "name": destination.name,
        "destinationType": destination.type,
        "definitionId": destination.definition_id if newer else None,
        "workspaceId": workspace_id,
        "configuration": destination.configuration,
        "createdAt": epoch_seconds(destination.created_at) if newer else None,
    }


def source_record(source: SimulatedSource, version: Version) -> JsonObject:
    newer = version.since(1, 2)
    return {
        "sourceId": source.source_id,
        "name": source.name,
        "sourceType": source.type,
        "definitionId": source.definition_id if newer else None,
        "workspaceId": source.workspace_id,
        "configuration": source.configuration,
        "createdAt": epoch_seconds(source.created_at) if newer else None,
    }


def workspace_record(workspace_id: str, name: str, version: Version) -> JsonObject:
    return {
        "workspaceId": workspace_id,
        "name": name,
        "dataResidency": "auto",
        "notifications": {} if version.since(1, 6) else None,
    }


def tag_record(tag: SimulatedTag) -> JsonObject:
    return {
        "tagId": tag.tag_id,
        "workspaceId": tag.workspace_id,
        "name": tag.name,
        "color": tag.color,
    }


def _schedule(schedule: Schedule) -> JsonObject:
    """A cron is one text with its time zone, and the units of an interval are shouted."""
    units, unit = schedule.units
    cron = f"{schedule.cron} {schedule.timezone}" if schedule.cron else None
    timing = f"Every {units} {unit.upper()}" if schedule.every else None
    return {"scheduleType": schedule.type, "cronExpression": cron, "basicTiming": timing}


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
