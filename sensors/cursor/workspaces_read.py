"""How far each workspace of an instance was read, where they are not all as far as the cursor.

A cursor is one bookmark for all of them. One that Airbyte shows no more keeps the place at which it
was left, and is read on from there when it is back. So does one whose tables definitions have lost,
as they were loaded while it was not shown: its jobs would be taken for those of nobody.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dagster_airbyte_sync.resources.json_values import as_datetime, as_text, object_at

# What has been away for longer is read from there on: as far back as a lost cursor looks.
LONGEST_AWAY = timedelta(days=30)
# Hardly any that was away for so long comes back: as if it had never been there.
_FORGOTTEN = timedelta(days=365)

# So much of an id: a cursor has little room, and there are some hundred at most.
_LETTERS = 8
# Marks the names of those of which definitions had tables.
_WITH_TABLES = "+"
# Of so many that are away the places are kept, of those that were left last.
_MOST_AWAY = 500


def short(workspace_id: str) -> str:
    """What a cursor calls a workspace."""
    return workspace_id[:_LETTERS].lower()


@dataclass(frozen=True)
class WorkspacesRead:
    """The workspaces that are read up to the cursor, and of others up to when (Airbyte's clock).

    `with_tables` are those of which definitions had tables that name their workspace, as it was
    last read. `held` are away though Airbyte shows them, as definitions have these no more.
    """

    here: frozenset[str] = frozenset()
    away: Mapping[str, datetime] = field(default_factory=dict)
    with_tables: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()

    @classmethod
    def first(cls, seen: Iterable[str], reported: Mapping[str, datetime]) -> "WorkspacesRead":
        """As a sensor begins: up to when those were `reported` that have tables here."""
        here = _shortened(seen)
        return cls(here, {short(k): at for k, at in reported.items() if short(k) not in here})

    def new(self, seen: Iterable[str]) -> list[str]:
        """Those that are to be read on, or to be begun."""
        return [each for each in seen if short(each) not in self.here]

    def gone(self, seen: Iterable[str]) -> frozenset[str]:
        return self.here - _shortened(seen)

    def lost(self, seen: Iterable[str], placed: Iterable[str]) -> frozenset[str]:
        """Those that Airbyte shows and that definitions have no tables of any more: `placed` are
        those that they have."""
        return self.here & self.with_tables & _shortened(seen) - _shortened(placed)

    def holding(
        self, seen: Iterable[str], placed: Iterable[str], now: datetime
    ) -> "WorkspacesRead":
        """With those held that are back without their tables, but for what is too long ago: what
        a user has left out must not wait for ever."""
        back = self.away.keys() & self.with_tables & _shortened(seen) - _shortened(placed)
        held = frozenset(each for each in back if self.away[each] > now - LONGEST_AWAY)
        return replace(self, held=held)

    def begin_of(self, workspace_id: str, now: datetime, otherwise: datetime) -> datetime:
        """From when on one that is new is read: where it was left, if that is not too long ago."""
        left = self.away.get(short(workspace_id))
        return otherwise if left is None else max(left, now - LONGEST_AWAY)

    def with_new(self, workspace_ids: Iterable[str]) -> "WorkspacesRead":
        """Once they are read like the others."""
        added = _shortened(workspace_ids)
        away = {each: at for each, at in self.away.items() if each not in added}
        return replace(self, here=self.here | added, away=away)

    def without(self, left: Mapping[str, datetime], now: datetime) -> "WorkspacesRead":
        """Once some are read no more: each is left at a time."""
        gone = {short(each): at for each, at in left.items()}
        kept = {key: at for key, at in self.away.items() if at > now - _FORGOTTEN}
        newest = sorted({**kept, **gone}.items(), key=lambda item: item[1])[-_MOST_AWAY:]
        return replace(self, here=self.here - gone.keys(), away=dict(newest))

    def placed(self, workspace_ids: Collection[str]) -> "WorkspacesRead":
        """Where definitions have tables of these, and of those that are away had them."""
        placed, away = _shortened(workspace_ids), self.away.keys()
        with_tables = placed & self.here | (placed | self.with_tables) & away
        return replace(self, with_tables=with_tables, held=self.held & away)

    def set_back(self, by: timedelta) -> "WorkspacesRead":
        """By a clock that was set back: what ends now does so at times before those places."""
        return replace(self, away={each: at - by for each, at in self.away.items()})

    def as_row(self) -> list[object]:
        away = {self._marked(each): int(at.timestamp()) for each, at in sorted(self.away.items())}
        here = " ".join(self._marked(each) for each in sorted(self.here))
        return [here, away, " ".join(sorted(self.held))]

    def _marked(self, name: str) -> str:
        return f"{name}{_WITH_TABLES}" if name in self.with_tables else name


def workspaces_read_of(row: object) -> WorkspacesRead | None:
    """What a row of a cursor says; None if it says nothing."""
    if not isinstance(row, list) or not row:
        return None
    names, left, held, *_ = [*row, None, None]
    here = _names(names)
    places = ((each, as_datetime(value)) for each, value in object_at(left).items())
    away = {each: at for each, at in places if at is not None}
    # Rows of two did not say it: what was away was held, whatever tables it had.
    marked = {each for each in [*here, *away] if each.endswith(_WITH_TABLES)}
    known = marked if len(row) > 2 else away.keys()
    return WorkspacesRead(
        frozenset(map(_bare, here)),
        {_bare(each): at for each, at in away.items()},
        frozenset(map(_bare, known)),
        _names(held),
    )


def _shortened(workspace_ids: Iterable[str]) -> frozenset[str]:
    return frozenset(map(short, workspace_ids))


def _bare(marked: str) -> str:
    return marked.removesuffix(_WITH_TABLES)


def _names(text: object) -> frozenset[str]:
    return frozenset((as_text(text) or "").split())
