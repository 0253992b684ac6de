"""Reads what a workspace contains: connections from one API, destinations from the other."""

from collections.abc import Callable
from datetime import datetime, timezone

from dagster_airbyte_sync.resources import configuration_api, public_api
from dagster_airbyte_sync.resources.budget import TimeBudget
from dagster_airbyte_sync.resources.catalog import Catalog, Connection, Destination
from dagster_airbyte_sync.resources.configuration_api import ConfigurationApi
from dagster_airbyte_sync.resources.errors import AirbyteForbidden, AirbyteNotFound, NoToken
from dagster_airbyte_sync.resources.fallback import Fallback
from dagster_airbyte_sync.resources.http import Http, told
from dagster_airbyte_sync.resources.paging import Page, rows_of_unordered
from dagster_airbyte_sync.resources.public_api import PublicApi
from dagster_airbyte_sync.resources.reading import object_at
from dagster_airbyte_sync.resources.settings import AirbyteSettings


class CatalogReader:
    """Remembers nothing. `check_workspace` is asked whether a workspace without connections is."""

    def __init__(
        self,
        settings: AirbyteSettings,
        http: Http,
        configuration: ConfigurationApi,
        public: PublicApi,
        fallback: Fallback,
        check_workspace: Callable[[TimeBudget], None],
    ) -> None:
        self._settings = settings
        self._http = http
        self._configuration = configuration
        self._public = public
        self._fallback = fallback
        self._check_workspace = check_workspace
        self._page_size = public_api.page_size(settings.max_items_per_page)

    def read(self, budget: TimeBudget) -> Catalog:
        """Two requests while lists fit on one page, and one for each destination not listed."""
        connections = self._read_connections(budget)
        if not connections:
            self._check_workspace(budget)
        return Catalog(
            workspace_id=self._settings.workspace_id,
            connections=connections,
            destinations=self._read_destinations(connections, budget) if connections else {},
            read_at=datetime.now(timezone.utc),
        )

    def _read_connections(self, budget: TimeBudget) -> dict[str, Connection]:
        def from_configuration() -> dict[str, Connection]:
            call = self._configuration.connections()
            page = configuration_api.read_connections(self._http.send(call, budget))
            return {row.id: row for row in told(call, "connections", page).rows}

        def public_page(offset: int) -> Page[Connection]:
            call = self._public.connections(offset, self._page_size)
            page = public_api.read_connections(self._http.send(call, budget))
            return told(call, "connections", page)

        def from_public() -> dict[str, Connection]:
            return rows_of_unordered(self._page_size, public_page)

        return self._fallback.ask("connections", from_configuration, from_public, budget)

    def _read_destinations(
        self, connections: dict[str, Connection], budget: TimeBudget
    ) -> dict[str, Destination]:
        # The public list alone says the short type that asset kinds are made of ("postgres").
        def page(offset: int) -> Page[Destination]:
            call = self._public.destinations(offset, self._page_size)
            page = public_api.read_destinations(self._http.send(call, budget))
            return told(call, "destinations", page)

        found = rows_of_unordered(self._page_size, page)
        used = {connection.destination_id for connection in connections.values()}
        for missed in sorted(used - found.keys() - {""}):
            destination = self._read_destination(missed, budget)
            if destination is not None:
                found[missed] = destination
        return found

    def _read_destination(self, destination_id: str, budget: TimeBudget) -> Destination | None:
        try:
            answer = self._http.send(self._public.destination(destination_id), budget)
        except NoToken:
            raise
        except (AirbyteForbidden, AirbyteNotFound):
            return None
        return public_api.read_destination(object_at(answer))
