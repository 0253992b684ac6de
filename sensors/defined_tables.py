"""Which streams of Airbyte have an asset in this code location: nothing of others is reported."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import cached_property
from itertools import chain
from typing import Protocol

import dagster as dg

from dagster_airbyte_sync.assets.events.ledger import read_ledger
from dagster_airbyte_sync.assets.events.sync_events import CHECK_NAME
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.current_tables import ReadConnection, as_synced_now
from dagster_airbyte_sync.assets.tables.matching import match, streams_of
from dagster_airbyte_sync.assets.tables.new_tables import new_tables, newer_than, translator_of
from dagster_airbyte_sync.assets.tables.storable import storable
from dagster_airbyte_sync.assets.tables.table import (
    ConnectionSelector,
    Table,
    as_synced_by,
    table_of_spec,
    tables_of,
    warn_of_unclear,
)
from dagster_airbyte_sync.assets.tables.translator import DagsterAirbyteTranslator
from dagster_airbyte_sync.resources import (
    AirbyteError,
    AirbyteForbidden,
    AirbyteNotFound,
    AirbyteRefused,
    AirbyteUnavailable,
    Catalog,
    Connection,
    Job,
    OutOfTime,
    StreamId,
)
from dagster_airbyte_sync.sensors.cursor.resuming import Ends, ends_reported

# So many connections are asked for one by one in a tick; for more of them the catalog is cheaper.
_MOST_ASKED = 10


class ReadCatalog(Protocol):
    """Reads the catalog; with `fresh`, from Airbyte and not from what is remembered."""

    def __call__(self, *, fresh: bool = False) -> Catalog: ...


class DefinedTables:
    """Finds the tables of a connection, only for connections asked about.

    An asset that this package made says itself which stream it stands for, so it is found even if
    its connection was renamed, got another prefix, or is gone. For other assets the translator
    says which stream they would be.
    """

    def __init__(
        self,
        repository: dg.RepositoryDefinition,
        read_catalog: ReadCatalog,
        read_connection: ReadConnection,
        translator: DagsterAirbyteTranslator,
        selector: ConnectionSelector | None,
        log: logging.Logger,
    ) -> None:
        self._repository = repository
        self._read_catalog = read_catalog
        self._read_connection = read_connection
        self._translator = translator
        self._selector = selector
        self._log = log
        self._tables: dict[str, list[Table]] = {}
        self._unreadable: set[str] = set()
        self._asked: set[str] = set()
        self._unclear: set[tuple[str, StreamId]] = set()
        self._is_refreshed = False
        self._is_fresh = False
        self._has_no_catalog = False
        self._new_keys: dict[dg.AssetKey, str] = {}

    def of(self, job: Job) -> list[Table]:
        """The tables of a job's connection; none if nothing stands for it here.

        If Airbyte did not list the connection, or a stream of it, when the catalog was last read,
        that is read again: once, as this object lives for one tick.
        """
        if not self._is_refreshed and not self._lists(job):
            self._refresh()
        if self._of_connection(job.connection_id) and not _names_streams(job):
            self._ask_now(job.connection_id)
        self._warn_of_unclear(job)
        return self._tables[job.connection_id]

    def _warn_of_unclear(self, job: Job) -> None:
        """Once for each connection and stream: this object lives for one tick."""
        tables, named = self._tables[job.connection_id], streams_of(job)
        if named:
            unclear = match([table.stream for table in tables], named).unclear
            known = {(job.connection_id, stream) for stream in unclear} & self._unclear
            warn_of_unclear(tables, unclear - {stream for _, stream in known}, self._log)
            self._unclear |= {(job.connection_id, stream) for stream in unclear}

    def of_all(self, jobs: Sequence[Job]) -> list[Table]:
        """The tables of all the jobs' connections, as they are known at last.

        What one job shows to be new may change the tables of those before it.
        """
        for job in jobs:
            self.of(job)
        connection_ids = dict.fromkeys(job.connection_id for job in jobs)
        return [table for each in connection_ids for table in self._of_connection(each)]

    def ends_reported(self, instance: dg.DagsterInstance, skew: timedelta) -> Ends:
        """When the jobs ended that were last reported, for each connection that ever was.

        One look into the event log for all tables, also those of connections that are deleted by
        now, or that cannot be read before somebody mends the selector.
        """
        listed = self._catalog.connections
        ids = {*self._own, *(() if self._has_no_catalog else listed)}
        tables = {each: self.as_far_as_known(each) for each in sorted(ids)}
        ledger = read_ledger(instance, chain.from_iterable(tables.values()), skew)
        ends = {
            connection_id: ends_reported(ledger, (table.key for table in own))
            for connection_id, own in tables.items()
        }
        return {connection_id: known for connection_id, known in ends.items() if known}

    def readable(self, connection_ids: Iterable[str]) -> list[str]:
        """Those of the connections whose tables can be known. No job of theirs is at hand.

        This is asked at each tick, idle ones too, so it fails none.
        """
        ids = list(connection_ids)
        try:
            for connection_id in ids:
                self._of_connection(connection_id)
        except AirbyteError as error:
            self._log.warning("Unreadable connections could not be checked again: %s", error)
            return []
        return [connection_id for connection_id in ids if connection_id not in self._unreadable]

    def as_far_as_known(self, connection_id: str) -> list[Table]:
        """The tables of a connection, though no job of it may be at hand, nor Airbyte answer."""
        tables = self._of_connection(connection_id)
        if connection_id not in self._unreadable:
            return tables
        return list(self._own.get(connection_id, {}).values())

    def _of_connection(self, connection_id: str) -> list[Table]:
        if connection_id not in self._tables:
            self._tables[connection_id] = self._find(connection_id)
        return self._tables[connection_id]

    def _refresh(self) -> None:
        self._is_refreshed = True
        try:
            self._catalog = self._read_catalog(fresh=True)
        except AirbyteError as error:
            self._log.warning("What is new in Airbyte could not be read: %s", error)
            return
        self._is_fresh = True
        self._tables.clear()
        self._unreadable.clear()

    def _ask_now(self, connection_id: str) -> None:
        """The remembered catalog may be older than the connection's newest stream."""
        if self._is_fresh or self._has_no_catalog or connection_id in self._asked:
            return
        self._asked.add(connection_id)
        is_too_old = len(self._asked) > _MOST_ASKED or self._syncs_more_now(connection_id)
        if is_too_old and not self._is_refreshed:
            self._refresh()
        self._of_connection(connection_id)

    def _syncs_more_now(self, connection_id: str) -> bool:
        """Whether the connection has streams that its tables, as it syncs them now, lack."""
        connections: list[Connection] = []

        def read(connection_id: str) -> Connection:
            connections.append(self._read_connection(connection_id))
            return connections[-1]

        tables = as_synced_now(read, self._tables[connection_id], self._log)
        self._tables[connection_id] = tables
        selected = [stream.id for each in connections for stream in each.selected_streams]
        return bool(match([table.stream for table in tables], selected).strange)

    def _find(self, connection_id: str) -> list[Table]:
        connection = self._catalog.connections.get(connection_id)
        name = connection_id if connection is None else connection.name
        try:
            if connection is None and self._has_no_catalog:
                connection = self._read_connection(connection_id)
            known = self._of_deleted(connection_id) if connection is None else self._of(connection)
            return storable(known, self._log)
        except Exception:
            # A user's selector or translator may raise anything, and Airbyte may not show a deleted
            # connection: that stops only this one, whose syncs wait until it is mended.
            self._log.exception("The syncs of connection %r cannot be reported now", name)
            self._unreadable.add(connection_id)
            return []

    @property
    def by_connection(self) -> Mapping[str, list[Table]]:
        """All connections asked about so far."""
        return self._tables

    @property
    def unreadable(self) -> frozenset[str]:
        """Connections for which the user's own code raised, or Airbyte did not answer."""
        return frozenset(self._unreadable)

    def events_for(self, job: Job) -> int:
        """How many events the job makes at most."""
        return sum(2 if table.key in self.checked else 1 for table in self.of(job))

    @cached_property
    def checked(self) -> frozenset[dg.AssetKey]:
        """The assets whose sync check is defined here."""
        defined = self._repository.asset_checks_defs_by_key
        return frozenset(key.asset_key for key in defined if key.name == CHECK_NAME)

    @cached_property
    def _catalog(self) -> Catalog:
        # Only when a job is new, or a connection parked: an idle tick must not ask for it.
        try:
            return self._read_catalog()
        except (OutOfTime, AirbyteRefused, AirbyteUnavailable) as error:
            self._log.warning(
                "The list of connections could not be read, or not in the time that a tick has:"
                " asking for the connections that synced, one by one. (%s)",
                error,
            )
            self._has_no_catalog = True
            return Catalog("", {}, {}, datetime.now(timezone.utc))

    def _lists(self, job: Job) -> bool:
        return self._has_no_catalog or _lists(self._catalog, job)

    @cached_property
    def _specs(self) -> Mapping[dg.AssetKey, dg.AssetSpec]:
        return {
            key: assets.get_asset_spec(key)
            for key, assets in self._repository.assets_defs_by_key.items()
        }

    @cached_property
    def _own(self) -> Mapping[str, Mapping[StreamId, Table]]:
        """The tables that say themselves which stream they stand for, by connection."""
        tables = [table for spec in self._specs.values() if (table := table_of_spec(spec))]
        own: dict[str, dict[StreamId, Table]] = {}
        # Dagster gives its definitions in no order; events are the same in every process if sorted.
        for table in sorted(tables, key=lambda table: table.stream.sort_key()):
            own.setdefault(table.connection_id, {})[table.stream] = table
        return own

    def _of_deleted(self, connection_id: str) -> list[Table]:
        own = list(self._own.get(connection_id, {}).values())
        if not own or self._selector is None:
            return own
        connection = self._as_it_was(connection_id)
        # What nobody knows any more is reported rather than lost.
        return own if connection is None or self._selector(connection) else []

    def _as_it_was(self, connection_id: str) -> Connection | None:
        try:
            # Now its status is "deprecated", but what synced was active.
            return replace(self._read_connection(connection_id), status="active")
        except (AirbyteForbidden, AirbyteNotFound):
            return None

    def _of(self, connection: Connection) -> list[Table]:
        if self._selector is not None and not self._selector(connection):
            return []
        own = self._own.get(connection.id, {})
        matched = match(list(own), [stream.id for stream in connection.selected_streams])
        tables = as_synced_by(connection, own.values())
        tables += self._by_key(connection, matched.strange)
        if not tables:
            self._warn_of_namesake(connection)
            return []
        tables += self._new(connection, matched.strange - {table.stream for table in tables})
        warn_of_unclear(tables, matched.unclear, self._log)
        unclear = {stream.name for stream in matched.unclear}
        gone = [t for t in tables if not t.is_selected and t.stream.name not in unclear]
        self._warn_of_gone(connection, gone)
        return tables

    def _by_key(self, connection: Connection, streams: Collection[StreamId]) -> list[Table]:
        """Tables of assets that were not made by this package but have the key it would give."""
        if not streams or not any(table_of_spec(spec) is None for spec in self._specs.values()):
            return []
        return [
            table
            for table in tables_of(self._catalog, connection, self._translator)
            if table.stream in streams
            and table.key in self._specs
            and table_of_spec(self._specs[table.key]) is None
        ]

    def _new(self, connection: Connection, streams: Collection[StreamId]) -> list[Table]:
        others = (key for key, owner in self._new_keys.items() if owner != connection.id)
        taken = {*self._specs, *others}
        own = self._own.get(connection.id, {}).values()
        translator, newer = translator_of(own) or self._translator, newer_than(own, streams)
        new = new_tables(self._catalog, connection, translator, newer, taken)
        new.warn(connection.name, self._log)
        self._new_keys.update({table.key: connection.id for table in new.tables})
        return list(new.tables)

    def _warn_of_namesake(self, connection: Connection) -> None:
        """A connection that was deleted and made again has another id, and so no assets here."""
        gone = self._own.keys() - self._catalog.connections.keys()
        names = {
            keys.text_in(table.spec.metadata, keys.CONNECTION_NAME)
            for connection_id in gone
            for table in self._own[connection_id].values()
        }
        if connection.name in names:
            self._log.warning(
                "Connection %r was deleted in Airbyte and made again: the new one (%s) is not"
                " reported before you reload the code location, and then only what ends after the"
                " reload.",
                connection.name,
                connection.id,
            )

    def _warn_of_gone(self, connection: Connection, tables: Sequence[Table]) -> None:
        if tables:
            self._log.warning(
                "Connection %r does not sync these assets any more, so nothing is reported for"
                " them: %s. Reload the code location, and they are gone.",
                connection.name,
                ", ".join(table.key.to_user_string() for table in tables),
            )


def _names_streams(job: Job) -> bool:
    """Whether Airbyte says which streams took part; if not, totals may be those of a single one."""
    return job.streams is not None or job.enabled_streams is not None


def _lists(catalog: Catalog, job: Job) -> bool:
    connection = catalog.connections.get(job.connection_id)
    if connection is None:
        return False
    listed = match([stream.id for stream in connection.selected_streams], streams_of(job))
    return not listed.strange and not listed.unclear
