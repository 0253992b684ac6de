"""Which connections a command is about, by what the user wrote."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from dagster_airbyte_sync.cli.mistakes import Mistake
from dagster_airbyte_sync.resources import Connection

_MOST_NAMED = 10


class Chosen:
    """A selector of connections by name, pattern of names, or id; it notes what fits nothing."""

    def __init__(self, wanted: Sequence[str], left_out: Sequence[str] = ()) -> None:
        self._wanted, self._left_out = wanted, left_out
        self._unused = {*wanted, *left_out}
        self._seen: set[str] = set()

    def __call__(self, connection: Connection) -> bool:
        self._seen.add(connection.name)
        is_wanted = self._fits(connection, self._wanted) or not self._wanted
        return is_wanted and not self._fits(connection, self._left_out)

    def refuse_unused(self, who: str = "Airbyte has") -> None:
        """Raise Mistake if something fitted no connection; to be called when all were seen.

        `who` begins the sentence: those that were seen are not always Airbyte's.
        """
        if self._unused:
            names = ", ".join(repr(each) for each in sorted(self._unused))
            seen = sorted(self._seen)
            more = f" and {len(seen) - _MOST_NAMED} more" if len(seen) > _MOST_NAMED else ""
            there = ", ".join(map(repr, seen[:_MOST_NAMED])) + more
            raise Mistake(
                f"{who} no connection named {names}. The connections are: {there or 'none'}."
            )

    def _fits(self, connection: Connection, patterns: Sequence[str]) -> bool:
        fitting = [each for each in patterns if _is(connection, each)]
        self._unused.difference_update(fitting)
        return bool(fitting)


def _is(connection: Connection, pattern: str) -> bool:
    is_named = connection.name == pattern or fnmatchcase(connection.name, pattern)
    return is_named or connection.id == pattern
