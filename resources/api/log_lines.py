"""Makes the end of a log fit to be shown: a few lines, without secrets, colours and noise. Pure."""

import re
from collections.abc import Iterable, Sequence

from dagster_airbyte_sync.resources.api.credentials_in_text import without_credentials
from dagster_airbyte_sync.resources.http.redaction import Redactor

MOST_LINES = 20
LONGEST_LINE = 400
# Of all lines together, in UTF-8.
MOST_BYTES = 6_000

# Letters of a line that are looked at.
_SEEN = 2_000
# Colours, and the other sequences with which programs steer a terminal.
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CUT = " ..."


def shown_lines(raw: Iterable[str], secrets: Redactor) -> tuple[str, ...]:
    """The last lines that have something to show, oldest first; none if there are none.

    Secrets are looked for before anything is cut off, and over lines, as a key may have several.
    """
    lines = [_seen(_plain(line), secrets) for line in raw]
    text = without_credentials(secrets.hidden("\n".join(lines)))
    shown = [_cut(line.rstrip()) for line in text.splitlines() if line.strip()]
    return _that_fit(_without_repeats(shown)[-MOST_LINES:])


def _plain(line: str) -> str:
    """Without what a page or a terminal would take for anything but a letter."""
    kept = (" " if letter == "\t" else letter for letter in _ANSI.sub("", line))
    return "".join(letter for letter in kept if letter.isprintable())


def _seen(line: str, secrets: Redactor) -> str:
    """The line; of a long one the beginning, without the word that may be half a secret."""
    if len(line) <= _SEEN:
        return line
    return secrets.quoted(line, _SEEN).rpartition(" ")[0]


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - len(_CUT)] + _CUT


def _without_repeats(lines: Sequence[str]) -> list[str]:
    """Of equal lines that follow each other one: a hidden key is one `***`."""
    return [line for place, line in enumerate(lines) if place == 0 or line != lines[place - 1]]


def _that_fit(lines: Sequence[str]) -> tuple[str, ...]:
    size, first = 0, len(lines)
    while first and size + _size(lines[first - 1]) <= MOST_BYTES:
        first -= 1
        size += _size(lines[first])
    return tuple(lines[first:])


def _size(line: str) -> int:
    return len(line.encode()) + 1
