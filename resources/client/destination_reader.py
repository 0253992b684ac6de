"""Reads the destinations that connections write to, as far as the credentials can see them."""

import logging
from collections.abc import Iterable

from dagster_airbyte_sync.resources.api import public_api
from dagster_airbyte_sync.resources.api.paging import read_unordered
from dagster_airbyte_sync.resources.api.public_api import PublicApi
from dagster_airbyte_sync.resources.errors import (
    AirbyteForbidden,
    AirbyteNotFound,
    AirbyteRefused,
    AirbyteUnauthorized,
    AirbyteUnavailable,
)
from dagster_airbyte_sync.resources.http.budget import TimeBudget
from dagster_airbyte_sync.resources.http.transport import Http
from dagster_airbyte_sync.resources.records.catalog import Connection, Destination

_log = logging.getLogger(__name__)


class DestinationReader:
    """Asks the public API: only it has the short type from which asset kinds are made."""

    def __init__(self, http: Http, public: PublicApi) -> None:
        self._http = http
        self._public = public

    def read(self, connections: Iterable[Connection], budget: TimeBudget) -> dict[str, Destination]:
        """All destinations by id. One that cannot be seen only costs a warning.

        Raises AirbyteUnavailable if Airbyte does not answer for the list of them.
        """
        used = {each.destination_id: each.name for each in connections if each.destination_id}
        if not used:
            return {}
        try:
            destinations = read_unordered(
                self._http,
                "destinations",
                self._public.page_size,
                self._public.destinations,
                public_api.read_destinations,
                budget,
            ).rows
        except (AirbyteUnauthorized, AirbyteForbidden, AirbyteNotFound) as refusal:
            _log.warning(
                "Airbyte does not list the destinations (%s): tables have no storage kind", refusal
            )
            return {}
        for missing in sorted(used.keys() - destinations.keys()):
            destination = self._read_one(missing, used[missing], budget)
            if destination is not None:
                destinations[missing] = destination
        return destinations

    def _read_one(
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
