"""Which streams of Airbyte have an asset in this code location: nothing else is ever told."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Protocol

import dagster as dg

from dagster_airbyte_sync.assets import (
    CHECK_NAME,
    ConnectionSelector,
    DagsterAirbyteTranslator,
    ReadConnection,
    Table,
    as_synced_by,
    as_synced_now,
    match,
    streams_of,
    table_of_spec,
    tables_of,
    warn_of_unclear,
)
from dagster_airbyte_sync.resources import (
    AirbyteError,
    AirbyteForbidden,
    AirbyteNotFound,
    Catalog,
    Connection,
    Job,
    NoToken,
    Stream,
    StreamId,
)


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
        self._found: dict[str, list[Table]] = {}
        self._unreadable: set[str] = set()
        self._asked: set[str] = set()
        self._unclear: set[tuple[str, StreamId]] = set()
        self._is_refreshed = False

    def of(self, job: Job) -> list[Table]:
        """The tables of a job's connection; none if nothing stands for it here.

        If Airbyte did not list the connection, or a stream of it, when the catalog was last read,
        that is read again: once, as this object lives for one tick.
        """
        if not self._is_refreshed and not _lists(self._catalog, job):
            self._refresh()
        found = self._of_connection(job.connection_id)
        if _totals_are_for_one_of(found, job):
            self._ask_now(job.connection_id)
        self._warn_of_unclear(job)
        return self._found[job.connection_id]

    def _warn_of_unclear(self, job: Job) -> None:
        """Once for each connection and stream: this object lives for one tick."""
        tables, named = self._found[job.connection_id], streams_of(job)
        if named:
            unclear = match([table.stream for table in tables], named).unclear
            told = {(job.connection_id, stream) for stream in unclear} & self._unclear
            warn_of_unclear(tables, unclear - {stream for _, stream in told}, self._log)
            self._unclear |= {(job.connection_id, stream) for stream in unclear}

    def of_all(self, jobs: Sequence[Job]) -> list[tuple[Table, Job]]:
        """Each job with each of its connection's tables, all as they were found at last.

        What one job shows to be new may change the tables of those before it.
        """
        for job in jobs:
            self.of(job)
        return [(table, job) for job in jobs for table in self.of(job)]

    def readable(self, connection_ids: Iterable[str]) -> list[str]:
        """Those of the connections whose tables can be known. No job of theirs is at hand.

        This is asked at each tick, idle ones too, so it fails none.
        """
        try:
            found = {
                connection_id: self._of_connection(connection_id)
                for connection_id in connection_ids
            }
        except AirbyteError as error:
            self._log.warning("Whether connections can be told again is not known: %s", error)
            return []
        return [connection_id for connection_id in found if connection_id not in self._unreadable]

    def _of_connection(self, connection_id: str) -> list[Table]:
        if connection_id not in self._found:
            self._found[connection_id] = self._find(connection_id)
        return self._found[connection_id]

    def _refresh(self) -> None:
        self._is_refreshed = True
        try:
            self._catalog = self._read_catalog(fresh=True)
        except AirbyteError as error:
            self._log.warning("What is new in Airbyte could not be read: %s", error)
            return
        self._found.clear()
        self._asked.clear()
        self._unreadable.clear()

    def _ask_now(self, connection_id: str) -> None:
        """The remembered catalog may be older than the connection's second stream."""
        if connection_id not in self._asked:
            self._asked.add(connection_id)
            found = self._found[connection_id]
            self._found[connection_id] = as_synced_now(self._read_connection, found, self._log)

    def _find(self, connection_id: str) -> list[Table]:
        connection = self._catalog.connections.get(connection_id)
        name = connection_id if connection is None else connection.name
        try:
            return self._of_deleted(connection_id) if connection is None else self._of(connection)
        except Exception:
            # A user's selector or translator may raise anything, and Airbyte may not tell a deleted
            # connection: that stops only this one, whose syncs wait until it is mended.
            self._log.exception("The syncs of connection %r cannot be told now", name)
            self._unreadable.add(connection_id)
            return []

    @property
    def found(self) -> Mapping[str, list[Table]]:
        """All connections asked about so far."""
        return self._found

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
        # Only when a job is new, or a connection apart: an idle tick must not ask for it.
        return self._read_catalog()

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
        # What nobody knows any more is told rather than lost.
        return own if connection is None or self._selector(connection) else []

    def _as_it_was(self, connection_id: str) -> Connection | None:
        try:
            # Now its status is "deprecated", but what synced was active.
            return replace(self._read_connection(connection_id), status="active")
        except NoToken:
            raise
        except (AirbyteForbidden, AirbyteNotFound):
            return None

    def _of(self, connection: Connection) -> list[Table]:
        if self._selector is not None and not self._selector(connection):
            return []
        own = self._own.get(connection.id, {})
        selected = connection.selected_streams
        matched = match(list(own), [stream.id for stream in selected])
        tables = as_synced_by(connection, own.values())
        strangers = [stream for stream in selected if stream.id in matched.strange]
        tables += self._by_key(connection, strangers)
        known = {table.stream for table in tables}
        self._warn(connection, [s for s in strangers if s.id not in known], bool(tables or own))
        warn_of_unclear(tables, matched.unclear, self._log)
        unclear = {stream.name for stream in matched.unclear}
        gone = [t for t in tables if not t.is_selected and t.stream.name not in unclear]
        self._tell_gone(connection, gone)
        return tables

    def _by_key(self, connection: Connection, streams: list[Stream]) -> list[Table]:
        """Tables of assets that were not made by this package but have the key it would give."""
        if not any(table_of_spec(spec) is None for spec in self._specs.values()):
            return []
        wanted = {stream.id for stream in streams}
        return [
            table
            for table in tables_of(self._catalog, connection, self._translator)
            if table.stream in wanted
            and table.key in self._specs
            and table_of_spec(self._specs[table.key]) is None
        ]

    def _warn(self, connection: Connection, strangers: list[Stream], is_used: bool) -> None:
        if strangers and is_used:
            self._log.warning(
                "Connection %r has streams without an asset here (added since the definitions were"
                " loaded? reload the code location): %s",
                connection.name,
                ", ".join(str(stream.id) for stream in strangers),
            )

    def _tell_gone(self, connection: Connection, tables: Sequence[Table]) -> None:
        if tables:
            self._log.warning(
                "Connection %r does not sync these assets any more, so nothing is told of them: %s."
                " Reload the code location, and they are gone.",
                connection.name,
                ", ".join(table.key.to_user_string() for table in tables),
            )


def _totals_are_for_one_of(tables: Sequence[Table], job: Job) -> bool:
    """Whether Airbyte tells of the job only totals, that would be those of a single table."""
    tells_streams = job.streams is not None or job.enabled_streams is not None
    return not tells_streams and any(table.is_alone for table in tables)


def _lists(catalog: Catalog, job: Job) -> bool:
    connection = catalog.connections.get(job.connection_id)
    if connection is None:
        return False
    listed = match([stream.id for stream in connection.selected_streams], streams_of(job))
    return not listed.strange and not listed.unclear
