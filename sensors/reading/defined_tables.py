"""Which streams of Airbyte have an asset in this code location: nothing of others is reported."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import cached_property
from itertools import chain
from typing import Protocol

import dagster as dg

from dagster_airbyte_sync.assets.events.ledger import read_ledger
from dagster_airbyte_sync.assets.events.owed import Checked
from dagster_airbyte_sync.assets.tables.current_tables import ReadConnection, as_synced_now
from dagster_airbyte_sync.assets.tables.matching import match, streams_of
from dagster_airbyte_sync.assets.tables.storable import storable
from dagster_airbyte_sync.assets.tables.table import (
    ConnectionSelector,
    Table,
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
from dagster_airbyte_sync.sensors.reading.tables_here import TablesHere
from dagster_airbyte_sync.sensors.shard import WHOLE, Shard

# So many connections are asked for one by one in a tick; for more of them the catalog is cheaper.
_MOST_ASKED = 10


class ReadCatalog(Protocol):
    """Reads the catalog; with `fresh`, from Airbyte and not from what is remembered."""

    def __call__(self, *, fresh: bool = False) -> Catalog: ...


class DefinedTables:
    """Finds the tables of connections, only of those asked about, and reads what that takes.

    It lives for one tick, in which Airbyte may be down, in part or as a whole.
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
        self._here = TablesHere(repository, translator, selector, log)
        self._read_catalog = read_catalog
        self._read_connection = read_connection
        self._selector = selector
        self._log = log
        self._tables: dict[str, list[Table]] = {}
        self._unreadable: set[str] = set()
        self._outdated: set[str] = set()
        self._asked: set[str] = set()
        self._unclear: set[tuple[str, StreamId]] = set()
        self._is_refreshed = False
        self._is_fresh = False
        self._has_no_catalog = False
        # No request reaches Airbyte: each of the others would only take its time.
        self._is_down = False

    def of(self, job: Job) -> list[Table]:
        """The tables of a job's connection; none if nothing stands for it here.

        If Airbyte did not list the connection, or a stream of it, when the catalog was last read,
        that is read again: once, as this object lives for one tick.
        """
        if not self._is_refreshed and not self._lists(job):
            self._refresh()
        if self._is_refreshed and not self._is_fresh and not self._lists(job):
            self._outdated.add(job.connection_id)
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

    def ends_reported(
        self, instance: dg.DagsterInstance, skew: timedelta, shard: Shard = WHOLE
    ) -> Ends:
        """When the jobs ended that were last reported, for each connection of the shard that ever
        was.

        One look into the event log for all tables, also those of connections that are deleted by
        now, or that cannot be read before somebody mends the selector.
        """
        listed = self._catalog.connections
        ids = {*self._here.own, *(() if self._has_no_catalog else listed)}
        tables = {each: self.as_far_as_known(each) for each in sorted(ids) if shard.has(each)}
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
        return self._here.own_of(connection_id)

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
        self._is_fresh, self._is_down = True, False
        self._tables.clear()
        self._unreadable.clear()
        self._outdated.clear()

    def _ask_now(self, connection_id: str) -> None:
        """The remembered catalog may be older than the connection's newest stream."""
        if self._is_fresh or self._has_no_catalog or connection_id in self._asked:
            return
        self._asked.add(connection_id)
        is_too_old = len(self._asked) > _MOST_ASKED or self._syncs_more_now(connection_id)
        if is_too_old and not self._is_refreshed:
            self._refresh()
        if is_too_old and not self._is_fresh:
            self._outdated.add(connection_id)
        self._of_connection(connection_id)

    def _syncs_more_now(self, connection_id: str) -> bool:
        """Whether the connection has streams that its tables, as it syncs them now, lack."""
        connections: list[Connection] = []

        def read(connection_id: str) -> Connection:
            connections.append(self._read_connection(connection_id))
            return connections[-1]

        tables = as_synced_now(read, self._tables[connection_id], self._log)
        self._tables[connection_id] = tables
        if not connections:
            self._outdated.add(connection_id)
        selected = [stream.id for each in connections for stream in each.selected_streams]
        return bool(match([table.stream for table in tables], selected).strange)

    def _find(self, connection_id: str) -> list[Table]:
        connection = self._catalog.connections.get(connection_id)
        name = connection_id if connection is None else connection.name
        if self._is_down and self._has_no_catalog:
            return self._unknown(connection_id)
        try:
            if connection is None and self._has_no_catalog:
                connection = self._read_connection(connection_id)
            if connection is None:
                known = self._of_deleted(connection_id)
            else:
                known = self._here.of(connection, self._catalog)
            return storable(known, self._log)
        except (OutOfTime, AirbyteRefused, AirbyteUnavailable) as error:
            # Airbyte may not show a deleted connection. No frames: they explain nothing.
            never_came = isinstance(error, AirbyteUnavailable) and error.did_nothing
            self._is_down = never_came and self._has_no_catalog
            others = ", nor those of the others" if self._is_down else ""
            self._log.warning(
                "The syncs of connection %r cannot be reported now%s: %s", name, others, error
            )
        except Exception:
            # A user's selector or translator may raise anything: that stops only this one, whose
            # syncs wait until it is mended.
            self._log.exception("The syncs of connection %r cannot be reported now", name)
        return self._unknown(connection_id)

    def _unknown(self, connection_id: str) -> list[Table]:
        self._unreadable.add(connection_id)
        return []

    @property
    def by_connection(self) -> Mapping[str, list[Table]]:
        """All connections asked about so far."""
        return self._tables

    @property
    def checked(self) -> Checked:
        """The checks of syncs that are defined here, by table."""
        return self._here.checked

    @property
    def unreadable(self) -> frozenset[str]:
        """Connections for which the user's own code raised, or Airbyte did not answer."""
        return frozenset(self._unreadable)

    @property
    def outdated(self) -> frozenset[str]:
        """Connections that may have streams which are newer than what Airbyte said of them last, as
        it does not answer now."""
        return frozenset(self._outdated)

    def events_for(self, job: Job) -> int:
        """How many events the job makes if its checks say nothing new."""
        return len(self.of(job))

    @cached_property
    def _catalog(self) -> Catalog:
        # Only when a job is new, or a connection parked: an idle tick must not ask for it.
        try:
            return self._read_catalog()
        except (OutOfTime, AirbyteRefused, AirbyteUnavailable) as error:
            self._log.warning(
                "The list of connections could not be read, or not within the time of a tick:"
                " requesting the connections that synced one by one. (%s)",
                error,
            )
            self._has_no_catalog = True
            return Catalog("", {}, {}, datetime.now(timezone.utc))

    def _lists(self, job: Job) -> bool:
        catalog = self._catalog
        return self._has_no_catalog or _lists(catalog, job)

    def _of_deleted(self, connection_id: str) -> list[Table]:
        own = self._here.own_of(connection_id)
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


def _names_streams(job: Job) -> bool:
    """Whether Airbyte says which streams took part; if not, totals may be those of a single one."""
    return job.streams is not None or job.enabled_streams is not None


def _lists(catalog: Catalog, job: Job) -> bool:
    connection = catalog.connections.get(job.connection_id)
    if connection is None:
        return False
    listed = match([stream.id for stream in connection.selected_streams], streams_of(job))
    return not listed.strange and not listed.unclear
