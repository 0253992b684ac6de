"""How many rows the last syncs of a table moved: what the next one is compared with."""

from dataclasses import dataclass, replace
from itertools import takewhile

# So many counts are kept, and so many are enough to judge by.
_KEPT, _ENOUGH = 20, 5
# A stream that moves no rows more often than once in so many syncs is often empty.
_OFTEN = 5
_EMPTY = "0x"


@dataclass(frozen=True)
class RowHistory:
    """The counts of the last syncs, newest first, and how many `empty` ones came after all of them.

    Syncs without rows are counted apart while they go on: a stream that broke is judged by what it
    was before, however long ago that is.
    """

    counts: tuple[int, ...] = ()
    empty: int = 0

    def after(self, rows: int | None) -> "RowHistory":
        """With one more sync; None is one that Airbyte gives no count of."""
        if rows is None:
            return self
        if rows <= 0:
            return replace(self, empty=self.empty + 1)
        newest = (rows, *(0,) * min(self.empty, _KEPT))
        return RowHistory((*newest, *self.counts)[:_KEPT])

    def without(self, rows: int | None) -> "RowHistory":
        """As it was before the newest sync, which moved so many rows."""
        if rows is None:
            return self
        if rows <= 0:
            return replace(self, empty=max(self.empty - 1, 0))
        older = self.counts[1:]
        empty = len(list(takewhile(lambda count: count == 0, older)))
        return RowHistory(older[empty:], empty)

    @property
    def is_known(self) -> bool:
        """Whether there is enough to judge by."""
        return len(self.counts) >= _ENOUGH

    @property
    def is_often_empty(self) -> bool:
        """Whether it is nothing new that a sync moves no rows."""
        if not self.counts:
            return self.empty >= _ENOUGH
        return self.counts.count(0) * _OFTEN > len(self.counts)

    @property
    def usual(self) -> tuple[int, int]:
        """The fewest and the most rows of a sync that moved any; only where `is_known`.

        Without the lowest fifth and the highest: what is far from usual becomes so only in time.
        """
        moved = sorted(count for count in self.counts if count)
        cut = len(moved) // _OFTEN
        return moved[cut], moved[-1 - cut]

    def to_text(self) -> str:
        """Such as "1204 0 1180", or "0x3 1204 0 1180" after three syncs without rows."""
        empty = [f"{_EMPTY}{self.empty}"] if self.empty else []
        return " ".join([*empty, *map(str, self.counts)])

    @classmethod
    def from_text(cls, text: str | None) -> "RowHistory":
        """None known if the text is none of ours: anybody may materialize a table."""
        words = (text or "").split()
        empty = words.pop(0).removeprefix(_EMPTY) if words and words[0].startswith(_EMPTY) else "0"
        if not all(word.isascii() and word.isdecimal() for word in (empty, *words)):
            return cls()
        return cls(tuple(map(int, words[:_KEPT])), int(empty))
