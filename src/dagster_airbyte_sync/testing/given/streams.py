"""Streams that clients choose and configure, as each API takes them (`AirbyteCatalogHelper`)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from dagster_airbyte_sync.testing.public_api.records import SYNC_MODES
from dagster_airbyte_sync.testing.wire import problems
from dagster_airbyte_sync.testing.wire.parameters import Body
from dagster_airbyte_sync.testing.wire.payload import JsonObject
from dagster_airbyte_sync.testing.world.streams import (
    DestinationSyncMode,
    SimulatedStream,
    StreamKey,
    SyncMode,
)

Streams = tuple[SimulatedStream, ...]

_SYNC_MODES: tuple[SyncMode, ...] = get_args(SyncMode)
_DESTINATION_SYNC_MODES: tuple[DestinationSyncMode, ...] = get_args(DestinationSyncMode)
_MODES_OF = {word: modes for modes, word in SYNC_MODES.items()}


def overwritten(known: Streams) -> Streams:
    """What the public API makes of a new connection for which no stream is configured."""
    return tuple(
        replace(each, selected=True, sync_mode="full_refresh", destination_sync_mode="overwrite")
        for each in known
    )


def configured_for_public_api(given: Body, known: Streams) -> Streams | None:
    """The streams of a source: those that are given, and the others deselected; None if none are.

    Raises Refusal for what Airbyte refuses.
    """
    chosen: dict[StreamKey, SimulatedStream] = {}
    for part in given.parts("streams"):
        stream = _found(part, known)
        if stream.key in chosen:
            raise problems.bad_request(
                f"Duplicate stream found in configuration for: {stream.name}."
            )
        chosen[stream.key] = _configured(stream, part)
    if not chosen:
        return None
    return tuple(chosen.get(each.key) or replace(each, selected=False) for each in known)


def configured_in_catalog(given: Body, known: Streams) -> Streams | None:
    """The streams of a `syncCatalog`; those that it leaves out are deselected; None without one."""
    if not given.has("streams"):
        return None
    before = {each.key: each for each in known}
    found = [_in_catalog(part, before) for part in given.parts("streams")]
    named = {each.key for each in found}
    return (*found, *(replace(each, selected=False) for each in known if each.key not in named))


def _found(part: Body, known: Streams) -> SimulatedStream:
    name, namespace = part.text("name"), part.optional("namespace")
    found = next(
        (each for each in known if each.name == name and namespace in (None, each.namespace)), None
    )
    if found is None:
        names = ", ".join(each.name for each in known)
        raise problems.bad_request(
            f"Invalid stream found. The list of valid streams include: [{names}]."
        )
    return found


def _configured(stream: SimulatedStream, part: Body) -> SimulatedStream:
    mode = part.optional("syncMode") or "full_refresh_overwrite"
    if mode not in _MODES_OF:
        raise problems.unbound("syncMode", mode)
    sync_mode, destination_sync_mode = _MODES_OF[mode]
    cursor = tuple(part.texts("cursorField") or ()) or stream.cursor_field
    # What the source says itself counts.
    key = stream.primary_key or _paths(part.value("primaryKey"))
    if sync_mode == "incremental" and not cursor:
        raise _missing("cursor field", stream)
    if destination_sync_mode in ("append_dedup", "overwrite_dedup") and not key:
        raise _missing("primary key", stream)
    return replace(
        stream,
        selected=True,
        sync_mode=sync_mode,
        destination_sync_mode=destination_sync_mode,
        cursor_field=cursor,
        primary_key=key,
        selected_fields=_selected_fields(stream, part),
        mappers=_mappers(part, stream),
    )


def _selected_fields(stream: SimulatedStream, part: Body) -> tuple[str, ...]:
    """None given means all. An empty list, as Airbyte itself answers it, is refused."""
    if part.value("selectedFields") is None:
        return stream.selected_fields
    fields = _names(part)
    if not fields:
        raise problems.bad_request(f"No fields selected for stream {stream.name}.")
    return fields


def _in_catalog(part: Body, before: dict[StreamKey, SimulatedStream]) -> SimulatedStream:
    stream, config = part.part("stream"), part.part("config")
    key = (stream.text("name"), stream.optional("namespace"))
    schema = stream.value("jsonSchema")
    known = before.get(key) or SimulatedStream(*key)
    return replace(
        known,
        json_schema=schema if isinstance(schema, dict) else known.json_schema,
        selected=config.value("selected") is True,
        sync_mode=config.one_of("syncMode", _SYNC_MODES),
        destination_sync_mode=config.one_of("destinationSyncMode", _DESTINATION_SYNC_MODES),
        cursor_field=tuple(config.texts("cursorField") or ()),
        primary_key=_paths(config.value("primaryKey")),
        selected_fields=_names(config) if config.value("fieldSelectionEnabled") is True else (),
        mappers=_mappers(config, known),
    )


def _mappers(part: Body, before: SimulatedStream) -> tuple[JsonObject, ...]:
    """None given leaves them."""
    given = part.value("mappers")
    if not isinstance(given, list):
        return before.mappers
    return tuple(each for each in given if isinstance(each, dict))


def _names(part: Body) -> tuple[str, ...]:
    """The fields at the top: no others can be selected."""
    paths = (each.texts("fieldPath") for each in part.parts("selectedFields"))
    return tuple(path[0] for path in paths if path)


def _paths(value: object) -> tuple[tuple[str, ...], ...]:
    given: Sequence[object] = value if isinstance(value, list) else ()
    return tuple(tuple(map(str, path)) for path in given if isinstance(path, list))


def _missing(what: str, stream: SimulatedStream) -> problems.Refusal:
    return problems.bad_request(
        f"No default {what} for stream: {stream.name}. "
        f"Please include a {what} configuration for this stream."
    )
