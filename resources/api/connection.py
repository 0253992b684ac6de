"""What both APIs send of a connection under the same names."""

from collections.abc import Callable

from dagster_airbyte_sync.resources.json_values import (
    Json,
    as_datetime,
    as_text,
    object_at,
    objects_at,
)
from dagster_airbyte_sync.resources.records.catalog import Connection, Stream, SyncSchedule


def read_connection_with(
    answer: object,
    read_schedule: Callable[[Json], SyncSchedule],
    read_streams: Callable[[Json], tuple[Stream, ...]],
) -> Connection | None:
    """A connection; None without an id, by which everything else is found."""
    raw = object_at(answer)
    connection_id = as_text(raw.get("connectionId"))
    if connection_id is None:
        return None
    origin = as_text(raw.get("namespaceDefinition")) or "source"
    return Connection(
        id=connection_id,
        name=as_text(raw.get("name")) or connection_id,
        destination_id=as_text(raw.get("destinationId")) or "",
        source_id=as_text(raw.get("sourceId")),
        status=as_text(raw.get("status")) or "active",
        stream_prefix=as_text(raw.get("prefix")),
        # The Configuration API writes `customformat`, the public one `custom_format`.
        namespace_definition="custom_format" if origin == "customformat" else origin,
        namespace_format=as_text(raw.get("namespaceFormat")),
        schedule=read_schedule(raw),
        tags=tuple(filter(None, (as_text(tag.get("name")) for tag in objects_at(raw, "tags")))),
        # The Configuration API writes it like this, the public one in camel case.
        created_at=as_datetime(raw.get("created_at", raw.get("createdAt"))),
        all_streams=read_streams(raw),
        status_reason=as_text(raw.get("statusReason")),
        breaking_change=raw.get("breakingChange") is True,
        # The Configuration API does not say it in its list.
        workspace_id=as_text(raw.get("workspaceId")),
    )
