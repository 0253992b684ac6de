"""The workspaces of an instance in one tick: which are there, and where each is read on."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import Table, workspaces_of
from dagster_airbyte_sync.resources import AirbyteClient, TimeBudget
from dagster_airbyte_sync.sensors.cursor.cursor import Cursor
from dagster_airbyte_sync.sensors.cursor.pending import UNKNOWN, Pending
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
        for connection_id, place in workspaces_of(self._tables()).items():
            last = max((each.ended_at for each in ends.get(connection_id, ())), default=begin)
            reported[place] = min(last, reported.get(place, last))
        return WorkspacesRead.first(self._seen, reported)

    def joined(self, cursor: Cursor, clocks: Callable[[], Clocks], begin: Begin) -> Cursor:
        """The cursor with what is new, or back, waiting to be read: each of its connections from
        where it was left, or from `begin` on. The ledger knows what was reported."""
        read = cursor.workspaces
        is_away = read is not None and bool(read.away)
        self._seen = self._client.workspaces(self._budget, _LOOK_AGAIN if is_away else None)
        if not self._seen:
            return cursor
        if read is None:
            # A person has set it.
            return replace(cursor, workspaces=self.first(cursor.read_from, {}))
        new = read.new(self._seen)
        if not new:
            return cursor
        places, now = workspaces_of(self._tables()), clocks()
        unread = begin(now.airbyte)
        pending = {
            connection_id: Pending(
                (0, UNKNOWN), read.begin_of(place, now.airbyte, unread), now.dagster
            )
            for connection_id, place in places.items()
            if place in new and connection_id not in cursor.pending
        }
        self._log.info(
            "Reading on in the workspace %s, of which these wait: %d connections",
            " and ".join(f"{self._seen[each]!r} ({each})" for each in new),
            len(pending),
        )
        return replace(cursor, pending={**cursor.pending, **pending}, workspaces=read.with_new(new))

    def after(self, moved: Cursor, left_at: datetime, now: datetime) -> Cursor:
        """The cursor after a tick that may have found that one is gone; the log says which."""
        if moved.workspaces is None:
            return moved
        seen = self._client.workspaces(self._budget)
        if gone := moved.workspaces.gone(seen):
            self._log.warning(
                "Airbyte shows these credentials no workspace %s any more: it was deleted, or they"
                " have no role in it. Its syncs are reported when it is back; all others are"
                " reported meanwhile.",
                " and ".join(self._named(each) for each in sorted(gone)),
            )
        return replace(moved, workspaces=moved.workspaces.after(seen, left_at, now))

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
