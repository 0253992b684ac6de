"""Whether Airbyte lets us ask, and of which workspaces: what all questions have in common."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from types import MappingProxyType
from typing import TypeVar

from dagster_airbyte_sync.resources.access.configuration_access import Fallback
from dagster_airbyte_sync.resources.access.pages import Pages
from dagster_airbyte_sync.resources.access.server import Server
from dagster_airbyte_sync.resources.access.steadiness import Steadiness
from dagster_airbyte_sync.resources.access.workspaces import Workspaces, WorkspacesChanged
from dagster_airbyte_sync.resources.api import public_api
from dagster_airbyte_sync.resources.api.public_api import PublicApi
from dagster_airbyte_sync.resources.errors import (
    AirbyteError,
    AirbyteForbidden,
    AirbyteNotFound,
    AirbyteRequestError,
    AirbyteSettingsError,
)
from dagster_airbyte_sync.resources.http.budget import NO_LIMIT, TimeBudget
from dagster_airbyte_sync.resources.http.settings import AirbyteSettings
from dagster_airbyte_sync.resources.http.transport import Http
from dagster_airbyte_sync.resources.records.catalog import Connection

Answer = TypeVar("Answer")


class Access:
    """A server, and those of its workspaces that the settings mean. Shared by threads."""

    def __init__(
        self,
        settings: AirbyteSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = settings
        self._http = Http(settings, sleep=sleep)
        self._server = Server(settings, self._http, clock=clock)
        self._public = PublicApi(settings)
        self._workspaces = Workspaces(settings, self._http, self._public, clock=clock)
        self._fallback = Fallback(
            settings, self._check_refused, self._server.check_address, clock=clock, sleep=sleep
        )

    def check_workspace(self, budget: TimeBudget = NO_LIMIT) -> None:
        """Raise AirbyteSettingsError if the credentials cannot see such a workspace.

        For an instance, its list of workspaces is read again, and must not be empty.
        """
        try:
            if self.settings.workspace_id is None:
                self._workspaces.read(budget)
            else:
                self._http.send(self._public.workspace(self.settings.workspace_id), budget)
        except AirbyteRequestError as refusal:
            self._server.check_public_address(refusal, budget)
            is_one = self.settings.workspace_id is not None
            if not is_one or not isinstance(refusal, AirbyteForbidden | AirbyteNotFound):
                raise
            raise AirbyteSettingsError(
                f"Airbyte at {self.settings.rest_api_base_url} has no workspace"
                f" {self.settings.workspace_id!r} that these credentials can see"
                f" (it answered {refusal.status}). Check workspace_id: Airbyte shows it under"
                " Settings > General."
            ) from None

    def _check_refused(self, refused: AirbyteRequestError, budget: TimeBudget) -> None:
        """Raises WorkspacesChanged if it was for the sake of a workspace that is gone, or that may
        not be read: of all others the same API can be asked again."""
        may_be_of_one = isinstance(refused, AirbyteForbidden)
        try:
            is_gone = self._workspaces.went_away(budget, probing=may_be_of_one)
        except AirbyteRequestError as refusal:
            self._server.check_public_address(refusal, budget)
            raise
        if is_gone:
            raise WorkspacesChanged("The workspaces that Airbyte shows have changed. Ask again.")
        if self.settings.workspace_id is not None:
            self.check_workspace(budget)

    def _retried(self, ask: Callable[[], Answer], budget: TimeBudget) -> Answer:
        """The answer for the workspaces that are there, though some went away meanwhile."""
        try:
            return ask()
        except WorkspacesChanged:
            return ask()
        except AirbyteForbidden:
            if not self._workspaces.went_away(budget, probing=True):
                raise
            return ask()

    def workspaces(
        self, budget: TimeBudget = NO_LIMIT, oldest: float | None = None
    ) -> Mapping[str, str]:
        """Return the names of an instance's workspaces by id; empty for a single workspace.

        One request, unless they are remembered and no older than `oldest` seconds.
        """
        return self._workspaces.names(budget, oldest)

    def workspace_ids(self, budget: TimeBudget = NO_LIMIT) -> tuple[str, ...]:
        """Return the one workspace, or those of an instance that these credentials can see."""
        return self._workspaces.ids(budget)

    def workspace_of(self, connection_id: str, budget: TimeBudget = NO_LIMIT) -> str | None:
        """The workspace of a connection: of an instance one request if it is not remembered, and
        None if Airbyte does not say it now."""
        known = self._workspaces.place_of(connection_id)
        if known is None:
            with suppress(AirbyteError):
                return self.connection(connection_id, budget).workspace_id
        return known

    def pages(
        self, budget: TimeBudget = NO_LIMIT, known: Mapping[str, str] = MappingProxyType({})
    ) -> Pages:
        """Return links into Airbyte's UI. `known` are workspaces by the id of a connection."""

        def workspace_of(connection_id: str) -> str | None:
            return known.get(connection_id) or self.workspace_of(connection_id, budget)

        return Pages(lambda: self.ui_url(budget), workspace_of)

    def connection(self, connection_id: str, budget: TimeBudget = NO_LIMIT) -> Connection:
        """Return a connection as it is now, even if deleted, without the types of its columns."""
        call = self._public.connection(connection_id)
        found = self._http.read(call, "a connection", public_api.read_connection, budget)
        return self._workspaces.placed(found)

    def server_time(self, budget: TimeBudget = NO_LIMIT, *, fresh: bool = False) -> datetime:
        """Return Airbyte's clock now, from the last answer, or with a request if there was none.

        With `fresh`, always with a request, because the clock may have been set since then.
        """
        if fresh or self._http.server_time is None:
            self.check_workspace(budget)
        return self._http.server_time or datetime.now(timezone.utc)

    def steadiness(self, *, fresh: bool = False) -> Steadiness:
        """Whether Airbyte is there to take jobs: one request a self-managed one each half minute,
        or with `fresh`, two where the Configuration API is closed. Never raises AirbyteUnavailable.
        """
        return self._server.steadiness(fresh=fresh)

    def known_version(self) -> str:
        """Return Airbyte's version as last seen; "" if it was not seen, or Airbyte does not say."""
        return self._server.known_version()

    def expect_version(self, version: str) -> None:
        """Note Airbyte's version when something was last started there, by any process."""
        self._server.expect_version(version)

    def note_absence(self, problem: str) -> None:
        """Note a request that failed as if Airbyte were gone; the next look must find it back."""
        self._server.note_absence(problem)

    def ui_url(self, budget: TimeBudget = NO_LIMIT) -> str:
        """Return the address of Airbyte's UI, without a trailing slash; asked for at most once.

        While Airbyte does not answer, it is taken to be beside the API: no sync fails for a link.
        """
        return self.settings.ui_url or self._server.instance(budget).ui_url
