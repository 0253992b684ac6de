"""Connections that clients make and change, as each API takes them (`ConnectionUpdateMapper`)."""

from typing import get_args

from dagster_airbyte_sync.testing.given.schedules import GivenSchedules, given_to_public_api
from dagster_airbyte_sync.testing.given.streams import (
    Streams,
    configured_for_public_api,
    configured_in_catalog,
)
from dagster_airbyte_sync.testing.wire import problems
from dagster_airbyte_sync.testing.wire.parameters import Body
from dagster_airbyte_sync.testing.wire.versions import Version
from dagster_airbyte_sync.testing.world.catalog import Tags
from dagster_airbyte_sync.testing.world.connections import (
    ConnectionChanges,
    ConnectionStatus,
    NamespaceDefinition,
    SimulatedConnection,
)

_STATUSES: tuple[ConnectionStatus, ...] = get_args(ConnectionStatus)
_NAMESPACES: tuple[NamespaceDefinition, ...] = get_args(NamespaceDefinition)


def changes_for_public_api(
    body: Body, known: Streams, tags: Tags, version: Version
) -> ConnectionChanges:
    """What is not given stays; `known` are the streams of the source."""
    namespace = body.optional("namespaceDefinition")
    return ConnectionChanges(
        name=body.optional("name"),
        streams=configured_for_public_api(body.part("configurations"), known),
        prefix=body.optional("prefix"),
        namespace_definition=body.one_of("namespaceDefinition", _NAMESPACES) if namespace else None,
        namespace_format=body.optional("namespaceFormat"),
        schedule=given_to_public_api(body.part("schedule"), version),
        status=_status(body),
        tags=_tags(body, tags),
    )


def changes_in_configuration_api(
    body: Body, known: Streams, tags: Tags, version: Version
) -> ConnectionChanges:
    """What is not given stays; `known` are the streams of the source."""
    namespace = body.optional("namespaceDefinition")
    breaking = body.value("breakingChange")
    return ConnectionChanges(
        name=body.optional("name"),
        streams=configured_in_catalog(body.part("syncCatalog"), known),
        prefix=body.optional("prefix"),
        namespace_definition=_namespace(namespace) if namespace else None,
        namespace_format=body.optional("namespaceFormat"),
        schedule=GivenSchedules(version).schedule(body),
        status=_status(body),
        breaking_change=breaking if isinstance(breaking, bool) else None,
        tags=_tags(body, tags),
    )


def refuse_locked(connection: SimulatedConnection, version: Version) -> None:
    """Raise Refusal for a connection that cannot be changed: since 2.1 those that are locked."""
    if connection.status == "locked" and version.since(2, 1):
        raise problems.locked(connection.connection_id, connection.status_reason)


def _namespace(word: str) -> NamespaceDefinition:
    """This API has no underscores in it."""
    found = next((each for each in _NAMESPACES if each.replace("_", "") == word), None)
    if found is None:
        raise problems.unbound("namespaceDefinition", word)
    return found


def _status(body: Body) -> ConnectionStatus | None:
    return body.one_of("status", _STATUSES) if body.has("status") else None


def _tags(body: Body, tags: Tags) -> tuple[str, ...] | None:
    """Tags are known by their ids, whatever else is written of them."""
    if not body.has("tags"):
        return None
    found = [(each.text("tagId"), tags.find(each.text("tagId"))) for each in body.parts("tags")]
    for tag_id, tag in found:
        if tag is None:
            raise problems.resource_not_found("tag", tag_id)
    return tuple(tag.name for _, tag in found if tag)
