"""Tables of streams that are newer than the definitions: reported under the keys that their assets
will have, so that these find their history once the code location is reloaded."""

import logging
from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace

import dagster as dg

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.matching import match
from dagster_airbyte_sync.assets.tables.storable import why_not_storable
from dagster_airbyte_sync.assets.tables.table import Table, tables_of
from dagster_airbyte_sync.assets.tables.translator import DagsterAirbyteTranslator, column_types
from dagster_airbyte_sync.resources import Catalog, Connection, StreamId


@dataclass(frozen=True)
class KnownStreams:
    """The streams that a connection synced as the specs of its tables were made.

    `schemas` are their JSON schemas; where Airbyte gave none, the stream is not in it.
    """

    ids: frozenset[StreamId]
    schemas: Mapping[StreamId, Mapping[str, object]] = field(
        default_factory=dict, compare=False, repr=False
    )

    @staticmethod
    def of(connection: Connection) -> "KnownStreams":
        schemas = {each.id: each.json_schema for each in connection.selected_streams}
        known = {stream: schema for stream, schema in schemas.items() if schema}
        return KnownStreams(frozenset(schemas), known)

    def columns_of(self, stream: StreamId) -> Mapping[str, str] | None:
        """The columns with their types, as Airbyte had them: a translator may show others."""
        schema = self.schemas.get(stream)
        return None if schema is None else column_types(schema)


def newer_than(tables: Iterable[Table], streams: Iterable[StreamId]) -> frozenset[StreamId]:
    """Those of the streams that the specs of their connection's tables did not know.

    Others without an asset were left out on purpose, or another code location has them.
    """
    streams = list(streams)
    if not streams:
        return frozenset()
    made = (table.spec.metadata.get(keys.KNOWN_STREAMS) for table in tables)
    # Mostly one for all tables, of which there may be thousands.
    known = {each for each in made if isinstance(each, KnownStreams)}
    ids = {stream for each in known for stream in each.ids}
    return match(list(ids), streams).strange


def translator_of(tables: Iterable[Table]) -> DagsterAirbyteTranslator | None:
    """What made the specs of these tables; None if that is not known."""
    made = (table.spec.metadata.get(keys.TRANSLATOR) for table in tables)
    return next((each for each in made if isinstance(each, DagsterAirbyteTranslator)), None)


@dataclass(frozen=True)
class NewTables:
    """`tables` can be reported; the keys of `clashing` streams stand for something else already."""

    tables: tuple[Table, ...] = ()
    clashing: tuple[StreamId, ...] = ()

    def warn(self, connection_name: str, log: logging.Logger) -> None:
        """Log what the user should know."""
        if self.tables:
            log.warning(
                "Connection %r has streams that are newer than the definitions. Until you reload"
                " the code location, they are reported as: %s",
                connection_name,
                ", ".join(table.key.to_user_string() for table in self.tables),
            )
        if self.clashing:
            log.warning(
                "Connection %r has streams that are newer than the definitions, and whose asset"
                " keys cannot be used or stand for something else, so they are not reported: %s."
                " Give them other keys in a translator, and reload the code location.",
                connection_name,
                ", ".join(sorted(map(str, self.clashing))),
            )


def new_tables(
    catalog: Catalog,
    connection: Connection,
    translator: DagsterAirbyteTranslator,
    streams: Collection[StreamId],
    taken: Container[dg.AssetKey],
) -> NewTables:
    """What the translator makes of streams of the connection that have no asset."""
    if not streams:
        return NewTables()
    made = [t for t in tables_of(catalog, connection, translator) if t.stream in streams]
    times = Counter(table.key for table in made)
    usable = {
        table.stream
        for table in made
        if times[table.key] == 1 and table.key not in taken and not why_not_storable(table.key)
    }
    return NewTables(
        tuple(replace(table, is_defined=False) for table in made if table.stream in usable),
        tuple(table.stream for table in made if table.stream not in usable),
    )
