"""Which workspaces are meant: the one of the settings, some of a server, or all that it shows."""

import logging
import math
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from dagster_airbyte_sync.resources.access.readable import Readable
from dagster_airbyte_sync.resources.api import public_api
from dagster_airbyte_sync.resources.api.paging import Listing, read_unordered
from dagster_airbyte_sync.resources.api.public_api import PublicApi, groups_of_ids
from dagster_airbyte_sync.resources.errors import (
    AirbyteError,
    AirbyteForbidden,
    AirbyteNotFound,
    AirbyteRequestError,
    AirbyteSettingsError,
    OutOfTime,
)
from dagster_airbyte_sync.resources.http.budget import NO_LIMIT, TimeBudget
from dagster_airbyte_sync.resources.http.frames import forgotten_locals
from dagster_airbyte_sync.resources.http.settings import AirbyteSettings
from dagster_airbyte_sync.resources.http.transport import Http
from dagster_airbyte_sync.resources.records.catalog import Connection, WorkspaceName

_log = logging.getLogger(__name__)

_WAY_OUT = "Give their user a role in a workspace, or use other credentials."


class WorkspacesChanged(AirbyteError):
    """Raised in the place of a refusal if a workspace went away: ask again, for those left."""


class Workspaces:
    """Remembers the list, and which workspace each connection is in. Safe to share between threads.

    Airbyte refuses a question about several workspaces as a whole if it refuses one of them, so a
    refusal of an instance's question may mean that the list is old.
    """

    def __init__(
        self,
        settings: AirbyteSettings,
        http: Http,
        public: PublicApi,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._http = http
        self._public = public
        self._clock = clock
        self._lock = threading.RLock()
        self._names: dict[str, str] | None = None
        self._listing: Listing[WorkspaceName] | None = None
        self._listed_at = self._looked_at = -math.inf
        # Held by the thread that looks for those that are away.
        self._looking = threading.Lock()
        self._readable = Readable(self._may_read, clock)
        # What all were called that were ever seen, and those that the log has named as missing.
        self._ever: dict[str, str] = {}
        self._said: frozenset[str] = frozenset()
        self._place_of: dict[str, str] = {}

    def ids(self, budget: TimeBudget = NO_LIMIT) -> tuple[str, ...]:
        """The workspaces to ask for; of an instance, in one request, unless they are remembered."""
        only = self._settings.workspace_id
        return (only,) if only is not None else tuple(self.names(budget))

    def names(
        self, budget: TimeBudget = NO_LIMIT, oldest: float | None = None
    ) -> Mapping[str, str]:
        """The names of an instance's workspaces by their ids, none for a single workspace.

        Read again if they are remembered for longer than `oldest` seconds: by one thread, while
        others go on with what is remembered, as all do if Airbyte does not answer for that.
        """
        if self._settings.workspace_id is not None:
            return {}
        has_news = self._readable.look_again(budget)
        known = self._names
        if known is None:
            return self.read(budget)
        if oldest is not None and self._looking.acquire(blocking=False):
            try:
                if self._clock() - self._looked_at >= oldest:
                    return self._look_for_more(budget)
            finally:
                self._looking.release()
        return self._noted() if has_news else known

    def names_now(self, budget: TimeBudget = NO_LIMIT) -> Mapping[str, str]:
        """The same, read now. Raises AirbyteSettingsError if there is none."""
        if self._settings.workspace_id is not None:
            return {}
        self._readable.look_again(budget)
        return self.read(budget)

    def read(self, budget: TimeBudget = NO_LIMIT) -> Mapping[str, str]:
        """The list of an instance's workspaces, read now, without a look at what was refused."""
        public, reader, began = self._public, public_api.read_workspaces, self._clock()
        listing = read_unordered(
            self._http, "workspaces", public.page_size, public.workspaces, reader, budget
        )
        with self._lock:
            # Another thread may have asked later and been answered earlier.
            if began >= self._listed_at:
                self._listing, self._listed_at = listing, began
            self._looked_at = began
            return self._noted()

    def _look_for_more(self, budget: TimeBudget) -> Mapping[str, str]:
        try:
            return self.read(budget.half())
        except (AirbyteRequestError, OutOfTime) as failure:
            _log.warning(
                "Trying again later to find out whether Airbyte shows more workspaces again: %s",
                failure,
            )
            self._looked_at = self._clock()
            return self._noted()

    def went_away(
        self, budget: TimeBudget, asked: Collection[str] = (), *, probing: bool = False
    ) -> bool:
        """Whether one of those `asked` about is gone, after a refusal: without any, of all.

        With `probing`, also one that is still listed: credentials may be shown a workspace of which
        they may not read anything.
        """
        if self._settings.workspace_id is not None:
            return False
        before = frozenset(asked or self._names or ())
        if before - self.read(budget).keys():
            return True
        if not probing:
            return False
        if not self._readable.find(groups_of_ids(sorted(before)), budget):
            raise AirbyteSettingsError(self._none_is_read(before))
        return bool(before - self._noted().keys())

    @property
    def is_sure(self) -> bool:
        """Whether it is found out for each of those that are listed if it may be read."""
        return not self._readable.doubted

    def place_of(self, connection_id: str) -> str | None:
        """The workspace of a connection, as far as it is known."""
        return self._settings.workspace_id or self._place_of.get(connection_id)

    def placed(self, connection: Connection, place: str | None = None) -> Connection:
        """The connection with its workspace, which is remembered; Airbyte may not say which."""
        only = self._settings.workspace_id
        place = only or place or connection.workspace_id or self._place_of.get(connection.id)
        if place is None:
            return connection
        if only is not None:
            return replace(connection, workspace_id=only)
        self._place_of[connection.id] = place
        self._readable.note_answered(place)
        return replace(connection, workspace_id=place, workspace_name=self._ever.get(place, place))

    def _may_read(self, workspace_ids: Sequence[str], budget: TimeBudget) -> bool:
        try:
            self._http.send(self._public.any_job(workspace_ids), budget)
        except (AirbyteForbidden, AirbyteNotFound):
            return False
        return True

    def _noted(self) -> Mapping[str, str]:
        """The names of those that are listed and may be read, which are remembered."""
        with self._lock:
            wanted, before = self._settings.workspace_ids, self._names or {}
            rows = self._listing.rows.values() if self._listing else ()
            listed = {each.id.lower(): each.name or each.id for each in rows}
            if self._listing is None or not self._listing.is_complete:
                # A page that was skipped is no reason to leave a workspace out.
                listed = {**before, **listed}
            meant = {
                each: listed[each] for each in sorted(listed) if wanted is None or each in wanted
            }
            refused, doubted = self._readable.refused, self._readable.doubted
            found = {each: name for each, name in meant.items() if each not in refused | doubted}
            if not found and doubted:
                raise OutOfTime(
                    f"Airbyte refuses to answer for some of {len(meant)} workspaces, and it is not"
                    " known yet for which: the next try continues with that."
                )
            if not found and meant:
                raise AirbyteSettingsError(self._none_is_read(meant))
            if not found:
                raise AirbyteSettingsError(self._none_is_seen(listed))
            self._names = found
            self._ever.update(found)
            self._say_what_changed(found, refused & meant.keys(), doubted)
            return found

    def _none_is_seen(self, listed: Mapping[str, str]) -> str:
        where = f"Airbyte at {self._settings.rest_api_base_url} shows these credentials"
        if self._settings.workspace_ids is None or not listed:
            return f"{where} no workspace. {_WAY_OUT}"
        return f"{where} none of the workspaces in workspace_ids. It shows: {_named_all(listed)}."

    def _none_is_read(self, workspace_ids: Iterable[str]) -> str:
        first, *others = map(self._named, sorted(workspace_ids))
        more = f" and {len(others)} others" if others else ""
        return (
            f"Airbyte at {self._settings.rest_api_base_url} shows these credentials {first}{more},"
            f" but refuses access to them (or a gateway does). {_WAY_OUT}"
        )

    def _say_what_changed(
        self, found: Mapping[str, str], refused: frozenset[str], doubted: frozenset[str]
    ) -> None:
        missing = {*(self._settings.workspace_ids or ()), *self._ever} - found.keys() - doubted
        unsaid, back = missing - self._said, self._said & found.keys()
        if unlisted := unsaid - refused:
            _log.warning(
                "Airbyte does not show these credentials the workspace %s: it was deleted, or they"
                " have no role in it. Continuing with the others.",
                " and ".join(map(self._named, sorted(unlisted))),
            )
        if unreadable := unsaid & refused:
            _log.warning(
                "Airbyte lists the workspace %s but refuses access to it: these credentials have"
                " no role in it. Continuing with the others; this one is tried again every ten"
                " minutes.",
                " and ".join(map(self._named, sorted(unreadable))),
            )
        if back:
            _log.warning(
                "Airbyte shows these credentials the workspace %s again",
                " and ".join(map(self._named, sorted(back))),
            )
        self._said = (self._said & doubted) | missing

    def _named(self, workspace_id: str) -> str:
        name = self._ever.get(workspace_id)
        return f"{name!r} ({workspace_id})" if name else workspace_id


def _named_all(workspaces: Mapping[str, str]) -> str:
    return ", ".join(f"{name!r} ({each})" for each, name in workspaces.items())


@lru_cache(32)
def find_workspace(settings: AirbyteSettings) -> AirbyteSettings:
    """The same settings with the id of the only workspace that the credentials can see.

    The id that the settings have is not looked at. One request, remembered in this process: of
    the public API, as Airbyte 1.7 took `/v1/workspaces/list` out of the other one. Raises
    AirbyteSettingsError if there is none, or more than one to choose from.
    """
    http, api = Http(settings), PublicApi(settings)
    listing = read_unordered(
        http, "workspaces", api.page_size, api.workspaces, public_api.read_workspaces
    )
    workspaces = list(listing.rows.values())
    if len(workspaces) != 1:
        names = ", ".join(f"{each.name!r} ({each.id})" for each in workspaces)
        known = f"has {len(workspaces)} workspaces: {names}. Choose one" if names else "shows none"
        raise AirbyteSettingsError(
            f"workspace_id is not set, and Airbyte at {settings.rest_api_base_url} {known}:"
            " set workspace_id."
        )
    with forgotten_locals():
        return replace(settings, workspace_id=workspaces[0].id)
