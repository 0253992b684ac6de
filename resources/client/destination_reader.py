"""Reads the destinations that connections write to, as far as Airbyte lets them be seen."""

import logging
from collections.abc import Iterable

from dagster_airbyte_sync.resources.api import public_api
from dagster_airbyte_sync.resources.api.paging import Page, rows_of_unordered, warn_if_incomplete
from dagster_airbyte_sync.resources.api.public_api import PublicApi
from dagster_airbyte_sync.resources.errors import (
    AirbyteForbidden,
    AirbyteNotFound,
    AirbyteRefused,
    AirbyteUnauthorized,
    AirbyteUnavailable,
)
from dagster_airbyte_sync.resources.http.budget import TimeBudget
from dagster_airbyte_sync.resources.http.transport import Http, require
from dagster_airbyte_sync.resources.json_values import object_at
from dagster_airbyte_sync.resources.records.catalog import Connection, Destination

_log = logging.getLogger(__name__)


class DestinationReader:
    """Asks the public API, which alone says the short type that asset kinds are made of."""

    def __init__(self, http: Http, public: PublicApi, page_size: int) -> None:
        self._http = http
        self._public = public
        self._page_size = page_size

    def read(self, connections: Iterable[Connection], budget: TimeBudget) -> dict[str, Destination]:
        """All destinations by id. What cannot be seen costs its type, and a warning, only.

        Raises AirbyteUnavailable if Airbyte does not answer for the list of them.
        """
        used = {each.destination_id: each.name for each in connections if each.destination_id}
        if not used:
            return {}
        try:
            found = self._list(budget)
        except (AirbyteUnauthorized, AirbyteForbidden, AirbyteNotFound) as refusal:
            _log.warning(
                "Airbyte does not list the destinations (%s): tables have no storage kind", refusal
            )
            return {}
        for missed in sorted(used.keys() - found.keys()):
            destination = self._read_one(missed, used[missed], budget)
            if destination is not None:
                found[missed] = destination
        return found

    def _list(self, budget: TimeBudget) -> dict[str, Destination]:
        def page(offset: int) -> Page[Destination]:
            call = self._public.destinations(offset, self._page_size)
            page = public_api.read_destinations(self._http.send(call, budget))
            return require(call, "destinations", page)

        listing = rows_of_unordered(self._page_size, page)
        warn_if_incomplete(listing, "destinations", _log)
        return listing.rows

    def _read_one(
        self, destination_id: str, connection: str, budget: TimeBudget
    ) -> Destination | None:
        call = self._public.destination(destination_id)
        try:
            answer = self._http.send(call, budget)
            return require(call, "a destination", public_api.read_destination(object_at(answer)))
        except (AirbyteRefused, AirbyteUnavailable) as failure:
            _log.warning(
                "Destination %s, to which connection %r writes, could not be read (%s): its tables"
                " have no storage kind",
                destination_id,
                connection,
                failure,
            )
            return None
