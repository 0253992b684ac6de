"""Which table of Dagster belongs to which stream of Airbyte."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import dagster as dg

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.matching import match
from dagster_airbyte_sync.assets.tables.translator import (
    AirbyteConnectionTableProps,
    DagsterAirbyteTranslator,
    table_props,
)
from dagster_airbyte_sync.resources import (
    AirbyteError,
    AirbyteSettingsError,
    Catalog,
    Connection,
    StreamId,
)

ConnectionSelector = Callable[[Connection], bool]


class DuplicateAssetKey(AirbyteError):
    """Raised if two streams would share one asset key, so that one would hide the other."""


@dataclass(frozen=True)
class Table:
    """One stream of one connection, and the asset that stands for it.

    What only the connection as it is now can say: `is_selected` is False for a stream that it does
    not sync any more, `is_alone` True if it syncs no other, `is_full_refresh` True if every sync
    reads all rows again. `is_defined` is False for a stream that is newer than the definitions: it
    is reported under the key that its asset will have.
    """

    connection_id: str
    stream: StreamId
    spec: dg.AssetSpec
    is_full_refresh: bool = False
    is_selected: bool = True
    is_alone: bool = False
    is_defined: bool = True

    @property
    def key(self) -> dg.AssetKey:
        return self.spec.key

    @property
    def was_paused(self) -> bool:
        """Whether its connection was inactive in Airbyte as its spec was made."""
        # What is locked is so only for a while.
        return self.spec.tags.get(keys.CONNECTION_STATUS) == "inactive"


def tables_of(
    catalog: Catalog, connection: Connection, translator: DagsterAirbyteTranslator
) -> list[Table]:
    """The tables of one connection, one for each selected stream.

    Raises AirbyteSettingsError that names the connection if Dagster refuses what the translator
    makes of one of them.
    """
    destination = catalog.destination_of(connection)
    tables = [
        Table(
            connection_id=connection.id,
            stream=stream.id,
            spec=_with_identity(
                _translated(translator, table_props(connection, stream, destination)),
                connection,
                stream.id,
            ),
        )
        for stream in connection.selected_streams
    ]
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


def _translated(
    translator: DagsterAirbyteTranslator, props: AirbyteConnectionTableProps
) -> dg.AssetSpec:
    try:
        spec = translator.get_asset_spec(props)
    except dg.DagsterInvalidDefinitionError as refusal:
        is_named_after_it = props.connection_name in str(refusal)
        hint = f" As a group's name, props.connection_group is {props.connection_group!r}."
        raise AirbyteSettingsError(
            f"Dagster refuses the asset that the translator (or `translation`) makes of the table"
            f" {props.table_name!r} of connection {props.connection_name!r}"
            f" ({props.connection_id}): {refusal}{hint if is_named_after_it else ''}"
        ) from refusal
    partitions = spec.partitions_def
    if partitions is not None and not isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        raise AirbyteSettingsError(
            f"The translator (or `translation`) gives the table {props.table_name!r} of connection"
            f" {props.connection_name!r} partitions that are not times ({partitions}). A sync is of"
            " a time, and of all of a table: leave partitions_def out, or use one such as"
            " DailyPartitionsDefinition, of which a sync materializes the partition in which it"
            " ended."
        )
    return spec


def _with_identity(spec: dg.AssetSpec, connection: Connection, stream: StreamId) -> dg.AssetSpec:
    """The spec, and what finds its stream again, whatever a translator made of it."""
    identity: dict[str, object] = {
        keys.CONNECTION_ID: connection.id,
        keys.CONNECTION_NAME: connection.name,
        keys.STREAM_NAME: stream.name,
    }
    if stream.namespace:
        identity[keys.STREAM_NAMESPACE] = stream.namespace
    if connection.tags:
        identity[keys.CONNECTION_TAGS] = list(connection.tags)
    # What Airbyte syncs looks exactly as dagster-airbyte shows it.
    status = {} if connection.is_active else {keys.CONNECTION_STATUS: connection.status}
    return spec.merge_attributes(metadata=identity, tags=status)


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


def group_by_connection(tables: Iterable[Table]) -> dict[str, list[Table]]:
    groups: dict[str, list[Table]] = {}
    for table in tables:
        groups.setdefault(table.connection_id, []).append(table)
    return groups


def only_active(selector: ConnectionSelector | None) -> ConnectionSelector:
    """The selector, of connections that Airbyte syncs at all."""
    return lambda connection: connection.is_active and (selector is None or selector(connection))


def selected_tables(
    catalog: Catalog,
    translator: DagsterAirbyteTranslator | None = None,
    selector: ConnectionSelector | None = None,
) -> list[Table]:
    """The tables of all connections the selector accepts.

    Raises DuplicateAssetKey if two of them would be one asset.
    """
    tables = [
        table
        for connection in catalog.connections.values()
        if selector is None or selector(connection)
        for table in tables_of(catalog, connection, translator or DagsterAirbyteTranslator())
    ]
    _refuse_duplicates(tables, catalog.connections)
    return tables


def _refuse_duplicates(tables: Iterable[Table], connections: Mapping[str, Connection]) -> None:
    first_by_key: dict[dg.AssetKey, Table] = {}
    for table in tables:
        first = first_by_key.setdefault(table.key, table)
        if first is not table:
            raise DuplicateAssetKey(
                f"The asset key {table.key.to_user_string()!r} would stand for two streams:"
                f" {_described(first, connections)}, and {_described(table, connections)}."
                f" {_way_out(first, table)}, set a stream prefix in Airbyte, or leave one"
                " connection out with connection_selector_fn."
            )


def _way_out(one: Table, other: Table) -> str:
    if one.stream.namespace != other.stream.namespace:
        return (
            "Put their namespaces into the keys with"
            " dagster_airbyte_translator=NamespacedTranslator()"
        )
    return (
        "Give them different keys in a DagsterAirbyteTranslator (its props have connection_name,"
        " connection_id and stream_namespace)"
    )


def _described(table: Table, connections: Mapping[str, Connection]) -> str:
    connection = connections[table.connection_id]
    return f"stream '{table.stream}' of connection {connection.name!r} ({connection.id})"
