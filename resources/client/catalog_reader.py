"""Reads what a workspace contains: connections from one API, destinations from the other."""

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from typing import NamedTuple

from cachetools import TTLCache

from dagster_airbyte_sync.resources.access.configuration_access import Fallback
from dagster_airbyte_sync.resources.access.server import Server
from dagster_airbyte_sync.resources.access.workspaces import Workspaces
from dagster_airbyte_sync.resources.api import configuration_api, public_api
from dagster_airbyte_sync.resources.api.configuration_api import ConfigurationApi
from dagster_airbyte_sync.resources.api.paging import Item, Listing, Page, read_unordered
from dagster_airbyte_sync.resources.api.public_api import PublicApi, groups_of_ids
from dagster_airbyte_sync.resources.errors import (
    AirbyteError,
    AirbyteForbidden,
    AirbyteNotFound,
    AirbyteRefused,
    AirbyteUnauthorized,
    AirbyteUnavailable,
)
from dagster_airbyte_sync.resources.http.budget import TimeBudget
from dagster_airbyte_sync.resources.http.settings import AirbyteSettings
from dagster_airbyte_sync.resources.http.transport import Call, Http
from dagster_airbyte_sync.resources.records.catalog import (
    Api,
    Catalog,
    Connection,
    Destination,
    Source,
)

_log = logging.getLogger(__name__)

# A Configuration API that refuses is tried again after so many retry delays: by default 1 and 2 s.
_PATIENCE = (4, 8)


class _Connections(NamedTuple):
    read_from: Api
    rows: dict[str, Connection]
    is_whole: bool


class CatalogReader:
    """Reads the catalog anew each time it is asked."""

    def __init__(
        self,
        settings: AirbyteSettings,
        http: Http,
        configuration: ConfigurationApi,
        public: PublicApi,
        fallback: Fallback,
        server: Server,
        workspaces: Workspaces,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._http = http
        self._configuration = configuration
        self._public = public
        self._fallback = fallback
        self._server = server
        self._workspaces = workspaces
        # Of each workspace, by its id, as far as a catalog was read that was not finished.
        self._begun: TTLCache[str, Page[Connection]]
        self._begun = TTLCache(math.inf, settings.catalog_ttl, timer=clock)

    def read(self, budget: TimeBudget, *, goes_on: bool = False) -> Catalog:
        """The catalog, in two requests if lists fit on one page and the Configuration API answers,
        and one more for the list of an instance's workspaces and for each but the first.

        If it is closed, seven: five to be sure of that, and then two. One more for each destination
        that is not listed. Of those that cannot be seen the log warns.

        With `goes_on` it takes from a try that ran out of time what is younger than `catalog_ttl`:
        a tick has no time for hundreds of workspaces. One thread at a time.
        """
        catalog = self.read_connections(budget, self._begun if goes_on else {})
        destinations = self._read_destinations(catalog.connections.values(), budget)
        self._begun.clear()
        return replace(catalog, destinations=destinations)

    def read_connections(
        self, budget: TimeBudget, begun: MutableMapping[str, Page[Connection]] | None = None
    ) -> Catalog:
        """The connections alone, without destinations: one request where one is enough.

        `begun` are those that are read already, and get those that are read now.
        """
        pages = {} if begun is None else begun
        # An instance may have got one.
        names = self._workspaces.names_now(budget)
        ids = tuple(names) or self._workspaces.ids(budget)
        connections = self._fallback.ask(
            "connections",
            lambda: self._from_configuration(ids, pages, budget),
            lambda: self._from_public(ids, budget),
            budget,
            self._waits(budget),
        )
        return self._as_catalog(connections, names)

    def read_connection(self, connection_id: str, budget: TimeBudget) -> Catalog:
        """One connection, also if it was deleted: one request where the Configuration API is open.

        A catalog without any if the public API does not have it either.
        """
        try:
            found = self._fallback.ask(
                "a connection",
                lambda: self._one_from_configuration(connection_id, budget),
                lambda: self._one_from_public(connection_id, budget),
                budget,
            )
        except (AirbyteForbidden, AirbyteNotFound):
            # A gateway that restarts says so of any connection.
            if self._is_there(connection_id, budget):
                raise
            found = _Connections("public", {}, is_whole=True)
        return self._as_catalog(found, self._workspaces.names(budget))

    def _as_catalog(self, found: _Connections, names: Mapping[str, str]) -> Catalog:
        wanted, is_sure = len(self._settings.workspace_ids or ()), self._workspaces.is_sure
        if not is_sure:
            _log.warning(
                "Airbyte refuses to answer for some of its workspaces, and it is not known yet for"
                " which: the catalog has the connections of %d of them, and leaves out those in"
                " doubt",
                len(names),
            )
        return Catalog(
            workspace_id=self._settings.workspace_id or "",
            connections=found.rows,
            destinations={},
            read_at=datetime.now(timezone.utc),
            read_from=found.read_from,
            is_whole=found.is_whole and len(names) >= wanted and is_sure,
            workspaces=names,
        )

    def read_sources(self, budget: TimeBudget) -> Mapping[str, Source]:
        """All sources by their ids; none if Airbyte does not list them in time.

        No listing of connections has them, and one request for each would be too many.
        """
        public, reader = self._public, public_api.read_sources
        try:
            return self._listed("sources", public.sources, reader, budget).rows
        except AirbyteError as failure:
            _log.info("Descriptions lack the names of sources: %s", failure)
            return {}

    def _from_configuration(
        self, ids: Sequence[str], pages: MutableMapping[str, Page[Connection]], budget: TimeBudget
    ) -> _Connections:
        reader, unreadable = configuration_api.read_connections, 0
        rows: dict[str, Connection] = {}
        for place in ids:
            page = pages.get(place)
            if page is None:
                call = self._configuration.connections(place)
                page = pages[place] = self._http.read(call, "connections", reader, budget)
            rows.update((row.id, self._workspaces.placed(row, place)) for row in page.rows)
            unreadable += page.unreadable
        return _Connections("configuration", rows, not unreadable)

    def _from_public(self, ids: Sequence[str], budget: TimeBudget) -> _Connections:
        public, reader = self._public, public_api.read_connections
        listing = self._listed("connections", public.connections, reader, budget, ids)
        rows = {row.id: self._workspaces.placed(row) for row in listing.rows.values()}
        return _Connections("public", rows, listing.is_complete)

    def _listed(
        self,
        what: str,
        call: Callable[[Sequence[str], int], Call],
        reader: Callable[[object], Page[Item] | None],
        budget: TimeBudget,
        ids: Sequence[str] | None = None,
    ) -> Listing[Item]:
        """The rows of all workspaces: a listing for each hundred of them."""
        rows: dict[str, Item] = {}
        listed, is_complete, size = 0, True, self._public.page_size
        for group in groups_of_ids(self._workspaces.ids(budget) if ids is None else ids):
            page = read_unordered(self._http, what, size, partial(call, group), reader, budget)
            rows.update(page.rows)
            listed, is_complete = listed + page.listed, is_complete and page.is_complete
        return Listing(rows, listed, is_complete)

    def _one_from_configuration(self, connection_id: str, budget: TimeBudget) -> _Connections:
        call = self._configuration.connection(connection_id)
        found = self._http.read(call, "a connection", configuration_api.read_connection, budget)
        return self._one("configuration", found)

    def _one_from_public(self, connection_id: str, budget: TimeBudget) -> _Connections:
        call = self._public.connection(connection_id)
        found = self._http.read(call, "a connection", public_api.read_connection, budget)
        return self._one("public", found)

    def _one(self, api: Api, found: Connection) -> _Connections:
        return _Connections(api, {found.id: self._workspaces.placed(found)}, is_whole=True)

    def _is_there(self, connection_id: str, budget: TimeBudget) -> bool:
        try:
            self._one_from_public(connection_id, budget)
        except (AirbyteForbidden, AirbyteNotFound):
            return False
        return True

    def _waits(self, budget: TimeBudget) -> tuple[float, ...]:
        """Seconds before each new try of an API that refuses, for catalogs that become definitions.

        A tick, which has a budget, has no time for that, and Cloud's API is closed for good.
        """
        if budget.left is not None or self._settings.is_cloud:
            return ()
        return tuple(times * self._settings.request_retry_delay for times in _PATIENCE)

    def _read_destinations(
        self, connections: Iterable[Connection], budget: TimeBudget
    ) -> dict[str, Destination]:
        """All destinations by id, from the public API: only it has the type that kinds are made of.

        Raises AirbyteUnavailable if Airbyte does not answer for the list of them.
        """
        used = {each.destination_id: each.name for each in connections if each.destination_id}
        if not used:
            return {}
        public, reader = self._public, public_api.read_destinations
        try:
            destinations = self._listed("destinations", public.destinations, reader, budget).rows
        except (AirbyteUnauthorized, AirbyteForbidden, AirbyteNotFound) as refusal:
            self._server.check_public_address(refusal, budget)
            _log.warning(
                "Airbyte does not list the destinations (%s): tables have no storage kind", refusal
            )
            return {}
        for missing in sorted(used.keys() - destinations.keys()):
            destination = self._read_destination(missing, used[missing], budget)
            if destination is not None:
                destinations[missing] = destination
        return destinations

    def _read_destination(
        self, destination_id: str, connection: str, budget: TimeBudget
    ) -> Destination | None:
        call = self._public.destination(destination_id)
        try:
            return self._http.read(call, "a destination", public_api.read_destination, budget)
        except (AirbyteRefused, AirbyteUnavailable) as failure:
            _log.warning(
                "Destination %s, to which connection %r writes, could not be read (%s): its tables"
                " have no storage kind",
                destination_id,
                connection,
                failure,
            )
            return None
