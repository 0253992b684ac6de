"""Tables of streams that are newer than the definitions: reported under the keys that their assets
will have, so that these find their history once the code location is reloaded."""

from collections import Counter
from collections.abc import Collection, Container
from dataclasses import dataclass, replace

import dagster as dg

from dagster_airbyte_sync.assets.storable import why_not_storable
from dagster_airbyte_sync.assets.tables import Table, tables_of
from dagster_airbyte_sync.assets.translator import DagsterAirbyteTranslator
from dagster_airbyte_sync.resources import Catalog, Connection, StreamId


@dataclass(frozen=True)
class NewTables:
    """`tables` can be reported; the keys of `clashing` streams stand for something else already."""

    tables: tuple[Table, ...] = ()
    clashing: tuple[StreamId, ...] = ()

    def warnings(self, connection_name: str) -> list[str]:
        """What the user should know, a line each."""
        lines = []
        if self.tables:
            names = ", ".join(table.key.to_user_string() for table in self.tables)
            lines.append(
                f"Connection {connection_name!r} has streams that are newer than the definitions."
                f" Until you reload the code location, they are reported as: {names}"
            )
        if self.clashing:
            lines.append(
                f"Connection {connection_name!r} has streams that are newer than the definitions,"
                " and whose asset keys cannot be used or stand for something else, so they are not"
                f" reported: {', '.join(sorted(map(str, self.clashing)))}. Give them other keys in"
                " a translator, and reload the code location."
            )
        return lines


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
