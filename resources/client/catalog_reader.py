"""Reads what a workspace contains: connections from one API, destinations from the other."""

from datetime import datetime, timezone
from typing import NamedTuple

from dagster_airbyte_sync.resources.api import configuration_api, public_api
from dagster_airbyte_sync.resources.api.configuration_api import ConfigurationApi
from dagster_airbyte_sync.resources.api.paging import read_unordered
from dagster_airbyte_sync.resources.api.public_api import PublicApi
from dagster_airbyte_sync.resources.client.configuration_access import Fallback
from dagster_airbyte_sync.resources.client.destination_reader import DestinationReader
from dagster_airbyte_sync.resources.http.budget import TimeBudget
from dagster_airbyte_sync.resources.http.settings import AirbyteSettings
from dagster_airbyte_sync.resources.http.transport import Http
from dagster_airbyte_sync.resources.records.catalog import Api, Catalog, Connection

# A Configuration API that refuses is tried again after so many retry delays: by default 1 and 2 s.
_PATIENCE = (4, 8)


class _Connections(NamedTuple):
    read_from: Api
    rows: dict[str, Connection]
    is_whole: bool


class CatalogReader:
    """Remembers nothing."""

    def __init__(
        self,
        settings: AirbyteSettings,
        http: Http,
        configuration: ConfigurationApi,
        public: PublicApi,
        fallback: Fallback,
    ) -> None:
        self._settings = settings
        self._http = http
        self._configuration = configuration
        self._public = public
        self._fallback = fallback
        self._destinations = DestinationReader(http, public)

    def read(self, budget: TimeBudget) -> Catalog:
        """The catalog, in two requests if lists fit on one page and the Configuration API answers.

        If it is closed, seven: five to be sure of that, and then two. One more for each destination
        that is not listed.
        """
        api, connections, is_whole = self._read_connections(budget)
        return Catalog(
            workspace_id=self._settings.workspace_id,
            connections=connections,
            destinations=self._destinations.read(connections.values(), budget),
            read_at=datetime.now(timezone.utc),
            read_from=api,
            is_whole=is_whole,
        )

    def _read_connections(self, budget: TimeBudget) -> _Connections:
        def from_configuration() -> _Connections:
            call, reader = self._configuration.connections(), configuration_api.read_connections
            rows = self._http.read(call, "connections", reader, budget).rows
            return _Connections("configuration", {row.id: row for row in rows}, True)

        def from_public() -> _Connections:
            public, reader = self._public, public_api.read_connections
            listing = read_unordered(
                self._http, "connections", public.page_size, public.connections, reader, budget
            )
            return _Connections("public", listing.rows, listing.is_complete)

        waits = self._waits(budget)
        return self._fallback.ask("connections", from_configuration, from_public, budget, waits)

    def _waits(self, budget: TimeBudget) -> tuple[float, ...]:
        """Seconds before each new try of an API that refuses, for catalogs that become definitions.

        A tick, which has a budget, has no time for that, and Cloud's API is closed for good.
        """
        if budget.left is not None or self._settings.is_cloud:
            return ()
        return tuple(times * self._settings.request_retry_delay for times in _PATIENCE)
