"""Which table of Dagster belongs to which stream of Airbyte."""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import dagster as dg

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.matching import match
from dagster_airbyte_sync.assets.tables.names import clean_name
from dagster_airbyte_sync.assets.tables.translator import (
    AirbyteConnectionTableProps,
    DagsterAirbyteTranslator,
    calling,
    spec_of,
    table_props,
)
from dagster_airbyte_sync.resources import (
    AirbyteError,
    AirbyteSettingsError,
    Catalog,
    Connection,
    Source,
    StreamId,
)
from dagster_airbyte_sync.resources.schedules.schedule_words import schedule_words

ConnectionSelector = Callable[[Connection], bool]
"""Whether a connection of the workspace has assets, syncs and reports here."""


# So many keys that clash are named in one error.
_MOST_CLASHES = 50


class DuplicateAssetKey(AirbyteError):
    """Raised if several streams would have the same asset key, so that one would hide the other.

    Args:
        found: Each such key and its streams.
        way_out: What to do about it in Python.
        by_namespace: Whether the streams' namespaces would make all of them different.
    """

    def __init__(self, found: str, way_out: str, by_namespace: bool) -> None:
        self.found = found
        self.by_namespace = by_namespace
        super().__init__(found, way_out, by_namespace)

    def __str__(self) -> str:
        return f"{self.found}{self.args[1]}"


_Schemas = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True)
class Table:
    """One stream of one connection, and the asset that stands for it.

    What only the connection as it is now can say: `is_selected` is False for a stream that it does
    not sync any more, `is_alone` True if it syncs no other, `is_full_refresh` True if every sync
    reads all rows again. `is_defined` is False for a stream that is newer than the definitions: it
    is reported under the key that its asset will have.

    `pool` is that of the op that syncs its connection. `props` are what its spec was made of, and
    `source` is the asset for the stream of Airbyte's source above it, if there is to be one;
    `schemas_elsewhere` are those that its stream has in connections that are not selected, by their
    ids. A table that is found again from its spec has none of them.
    """

    connection_id: str
    stream: StreamId
    spec: dg.AssetSpec
    is_full_refresh: bool = False
    is_selected: bool = True
    is_alone: bool = False
    is_defined: bool = True
    pool: str | None = None
    props: AirbyteConnectionTableProps | None = field(default=None, repr=False, compare=False)
    source: dg.AssetSpec | None = field(default=None, repr=False, compare=False)
    schemas_elsewhere: _Schemas = field(default_factory=dict, repr=False, compare=False)

    @property
    def key(self) -> dg.AssetKey:
        return self.spec.key

    @property
    def was_paused(self) -> bool:
        """Whether its connection was inactive in Airbyte as its spec was made."""
        # What is locked is so only for a while.
        return self.spec.tags.get(keys.CONNECTION_STATUS) == "inactive"


def tables_of(
    catalog: Catalog,
    connection: Connection,
    translator: DagsterAirbyteTranslator,
    more: Mapping[str, object] = MappingProxyType({}),
    namesakes: Collection[str] = (),
) -> list[Table]:
    """The tables of one connection, one for each selected stream, with `more` in their metadata.

    `namesakes` are the ids of sources that have the name of another.

    Raises AirbyteSettingsError that names the connection if the translator raises for one of them,
    or Dagster refuses what it makes.
    """
    destination, page = catalog.destination_of(connection), catalog.page_of(connection)
    source = catalog.source_of(connection)
    source_page = catalog.page_of_source(connection)
    identity = {**_identity_of(connection, source, page), **more}
    # What Airbyte syncs looks exactly as dagster-airbyte shows it.
    status = {} if connection.is_active else {keys.CONNECTION_STATUS: connection.status}
    tables = []
    for stream in connection.selected_streams:
        props = table_props(
            connection,
            stream,
            destination,
            source,
            connection_url=page,
            source_url=source_page,
            source_has_namesakes=source.id in namesakes,
        )
        metadata = {**identity, **_identity_of_stream(stream.id)}
        spec = spec_of(translator, props, metadata, status)
        tables.append(Table(connection.id, stream.id, spec, props=props))
    return as_synced_by(connection, tables)


def as_synced_by(connection: Connection, tables: Iterable[Table]) -> list[Table]:
    """Tables of the connection, with what only it can say of them now."""
    tables, selected = list(tables), connection.selected_streams
    pairs = match([table.stream for table in tables], [stream.id for stream in selected]).pairs
    # Of streams that Airbyte does not keep apart nobody knows which of them is read in full.
    partly = {stream.id for stream in selected if not stream.is_full_refresh}
    return [
        replace(
            table,
            is_selected=table.stream in pairs,
            is_alone=table.stream in pairs and len(selected) == 1,
            is_full_refresh=table.stream in pairs and pairs[table.stream] not in partly,
        )
        for table in tables
    ]


def warn_of_unclear(
    tables: Iterable[Table], unclear: Collection[StreamId], log: logging.Logger
) -> None:
    """Name the tables of a connection that streams of Airbyte may stand for, where several may."""
    tables = list(tables)
    for stream in sorted(unclear, key=StreamId.sort_key):
        namesakes = [table.key for table in tables if table.stream.name == stream.name]
        log.warning(
            "The stream %s could belong to several assets, because Airbyte does not give its"
            " namespace. Nothing is reported for: %s",
            stream,
            ", ".join(sorted(key.to_user_string() for key in namesakes)),
        )


def _identity_of(connection: Connection, source: Source, page: str | None) -> dict[str, object]:
    """What finds the connection of a table again, whatever a translator made of it."""
    identity: dict[str, object] = {
        keys.CONNECTION_ID: connection.id,
        keys.CONNECTION_NAME: connection.name,
    }
    if connection.workspace_id and connection.workspace_name:
        identity[keys.WORKSPACE_ID] = connection.workspace_id
        identity[keys.WORKSPACE_NAME] = connection.workspace_name
    if page:
        identity[keys.CONNECTION_URL] = dg.MetadataValue.url(page)
    if connection.created_at:
        identity[keys.CONNECTION_CREATED_AT] = keys.timestamp(connection.created_at)
    if connection.tags:
        identity[keys.CONNECTION_TAGS] = list(connection.tags)
    if source.name:
        identity[keys.SOURCE_NAME] = source.name
    if source.type:
        identity[keys.SOURCE_TYPE] = source.type
    identity[keys.SCHEDULE] = schedule_words(connection.schedule)
    return identity


def _identity_of_stream(stream: StreamId) -> dict[str, object]:
    namespace = {keys.STREAM_NAMESPACE: stream.namespace} if stream.namespace else {}
    return {keys.STREAM_NAME: stream.name, **namespace}


def table_of_spec(spec: dg.AssetSpec) -> Table | None:
    """The table a spec of ours describes, from its own metadata; None for any other spec.

    How its connection syncs it now the spec does not know: see `as_synced_by`.
    """
    connection_id = keys.text_in(spec.metadata, keys.CONNECTION_ID)
    name = keys.text_in(spec.metadata, keys.STREAM_NAME)
    if connection_id is None or name is None:
        return None
    namespace = keys.text_in(spec.metadata, keys.STREAM_NAMESPACE)
    return Table(connection_id, StreamId(name, namespace), spec)


def workspaces_of(tables: Iterable[Table]) -> dict[str, str]:
    """The workspaces by connection, as the tables of an instance say them."""
    known = ((each, keys.text_in(each.spec.metadata, keys.WORKSPACE_ID)) for each in tables)
    return {each.connection_id: workspace for each, workspace in known if workspace}


def group_by_connection(tables: Iterable[Table]) -> dict[str, list[Table]]:
    groups: dict[str, list[Table]] = {}
    for table in tables:
        groups.setdefault(table.connection_id, []).append(table)
    return groups


def connection_name(table: Table) -> str:
    """As logs and errors have it: in an instance with the workspace, as others may have a
    connection of that name."""
    parts = (keys.WORKSPACE_NAME, keys.CONNECTION_NAME)
    known = (keys.text_in(table.spec.metadata, each) for each in parts)
    return "/".join(filter(None, known)) or table.connection_id


def name_of(tables: Sequence[Table]) -> str:
    """The name and id of the connection that the tables are of."""
    return f"{connection_name(tables[0])!r} ({tables[0].connection_id})"


def accepts(selector: ConnectionSelector | None, connection: Connection) -> bool:
    """Whether the user selected the connection.

    Raises AirbyteSettingsError that names the connection if the user's function raises.
    """
    if selector is None:
        return True
    if not callable(selector):
        raise AirbyteSettingsError(
            f"connection_selector_fn is {selector!r}: give a function of a Connection, such as"
            " lambda connection: connection.name.startswith('prod')."
        )
    named = f"connection {connection.name!r} ({connection.id})"
    with calling("The function that selects connections", named):
        return bool(selector(connection))


def only_active(selector: ConnectionSelector | None) -> ConnectionSelector:
    """The selector, of connections that Airbyte syncs at all."""
    return lambda connection: connection.is_active and accepts(selector, connection)


def selected_tables(
    catalog: Catalog,
    translator: DagsterAirbyteTranslator | None = None,
    selector: ConnectionSelector | None = None,
    more: Callable[[Connection], Mapping[str, object]] = lambda _: {},
) -> list[Table]:
    """The tables of all connections the selector accepts; `more` goes into their metadata.

    Raises DuplicateAssetKey if two of them would be one asset.
    """
    translator, namesakes = translator or DagsterAirbyteTranslator(), _namesakes(catalog)
    every = catalog.connections.values()
    selected = {each.id: each for each in every if accepts(selector, each)}
    elsewhere = _schemas_of([each for each in every if each.id not in selected])
    tables = [
        replace(table, schemas_elsewhere=elsewhere.get((connection.source_id, table.stream), {}))
        if elsewhere
        else table
        for connection in selected.values()
        for table in tables_of(catalog, connection, translator, more(connection), namesakes)
    ]
    _refuse_duplicates(tables, catalog.connections)
    return tables


def _schemas_of(
    connections: Iterable[Connection],
) -> Mapping[tuple[str | None, StreamId], _Schemas]:
    """The schemas of the streams that they sync, by source and stream."""
    schemas = defaultdict[tuple[str | None, StreamId], dict[str, Mapping[str, object]]](dict)
    for each in connections:
        for stream in each.selected_streams:
            schemas[each.source_id, stream.id][each.id] = stream.json_schema
    return dict(schemas)


def _namesakes(catalog: Catalog) -> set[str]:
    """The sources with the name of another in their workspace, selected or not: what is selected
    elsewhere has the same names."""
    ids: dict[tuple[str, str], set[str]] = {}
    for connection in catalog.connections.values():
        source = catalog.source_of(connection)
        name = clean_name(connection.workspace_name or ""), clean_name(source.name).strip("_")
        ids.setdefault(name, set()).add(source.id)
    return {each for own in ids.values() if len(own) > 1 for each in own}


def _refuse_duplicates(tables: Iterable[Table], connections: Mapping[str, Connection]) -> None:
    by_key: dict[dg.AssetKey, list[Table]] = {}
    for table in tables:
        by_key.setdefault(table.key, []).append(table)
    clashes = {key: own for key, own in by_key.items() if len(own) > 1}
    if clashes:
        by_namespace = all(
            len({table.stream.namespace for table in own}) == len(own) for own in clashes.values()
        )
        found, way_out = _found(clashes, connections), _way_out(by_namespace)
        raise DuplicateAssetKey(found, way_out, by_namespace)


def _found(
    clashes: Mapping[dg.AssetKey, Sequence[Table]], connections: Mapping[str, Connection]
) -> str:
    named = {
        key.to_user_string(): ", and ".join(_described(table, connections) for table in own)
        for key, own in clashes.items()
    }
    if len(named) == 1:
        ((key, streams),) = named.items()
        count = "two" if len(next(iter(clashes.values()))) == 2 else "several"
        return f"The asset key {key!r} would stand for {count} streams: {streams}. "
    lines = [f"- {key!r}: {streams}" for key, streams in named.items()]
    more = len(lines) - _MOST_CLASHES
    shown = [*lines[:_MOST_CLASHES], *([f"- and {more} more"] if more > 0 else [])]
    rows = "\n".join(shown)
    return f"{len(lines)} asset keys would stand for several streams each:\n{rows}\n"


def _way_out(by_namespace: bool) -> str:
    keys_in_python = (
        "Put their namespaces into the keys with dagster_airbyte_translator=NamespacedTranslator()"
        if by_namespace
        else "Give them different keys in a DagsterAirbyteTranslator (its props have"
        " connection_name, connection_id, workspace_id and stream_namespace)"
    )
    return (
        f"{keys_in_python}, set a stream prefix in Airbyte, or leave one connection out with"
        " connection_selector_fn."
    )


def _described(table: Table, connections: Mapping[str, Connection]) -> str:
    connection = connections[table.connection_id]
    where = f" in workspace {connection.workspace_id}" if connection.workspace_name else ""
    return f"stream '{table.stream}' of connection {connection.name!r} ({connection.id}){where}"
