"""What is to change in one file of a project. Pure."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["rename", "by hand"]


@dataclass(frozen=True, order=True)
class Change:
    """One thing to change; a "rename" is in the file's new text, the rest is left to do.

    `what` is what stands in this line, `why` says what is the matter, and `instead` what to write.
    """

    line: int
    what: str
    why: str
    instead: str
    kind: Kind = "by hand"


@dataclass(frozen=True)
class FileChanges:
    """A file of the project as it is, and as it would be; `problem` is why it cannot be read."""

    path: str
    before: bytes
    after: bytes
    changes: tuple[Change, ...] = ()
    problem: str | None = None

    @classmethod
    def unreadable(cls, path: str, problem: str) -> "FileChanges":
        return cls(path, b"", b"", problem=problem)

    @classmethod
    def of(cls, path: str, before: bytes, after: bytes, changes: Iterable[Change]) -> "FileChanges":
        return cls(path, before, after, tuple(sorted(set(changes))))

    @property
    def is_changed(self) -> bool:
        return self.before != self.after

    @property
    def by_hand(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.kind == "by hand")

    @property
    def is_left(self) -> bool:
        """Whether somebody must do something, whatever the command writes."""
        return self.problem is not None or bool(self.by_hand)

    def diff(self) -> Iterator[str]:
        """The lines of a unified diff, without their ends."""
        old, new = (
            content.decode("utf-8", "replace").splitlines() for content in (self.before, self.after)
        )
        return difflib.unified_diff(old, new, self.path, self.path, lineterm="")
