"""Which tables of a connection have an asset in this code location."""

import logging
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

import dagster as dg

from dagster_airbyte_sync.assets.checks.check_settings import (
    CHECKS_OF_SYNCS,
    checks_by_table,
    checks_in,
)
from dagster_airbyte_sync.assets.events.owed import Checked
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.matching import match
from dagster_airbyte_sync.assets.tables.new_tables import new_tables, newer_than, translator_of
from dagster_airbyte_sync.assets.tables.table import (
    ConnectionSelector,
    Table,
    as_synced_by,
    table_of_spec,
    tables_of,
    warn_of_unclear,
    workspaces_of,
)
from dagster_airbyte_sync.assets.tables.translator import DagsterAirbyteTranslator
from dagster_airbyte_sync.resources import Catalog, Connection, StreamId


class TablesHere:
    """Matches the streams of connections with the assets of a repository.

    An asset that this package made says itself which stream it stands for, so it is found even if
    its connection was renamed, got another prefix, or is gone. For other assets the translator
    says which stream they would be.
    """

    def __init__(
        self,
        repository: dg.RepositoryDefinition,
        translator: DagsterAirbyteTranslator,
        selector: ConnectionSelector | None,
        log: logging.Logger,
    ) -> None:
        self._repository = repository
        self._translator = translator
        self._selector = selector
        self._log = log
        self._new_keys: dict[dg.AssetKey, str] = {}

    @cached_property
    def checked(self) -> Checked:
        """The checks of syncs that are defined here, by table."""
        ours = (each for each in checks_in(self._repository) if each.name in CHECKS_OF_SYNCS)
        return checks_by_table(ours)

    @cached_property
    def _specs(self) -> Mapping[dg.AssetKey, dg.AssetSpec]:
        return {
            key: assets.get_asset_spec(key)
            for key, assets in self._repository.assets_defs_by_key.items()
        }

    @cached_property
    def own(self) -> Mapping[str, Mapping[StreamId, Table]]:
        """The tables that say themselves which stream they stand for, by connection."""
        tables = [table for spec in self._specs.values() if (table := table_of_spec(spec))]
        own: dict[str, dict[StreamId, Table]] = {}
        # Dagster gives its definitions in no order; events are the same in every process if sorted.
        for table in sorted(tables, key=lambda table: table.stream.sort_key()):
            own.setdefault(table.connection_id, {})[table.stream] = table
        return own

    def own_of(self, connection_id: str) -> list[Table]:
        return list(self.own.get(connection_id, {}).values())

    def of(self, connection: Connection, catalog: Catalog) -> list[Table]:
        """The tables of a connection in the catalog; none if the selector leaves it out.

        Raises what the user's selector or translator raises.
        """
        if self._selector is not None and not self._selector(connection):
            return []
        own = self.own.get(connection.id, {})
        matched = match(list(own), [stream.id for stream in connection.selected_streams])
        tables = as_synced_by(connection, own.values())
        tables += self._by_key(connection, matched.strange, catalog)
        if not tables:
            self._warn_of_namesake(connection, catalog)
            return []
        strange = matched.strange - {table.stream for table in tables}
        tables += self._new(connection, strange, catalog)
        warn_of_unclear(tables, matched.unclear, self._log)
        unclear = {stream.name for stream in matched.unclear}
        gone = [t for t in tables if not t.is_selected and t.stream.name not in unclear]
        self._warn_of_gone(connection, gone)
        return tables

    def _by_key(
        self, connection: Connection, streams: Collection[StreamId], catalog: Catalog
    ) -> list[Table]:
        """Tables of assets that were not made by this package but have the key it would give."""
        if not streams or not any(table_of_spec(spec) is None for spec in self._specs.values()):
            return []
        return [
            table
            for table in tables_of(catalog, connection, self._translator)
            if table.stream in streams
            and table.key in self._specs
            and table_of_spec(self._specs[table.key]) is None
        ]

    def _new(
        self, connection: Connection, streams: Collection[StreamId], catalog: Catalog
    ) -> list[Table]:
        others = (key for key, owner in self._new_keys.items() if owner != connection.id)
        taken = {*self._specs, *others}
        own = self.own_of(connection.id)
        translator, newer = translator_of(own) or self._translator, newer_than(own, streams)
        new = new_tables(catalog, connection, translator, newer, taken)
        new.warn(connection.name, self._log)
        self._new_keys.update({table.key: connection.id for table in new.tables})
        return list(new.tables)

    def _warn_of_namesake(self, connection: Connection, catalog: Catalog) -> None:
        """A connection that was deleted and made again has another id, and so no assets here."""
        gone = self.own.keys() - catalog.connections.keys()
        names = {
            keys.text_in(table.spec.metadata, keys.CONNECTION_NAME)
            for connection_id in gone
            for table in self.own[connection_id].values()
            if workspaces_of([table]).get(connection_id) in (None, connection.workspace_id)
        }
        if connection.name in names:
            self._log.warning(
                "Connection %r was deleted in Airbyte and created again: syncs of the new one (%s)"
                " are reported once you reload the code location, and only those that end after"
                " the reload.",
                connection.name,
                connection.id,
            )

    def _warn_of_gone(self, connection: Connection, tables: Sequence[Table]) -> None:
        if tables:
            self._log.warning(
                "Connection %r no longer syncs these assets, so nothing is reported for them: %s."
                " Reload the code location to remove them.",
                connection.name,
                ", ".join(table.key.to_user_string() for table in tables),
            )
