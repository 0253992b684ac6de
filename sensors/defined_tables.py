"""Which streams of Airbyte have an asset in this code location: nothing else is ever told."""

import logging
from collections.abc import Callable, Mapping
from functools import cached_property

import dagster as dg

from dagster_airbyte_sync.assets import (
    CHECK_NAME,
    ConnectionSelector,
    DagsterAirbyteTranslator,
    Table,
    table_of_spec,
    tables_of,
)
from dagster_airbyte_sync.resources import Catalog, Connection


class DefinedTables:
    """Finds the tables of a connection, only for connections asked about.

    A table is named by the translator from Airbyte's catalog, as when definitions were loaded, and
    counts if the code location has that asset. Connections that Airbyte no longer lists are found
    by the metadata of their assets.
    """

    def __init__(
        self,
        repository: dg.RepositoryDefinition,
        read_catalog: Callable[[], Catalog],
        translator: DagsterAirbyteTranslator,
        selector: ConnectionSelector | None,
        log: logging.Logger,
    ) -> None:
        self._repository = repository
        self._read_catalog = read_catalog
        self._translator = translator
        self._selector = selector
        self._log = log
        self._found: dict[str, list[Table]] = {}

    def of(self, connection_id: str) -> list[Table]:
        if connection_id not in self._found:
            connection = self._catalog.connections.get(connection_id)
            self._found[connection_id] = (
                self._of_vanished(connection_id) if connection is None else self._of(connection)
            )
        return self._found[connection_id]

    def events_for(self, connection_id: str) -> int:
        """How many events one of the connection's jobs makes at most."""
        return sum(2 if table.key in self.checked else 1 for table in self.of(connection_id))

    @cached_property
    def _catalog(self) -> Catalog:
        # Only when a job is new: an idle tick must not ask for it.
        return self._read_catalog()

    @property
    def found(self) -> Mapping[str, list[Table]]:
        """All connections asked about so far."""
        return self._found

    @cached_property
    def checked(self) -> frozenset[dg.AssetKey]:
        """The assets whose sync check is defined here."""
        defined = self._repository.asset_checks_defs_by_key
        return frozenset(key.asset_key for key in defined if key.name == CHECK_NAME)

    @cached_property
    def _specs(self) -> Mapping[dg.AssetKey, dg.AssetSpec]:
        return {
            key: assets.get_asset_spec(key)
            for key, assets in self._repository.assets_defs_by_key.items()
        }

    def _of(self, connection: Connection) -> list[Table]:
        if self._selector is not None and not self._selector(connection):
            return []
        tables = tables_of(self._catalog, connection, self._translator)
        defined = [table for table in tables if self._is_defined(table)]
        if defined and len(defined) < len(tables):
            strangers = [str(table.stream) for table in tables if table not in defined]
            self._log.warning(
                "Connection %r has streams without an asset here (added since the definitions were"
                " loaded? reload the code location): %s",
                connection.name,
                ", ".join(strangers),
            )
        return defined

    def _is_defined(self, table: Table) -> bool:
        spec = self._specs.get(table.key)
        owner = table_of_spec(spec) if spec is not None else None
        same = owner is None or (owner.connection_id, owner.stream) == (
            table.connection_id,
            table.stream,
        )
        return spec is not None and same

    def _of_vanished(self, connection_id: str) -> list[Table]:
        owners = (table_of_spec(spec) for spec in self._specs.values())
        return [table for table in owners if table and table.connection_id == connection_id]
