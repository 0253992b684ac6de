"""Parses JSON that is mostly one long list, which is never in memory as a whole."""

import json
import re
from collections.abc import Callable, Iterator

_GAP = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


def parse_by_rows(text: str, field: str, read: Callable[[object], object]) -> object:
    """What `json.loads` makes of the text, with `read(row)` for each row of the list that the
    outermost object has under `field`.

    A row is read before the next one is parsed: as JSON, a catalog takes five times the memory of
    its records. Raises ValueError for what is no JSON.
    """
    source = _Source(text)
    if not source.takes("{"):
        return json.loads(text)
    found: dict[str, object] = {}
    for _ in source.parts_until("}"):
        name = source.name()
        source.needs(":")
        if name == field and source.takes("["):
            found[name] = [read(source.value()) for _ in source.parts_until("]")]
        else:
            found[name] = source.value()
    source.ends()
    return found


class _Source:
    """A text of JSON, and how far it was parsed."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0

    def takes(self, sign: str) -> bool:
        """Whether the sign comes next; then it is passed."""
        self._pass_gap()
        is_next = self._text.startswith(sign, self._place)
        self._place += len(sign) * is_next
        return is_next

    def needs(self, sign: str) -> None:
        if not self.takes(sign):
            raise json.JSONDecodeError(f"Expecting {sign!r}", self._text, self._place)

    def parts_until(self, end: str) -> Iterator[None]:
        """Once for each part of an object or a list: whoever iterates parses it."""
        if self.takes(end):
            return
        yield
        while not self.takes(end):
            self.needs(",")
            yield

    def name(self) -> str:
        name = self.value()
        if not isinstance(name, str):
            raise json.JSONDecodeError("Expecting a name", self._text, self._place)
        return name

    def value(self) -> object:
        self._pass_gap()
        value: object
        value, self._place = _DECODER.raw_decode(self._text, self._place)
        return value

    def ends(self) -> None:
        self._pass_gap()
        if self._place < len(self._text):
            raise json.JSONDecodeError("Extra data", self._text, self._place)

    def _pass_gap(self) -> None:
        gap = _GAP.match(self._text, self._place)
        self._place = gap.end() if gap else self._place
