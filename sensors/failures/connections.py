"""What Airbyte has now of the connections that have a problem. An idle tick asks nothing of it."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property

from dagster_airbyte_sync.assets.checks.last_evaluation import LastEvaluation
from dagster_airbyte_sync.assets.look.timetable import scheduled_since
from dagster_airbyte_sync.assets.tables.table import ConnectionSelector, Table
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteError,
    AirbyteForbidden,
    AirbyteNotFound,
    Catalog,
    Connection,
    Job,
    TimeBudget,
)
from dagster_airbyte_sync.sensors.run_requests.arrival import name_of_connection


class Connections:
    """Names, states, and whom the user selected. No question to Airbyte fails a tick: a message
    without a name is worth more than none.

    `tables` gives those of this code location, whose specs know names as well.
    """

    def __init__(
        self,
        client: AirbyteClient,
        budget: TimeBudget,
        selector: ConnectionSelector | None,
        tables: Callable[[], Sequence[Table]],
        log: logging.Logger,
    ) -> None:
        self._client, self._budget, self._log = client, budget, log
        self._selector = selector
        self._tables = tables
        self._unlisted: dict[str, Connection | None] = {}

    def name(self, connection_id: str) -> str:
        """The connection's name, or if nobody knows it, its id."""
        connection = self._connection(connection_id)
        if connection:
            return connection.name
        own = (table for table in self._tables() if table.connection_id == connection_id)
        return name_of_connection(own, connection_id)

    def accepts(self, connection_id: str) -> bool:
        """Whether the user selected the connection; one that cannot be read counts as selected."""
        connection = self._connection(connection_id) if self._selector else None
        if connection is None or self._selector is None:
            return True
        try:
            # What synced was active, though it may be deleted by now.
            return self._selector(_as_it_synced(connection))
        except Exception:
            # The user's own code may raise anything.
            self._log.exception(
                "connection_selector_fn raised for connection %r, which counts as selected",
                connection.name,
            )
            return True

    def is_listed(self, connection_id: str) -> bool:
        """Whether Airbyte lists it: it is not deleted."""
        return self._listed(connection_id) is not None

    def is_paused(self, connection_id: str) -> bool:
        """Whether Airbyte lists it, and does not sync it for now."""
        listed = self._listed(connection_id)
        return listed is not None and not listed.is_active

    def scheduled_since(
        self, connection_id: str, evaluations: Iterable[LastEvaluation]
    ) -> datetime | None:
        """Since when Airbyte syncs it by the schedule it has, if its checks saw that begin."""
        listed = self._listed(connection_id)
        return scheduled_since(listed, evaluations) if listed else None

    def refresh(self) -> bool:
        """Read all connections from Airbyte anew; False if that cannot be done now."""
        try:
            self._catalog = self._client.catalog(self._budget, fresh=True)
        except AirbyteError as error:
            self._log.warning("Whether connections are late is unknown now: %s", error)
            return False
        return True

    def newest_jobs(self, connection_id: str) -> Sequence[Job] | None:
        """Running ones too, newest first; None if Airbyte does not answer now."""
        try:
            return self._client.newest_jobs(connection_id, budget=self._budget)
        except (AirbyteForbidden, AirbyteNotFound):
            return ()
        except AirbyteError as error:
            self._log.warning("The jobs of %s cannot be read now: %s", connection_id, error)
            return None

    def _connection(self, connection_id: str) -> Connection | None:
        # Without a list, each would be a question to an Airbyte that does not answer.
        if self._catalog is None:
            return None
        return self._listed(connection_id) or self._asked(connection_id)

    def _listed(self, connection_id: str) -> Connection | None:
        return self._catalog.connections.get(connection_id) if self._catalog else None

    def _asked(self, connection_id: str) -> Connection | None:
        """One that is not in the list: it is newer, or deleted."""
        if connection_id not in self._unlisted:
            self._unlisted[connection_id] = self._ask(connection_id)
        return self._unlisted[connection_id]

    def _ask(self, connection_id: str) -> Connection | None:
        try:
            return self._client.connection(connection_id, self._budget)
        except (AirbyteForbidden, AirbyteNotFound):
            return None
        except AirbyteError as error:
            self._log.warning("Connection %s could not be read: %s", connection_id, error)
            return None

    @cached_property
    def _catalog(self) -> Catalog | None:
        try:
            return self._client.catalog(self._budget.half())
        except AirbyteError as error:
            self._log.warning("The list of connections could not be read: %s", error)
            return None


def _as_it_synced(connection: Connection) -> Connection:
    is_deleted = connection.status == "deprecated"
    return replace(connection, status="active") if is_deleted else connection
