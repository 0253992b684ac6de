"""Connections, actors and the rest as the Configuration API writes them."""

from collections.abc import Sequence

from dagster_airbyte_sync.testing.public_api.records import tag_record
from dagster_airbyte_sync.testing.wire.payload import Json, JsonObject
from dagster_airbyte_sync.testing.wire.times import epoch_seconds
from dagster_airbyte_sync.testing.wire.versions import Version
from dagster_airbyte_sync.testing.world.connections import (
    SimulatedConnection,
    SimulatedDestination,
    SimulatedSource,
    SimulatedTag,
    SimulatedWorkspace,
)
from dagster_airbyte_sync.testing.world.schedule import Schedule
from dagster_airbyte_sync.testing.world.streams import SimulatedStream
from dagster_airbyte_sync.testing.world.timeline import NOBODY


def connection_read(
    connection: SimulatedConnection, tags: Sequence[SimulatedTag], version: Version
) -> JsonObject:
    """Has no `workspaceId`, and shows the deselected streams as well."""
    streams: list[Json] = [_stream_and_configuration(stream) for stream in connection.streams]
    return {
        "connectionId": connection.connection_id,
        "name": connection.name,
        "namespaceDefinition": connection.namespace_definition.replace("_", ""),
        "namespaceFormat": connection.namespace_format,
        "prefix": connection.prefix,
        "sourceId": connection.source_id,
        "destinationId": connection.destination_id,
        "operationIds": [],
        "syncCatalog": {"streams": streams},
        **_schedule(connection.schedule),
        "status": connection.status,
        "statusReason": connection.status_reason or None,
        "breakingChange": connection.breaking_change,
        "notifySchemaChanges": False,
        "notifySchemaChangesByEmail": False,
        "nonBreakingChangesPreference": "ignore",
        "created_at": epoch_seconds(connection.created_at),
        "tags": [tag_record(tag) for tag in tags] if version.since(1, 6) else None,
    }


def destination_read(destination: SimulatedDestination, workspace_id: str) -> JsonObject:
    return {
        "destinationDefinitionId": destination.definition_id,
        "destinationId": destination.destination_id,
        "workspaceId": workspace_id,
        "connectionConfiguration": destination.configuration,
        "name": destination.name,
        "destinationName": destination.type.replace("-", " ").title(),
        "createdAt": epoch_seconds(destination.created_at),
        "status": "active",
    }


def version_read(destination: SimulatedDestination) -> JsonObject:
    """The version of its connector, and what that can do."""
    return {
        "dockerRepository": f"airbyte/destination-{destination.type or 'custom'}",
        "dockerImageTag": "2.0.0" if destination.supports_refreshes else "0.9.0",
        "supportsRefreshes": destination.supports_refreshes,
        "isVersionOverrideApplied": False,
        "supportState": "supported",
        "supportsFileTransfer": False,
        "supportsDataActivation": False,
    }


def source_version_read(source: SimulatedSource) -> JsonObject:
    return {
        "dockerRepository": f"airbyte/source-{source.type}",
        "dockerImageTag": "2.0.0",
        "supportsRefreshes": False,
        "isVersionOverrideApplied": False,
        "supportState": "supported",
        "supportsFileTransfer": False,
        "supportsDataActivation": False,
    }


def source_read(source: SimulatedSource) -> JsonObject:
    return {
        "sourceDefinitionId": source.definition_id,
        "sourceId": source.source_id,
        "workspaceId": source.workspace_id,
        "connectionConfiguration": source.configuration,
        "name": source.name,
        "sourceName": source.type.replace("-", " ").title(),
        "createdAt": epoch_seconds(source.created_at),
        "status": "active",
    }


def workspace_read(workspace: SimulatedWorkspace) -> JsonObject:
    return {
        "workspaceId": workspace.workspace_id,
        "customerId": NOBODY,
        "organizationId": NOBODY,
        "name": workspace.name,
        "slug": workspace.name.lower().replace(" ", "-"),
        "initialSetupComplete": True,
    }


def instance_configuration(
    workspace_id: str, version: Version, auth_mode: str, airbyte_url: str
) -> JsonObject:
    return {
        "edition": "community",
        "version": version.text,
        "airbyteUrl": airbyte_url,
        "auth": {"mode": auth_mode},
        "initialSetupComplete": True,
        "defaultUserId": NOBODY,
        "defaultOrganizationId": NOBODY,
        "defaultOrganizationEmail": "airbyte@example.com",
        "defaultWorkspaceId": workspace_id,
        "trackingStrategy": "logging",
    }


def _stream_and_configuration(stream: SimulatedStream) -> JsonObject:
    return {"stream": _stream(stream), "config": _configuration(stream)}


def _stream(stream: SimulatedStream) -> JsonObject:
    return {
        "name": stream.name,
        "namespace": stream.namespace,
        "jsonSchema": stream.schema,
        "supportedSyncModes": ["full_refresh", "incremental"],
        "sourceDefinedCursor": False,
        "defaultCursorField": [],
        "sourceDefinedPrimaryKey": [list(path) for path in stream.primary_key],
        "isResumable": stream.sync_mode == "incremental",
        "isFileBased": False,
    }


def _configuration(stream: SimulatedStream) -> JsonObject:
    return {
        "syncMode": stream.sync_mode,
        "destinationSyncMode": stream.writes_as,
        "cursorField": list(stream.cursor_field),
        "primaryKey": [list(path) for path in stream.primary_key],
        "aliasName": stream.name,
        "selected": stream.selected,
        "fieldSelectionEnabled": bool(stream.selected_fields),
        "selectedFields": [{"fieldPath": [name]} for name in stream.selected_fields],
        "hashedFields": [],
        "mappers": list(stream.mappers),
        "includeFiles": False,
    }


def _schedule(schedule: Schedule) -> JsonObject:
    """An interval is written twice, in the old way and in the new one."""
    if schedule.every:
        units, unit = schedule.units
        interval: JsonObject = {"units": units, "timeUnit": unit}
        data: JsonObject = {"basicSchedule": interval}
        return {"schedule": interval, "scheduleType": "basic", "scheduleData": data}
    if schedule.cron:
        cron = {"cronExpression": schedule.cron, "cronTimeZone": schedule.timezone}
        return {"scheduleType": "cron", "scheduleData": {"cron": cron}}
    return {"scheduleType": "manual"}
