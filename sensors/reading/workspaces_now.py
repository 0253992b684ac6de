"""The workspaces of an instance in one tick: which are there, and where each is read on."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

import dagster as dg

from dagster_airbyte_sync.resources import AirbyteClient, AirbyteError, Catalog, TimeBudget
from dagster_airbyte_sync.sensors.cursor.cursor import Cursor
from dagster_airbyte_sync.sensors.cursor.pending import NONE_YET, Pending
from dagster_airbyte_sync.sensors.cursor.resuming import Ends
from dagster_airbyte_sync.sensors.cursor.workspaces_read import WorkspacesRead, short
from dagster_airbyte_sync.sensors.reading.defined_tables import ReadCatalog
from dagster_airbyte_sync.sensors.reading.places import places_in
from dagster_airbyte_sync.sensors.tick_basics import Clocks

# From when on what was never reported is, by Airbyte's time now.
Begin = Callable[[datetime], datetime]

# While one is away the list of them is read again so often (seconds): to see that it is back.
_LOOK_AGAIN = 600.0


class WorkspacesNow:
    """Nothing of this concerns a single workspace, which costs no request and no look."""

    def __init__(
        self,
        client: AirbyteClient,
        budget: TimeBudget,
        repository: dg.RepositoryDefinition,
        read_catalog: ReadCatalog,
        log: logging.Logger,
    ) -> None:
        self._client, self._budget, self._log = client, budget, log
        self._repository, self._read_catalog = repository, read_catalog
        self._seen: Mapping[str, str] = {}

    def first(self, begin: datetime, ends: Ends) -> WorkspacesRead | None:
        """As a sensor begins at a time; `ends` are when what was reported had ended."""
        self._seen = self._client.workspaces(self._budget)
        if not self._seen:
            return None
        reported: dict[str, datetime] = {}
        for connection_id, place in self._places.items():
            last = max((each.ended_at for each in ends.get(connection_id, ())), default=begin)
            reported[place] = min(last, reported.get(place, last))
        return WorkspacesRead.first(self._seen, reported)

    def joined(self, cursor: Cursor, clocks: Callable[[], Clocks], begin: Begin) -> Cursor:
        """The cursor with what is new, or back, waiting to be read: each of its connections from
        where it was left, or from `begin` on. The ledger knows what was reported.

        One whose tables definitions have no more is away, though it is shown: it was not so as they
        were loaded, and all its jobs would be passed over.
        """
        read = cursor.workspaces
        self._seen = self._client.workspaces(self._budget)
        if read is not None and self._may_be_back(read):
            self._seen = self._client.workspaces(self._budget, _LOOK_AGAIN)
        if not self._seen:
            return cursor
        if read is None:
            # A person has set it.
            return replace(cursor, workspaces=self.first(cursor.read_from, {}))
        placed = frozenset(self._places.values())
        lost = read.lost(self._seen, placed)
        if not lost and not read.new(self._seen):
            return cursor
        now = clocks()
        held = {each: self._left_at(each, cursor, cursor) for each in lost}
        read = read.without(held, now.airbyte).holding(self._seen, placed, now.airbyte)
        if unsaid := read.held - (cursor.workspaces or read).held:
            self._warn_of_held(unsaid)
        new = [each for each in read.new(self._seen) if short(each) not in read.held]
        places = self._connections_in(new) if new else {}
        if not new or places is None:
            return replace(cursor, workspaces=read)
        unread = begin(now.airbyte)
        pending = {
            connection_id: _waiting_from(
                read.begin_of(place, now.airbyte, unread),
                cursor.pending.get(connection_id),
                now.dagster,
            )
            for connection_id, place in places.items()
        }
        self._say_what_is_new(new, read, places.values())
        return replace(cursor, pending={**cursor.pending, **pending}, workspaces=read.with_new(new))

    def to_read(self, cursor: Cursor) -> Collection[str] | None:
        """Those that a tick reads, or None for a single workspace: what is still away must not be
        taken for done."""
        if cursor.workspaces is None:
            return None
        here = cursor.workspaces.here
        return [each for each in self._seen if short(each) in here]

    def after(self, moved: Cursor, before: Cursor, asked: Iterable[str], now: datetime) -> Cursor:
        """The cursor after a tick that asked about these at last: others are gone, whatever Airbyte
        lists by now. They are left where the cursor `before` had come to, and the log says which.

        None of their connections waits any more, unless it is parked: with others history would be
        read from there at each tick.
        """
        if moved.workspaces is None:
            return moved
        gone = moved.workspaces.gone(asked)
        self._warn_of_gone(gone)
        left = {each: self._left_at(each, before, moved) for each in gone}
        pending = {
            key: each
            for key, each in moved.pending.items()
            if not gone or each.is_parked or short(self._places.get(key, "")) not in gone
        }
        read = moved.workspaces.without(left, now).placed(frozenset(self._places.values()))
        return replace(moved, pending=pending, workspaces=read)

    def readable(self, moved: Cursor) -> frozenset[str]:
        """The parked connections whose history could be read: none of a workspace that is away."""
        if moved.workspaces is None or not moved.parked:
            return moved.parked
        here, away = moved.workspaces.here, moved.workspaces.away
        places = {**(self._listed_places() if away else {}), **self._places}
        # If nobody says where one is, it may be in what is away.
        return frozenset(
            each
            for each in moved.parked
            if (short(places[each]) in here if each in places else not away)
        )

    def _may_be_back(self, read: WorkspacesRead) -> bool:
        """Whether one is away that Airbyte may show again: neither one that it shows already, nor
        one that the settings do not name any more."""
        seen = frozenset(map(short, self._seen))
        return any(each not in seen and self._is_meant(each) for each in read.away)

    def _is_meant(self, shortened: str) -> bool:
        meant = self._client.settings.workspace_ids
        return meant is None or shortened in map(short, meant)

    def _left_at(self, shortened: str, before: Cursor, moved: Cursor) -> datetime:
        """How far a workspace was read `before` a tick: others may wait for longer. What waits and
        has no tables here any more may be of any.

        Where Airbyte's clock was set back in the tick, `moved` is that much earlier.
        """
        own = (
            each.ended_at
            for key, each in before.pending.items()
            if not each.is_parked and short(self._places.get(key, shortened)) == shortened
        )
        return max(min([before.floor, moved.floor, *own]), moved.begin)

    def _connections_in(self, new: Collection[str]) -> Mapping[str, str] | None:
        """The connections of these workspaces, each with its own; None if that is not known now.

        Airbyte is asked only for the sake of assets that do not say whose they are.
        """
        own = {key: place for key, place in self._places.items() if place in new}
        if not places_in(self._repository).has_others:
            return own
        try:
            catalog = self._read_catalog(fresh=True)
        except AirbyteError as error:
            self._log.warning(
                "Reading of the workspace %s continues once its connections are known: %s",
                self._named_all(map(short, new)),
                error,
            )
            return None
        if not catalog.workspaces.keys() >= set(new):
            # One went away again.
            return None
        return {**{key: at for key, at in _places_in(catalog).items() if at in new}, **own}

    def _listed_places(self) -> Mapping[str, str]:
        try:
            return _places_in(self._read_catalog())
        except AirbyteError:
            # The tables of parked connections are looked for in it as well, and the log says why.
            return {}

    @property
    def _places(self) -> Mapping[str, str]:
        return places_in(self._repository).of

    def _say_what_is_new(
        self, new: Iterable[str], read: WorkspacesRead, places: Collection[str]
    ) -> None:
        for each in new:
            number = sum(place == each for place in places)
            if number or short(each) in read.away:
                what = "connection of it waits" if number == 1 else "connections of it wait"
                self._log.info(
                    "Continuing to read the workspace %s: %d %s",
                    self._named(short(each)),
                    number,
                    what,
                )
            else:
                self._log.info(
                    "Airbyte shows a new workspace %s: it gets its assets when you reload the code"
                    " location",
                    self._named(short(each)),
                )

    def _warn_of_held(self, held: Collection[str]) -> None:
        self._log.warning(
            "Definitions have no tables of the workspace %s any more: they were loaded while"
            " Airbyte did not show it, or leave all its connections out. Its syncs wait for 30"
            " days. Load the code location again; a component that keeps its state, after"
            " `dg utils refresh-defs-state`.",
            self._named_all(held),
        )

    def _warn_of_gone(self, gone: Collection[str]) -> None:
        left_out = [each for each in gone if not self._is_meant(each)]
        others = [each for each in gone if self._is_meant(each)]
        if left_out:
            self._log.warning(
                "No longer in workspace_ids: %s. What syncs there is reported if the workspace is"
                " put back within 30 days.",
                self._named_all(left_out),
            )
        if others:
            self._log.warning(
                "Airbyte does not let these credentials read the workspace %s now: it was deleted,"
                " they have no role in it, or it is not known yet in which one they have none. Its"
                " syncs are reported when it is back; all others are reported in the meantime.",
                self._named_all(others),
            )

    def _named_all(self, shortened: Iterable[str]) -> str:
        return " and ".join(self._named(each) for each in sorted(shortened))

    def _named(self, shortened: str) -> str:
        for each, name in {**places_in(self._repository).names, **self._seen}.items():
            if short(each) == shortened:
                return f"{name!r} ({each})"
        return f"{shortened}..."


def _places_in(catalog: Catalog) -> dict[str, str]:
    connections = catalog.connections.values()
    return {each.id: each.workspace_id.lower() for each in connections if each.workspace_id}


def _waiting_from(moment: datetime, before: Pending | None, now: int) -> Pending:
    """A connection that waits from then on; one that waits already, from then on at the latest."""
    if before is None:
        return Pending(NONE_YET, moment, now)
    return before if before.ended_at <= moment else replace(before, job=NONE_YET, ended_at=moment)
