"""What both APIs send of a connection under the same names."""

from collections.abc import Callable

from dagster_airbyte_sync.resources.json_values import (
    Json,
    as_datetime,
    as_text,
    object_at,
    objects_at,
)
from dagster_airbyte_sync.resources.records.catalog import (
    Connection,
    FieldMapper,
    Stream,
    SyncSchedule,
)

# Of each kind of mapper the fields of its configuration: the column's name, and its new one.
_RENAMES = {"field-renaming": ("originalFieldName", "newFieldName")}
_SUFFIXES = ("hashing", "encryption")


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


def read_selected_fields(raw: Json) -> tuple[str, ...]:
    """The columns of `selectedFields`; of a field within one, that column."""
    paths = (each.get("fieldPath") for each in objects_at(raw, "selectedFields"))
    first = (as_text(path[0]) for path in paths if isinstance(path, list) and path)
    return tuple(dict.fromkeys(filter(None, first)))


def read_mappers(raw: Json) -> tuple[FieldMapper, ...]:
    """The stream's mappers, without their keys, which are secret."""
    return tuple(_read_mapper(each) for each in objects_at(raw, "mappers"))


def _read_mapper(raw: Json) -> FieldMapper:
    kind, settings = as_text(raw.get("type")) or "", object_at(raw, "mapperConfiguration")
    before, after = _RENAMES.get(kind, ("targetField", ""))
    field, new_field = as_text(settings.get(before)), as_text(settings.get(after))
    if kind in _SUFFIXES and field is not None:
        new_field = field + (as_text(settings.get("fieldNameSuffix")) or "")
    return FieldMapper(kind, field, new_field)
