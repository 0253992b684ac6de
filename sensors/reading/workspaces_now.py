"""The workspaces of an instance in one tick: which are there, and where each is read on."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import Table, workspaces_of
from dagster_airbyte_sync.resources import AirbyteClient, TimeBudget
from dagster_airbyte_sync.sensors.cursor.cursor import Cursor
from dagster_airbyte_sync.sensors.cursor.pending import NONE_YET, Pending
from dagster_airbyte_sync.sensors.cursor.resuming import Ends
from dagster_airbyte_sync.sensors.cursor.workspaces_read import WorkspacesRead, short
from dagster_airbyte_sync.sensors.tick_basics import Clocks

# From when on what was never reported is, by Airbyte's time now.
Begin = Callable[[datetime], datetime]

# While one is away the list of them is read again so often (seconds): to see that it is back.
_LOOK_AGAIN = 600.0


class WorkspacesNow:
    """Nothing of this concerns a single workspace, which costs no request and no look.

    `tables` are those that definitions have, and are asked for only when workspaces change.
    """

    def __init__(
        self,
        client: AirbyteClient,
        budget: TimeBudget,
        tables: Callable[[], Sequence[Table]],
        log: logging.Logger,
    ) -> None:
        self._client, self._budget, self._log = client, budget, log
        self._tables = tables
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

        One that is back and has no tables here is still away: it was so as definitions loaded.
        """
        read = cursor.workspaces
        is_away = read is not None and bool(read.away)
        self._seen = self._client.workspaces(self._budget, _LOOK_AGAIN if is_away else None)
        if not self._seen:
            return cursor
        if read is None:
            # A person has set it.
            return replace(cursor, workspaces=self.first(cursor.read_from, {}))
        new = [
            each
            for each in read.new(self._seen)
            if short(each) not in read.away or each in self._places.values()
        ]
        if not new:
            return cursor
        now = clocks()
        unread = begin(now.airbyte)
        pending = {
            connection_id: _waiting_from(
                read.begin_of(place, now.airbyte, unread),
                cursor.pending.get(connection_id),
                now.dagster,
            )
            for connection_id, place in self._places.items()
            if place in new
        }
        self._log.info(
            "Reading on in the workspace %s, of which these wait: %d connections",
            " and ".join(f"{self._seen[each]!r} ({each})" for each in new),
            len(pending),
        )
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
        if gone:
            self._log.warning(
                "Airbyte lets these credentials read nothing of the workspace %s any more: it was"
                " deleted, or they have no role in it. Its syncs are reported when it is back; all"
                " others are reported meanwhile.",
                " and ".join(self._named(each) for each in sorted(gone)),
            )
        left = {each: self._left_at(each, before) for each in gone}
        pending = {
            key: each
            for key, each in moved.pending.items()
            if not gone or each.is_parked or short(self._places.get(key, "")) not in gone
        }
        return replace(moved, pending=pending, workspaces=moved.workspaces.after(left, now))

    def readable(self, moved: Cursor) -> frozenset[str]:
        """The parked connections whose history could be read: none of a workspace that is away."""
        if moved.workspaces is None or not moved.parked:
            return moved.parked
        here, away = moved.workspaces.here, moved.workspaces.away
        # Definitions that loaded meanwhile do not say where it is.
        return frozenset(
            each
            for each in moved.parked
            if (short(self._places[each]) in here if each in self._places else not away)
        )

    def _left_at(self, shortened: str, before: Cursor) -> datetime:
        """How far a workspace was read: others may wait for longer. What waits and has no tables
        here any more may be of any."""
        own = (
            each.ended_at
            for key, each in before.pending.items()
            if not each.is_parked and short(self._places.get(key, shortened)) == shortened
        )
        return max(min([before.floor, *own]), before.begin)

    @cached_property
    def _places(self) -> Mapping[str, str]:
        return workspaces_of(self._tables())

    def _named(self, shortened: str) -> str:
        for each, name in self._seen.items():
            if short(each) == shortened:
                return f"{name!r} ({each})"
        for table in self._tables():
            each = keys.text_in(table.spec.metadata, keys.WORKSPACE_ID) or ""
            if short(each) == shortened:
                name = keys.text_in(table.spec.metadata, keys.WORKSPACE_NAME) or each
                return f"{name!r} ({each})"
        return f"{shortened}..."


def _waiting_from(moment: datetime, before: Pending | None, now: int) -> Pending:
    """A connection that waits from then on; one that waits already, from then on at the latest."""
    if before is None:
        return Pending(NONE_YET, moment, now)
    return before if before.ended_at <= moment else replace(before, job=NONE_YET, ended_at=moment)
