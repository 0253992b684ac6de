"""How far each workspace of an instance was read, where they are not all as far as the cursor.

A cursor is one bookmark for all of them. One that Airbyte shows no more keeps the place at which it
was left, and is read on from there when it is back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dagster_airbyte_sync.resources.json_values import as_datetime, as_text, object_at

# What has been away for longer is read from there on: as far back as a lost cursor looks.
LONGEST_AWAY = timedelta(days=30)
# Hardly any that was away for so long comes back: as if it had never been there.
_FORGOTTEN = timedelta(days=365)

# So much of an id: a cursor has little room, and there are some hundred at most.
_LETTERS = 8


def short(workspace_id: str) -> str:
    """What a cursor calls a workspace."""
    return workspace_id[:_LETTERS].lower()


@dataclass(frozen=True)
class WorkspacesRead:
    """The workspaces that are read up to the cursor, and of others up to when (Airbyte's clock)."""

    here: frozenset[str] = frozenset()
    away: Mapping[str, datetime] = field(default_factory=dict)

    @classmethod
    def first(cls, seen: Iterable[str], reported: Mapping[str, datetime]) -> "WorkspacesRead":
        """As a sensor begins: up to when those were `reported` that have tables here."""
        here = frozenset(map(short, seen))
        return cls(here, {short(k): at for k, at in reported.items() if short(k) not in here})

    def new(self, seen: Iterable[str]) -> list[str]:
        """Those that are to be read on, or to be begun."""
        return [each for each in seen if short(each) not in self.here]

    def gone(self, seen: Iterable[str]) -> frozenset[str]:
        return self.here - frozenset(map(short, seen))

    def begin_of(self, workspace_id: str, now: datetime, otherwise: datetime) -> datetime:
        """From when on one that is new is read: where it was left, if that is not too long ago."""
        left = self.away.get(short(workspace_id))
        return otherwise if left is None else max(left, now - LONGEST_AWAY)

    def with_new(self, workspace_ids: Iterable[str]) -> "WorkspacesRead":
        """Once they are read like the others."""
        added = frozenset(map(short, workspace_ids))
        away = {each: at for each, at in self.away.items() if each not in added}
        return WorkspacesRead(self.here | added, away)

    def after(self, left: Mapping[str, datetime], now: datetime) -> "WorkspacesRead":
        """After a tick that found some gone: each is left at a time."""
        gone = {short(each): at for each, at in left.items()}
        kept = {key: at for key, at in self.away.items() if at > now - _FORGOTTEN}
        return WorkspacesRead(self.here - gone.keys(), {**kept, **gone})

    def as_row(self) -> list[object]:
        away = {each: int(at.timestamp()) for each, at in sorted(self.away.items())}
        return [" ".join(sorted(self.here)), *([away] if away else [])]


def workspaces_read_of(row: object) -> WorkspacesRead | None:
    """What a row of a cursor says; None if it says nothing."""
    if not isinstance(row, list) or not row:
        return None
    left = object_at(row[1]) if len(row) > 1 else {}
    away = {each: at for each, value in left.items() if (at := as_datetime(value)) is not None}
    return WorkspacesRead(frozenset((as_text(row[0]) or "").split()), away)
