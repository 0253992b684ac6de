"""Tables and values as every command shows them: on a terminal, in a pipe, as JSON."""

import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Literal

import click
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

# The narrowest terminal that has room for columns that are only nice to have.
WIDE = 120
NOTHING = "-"


@dataclass(frozen=True)
class Column:
    """A column of a table; `only_wide` leaves it out on a terminal below `WIDE` columns."""

    title: str
    justify: Literal["left", "right"] = "left"
    no_wrap: bool = False
    only_wide: bool = False


@dataclass(frozen=True)
class Cell:
    """A text with a style of rich's, such as "red"; `below` is a line of its own, under it."""

    text: str
    style: str = ""
    below: str = ""


def number(value: int | float | None) -> str:
    """A number with separators: 1,234,567."""
    return NOTHING if value is None else f"{value:,}"


def counted(value: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 job", "1,200 jobs"."""
    return f"{number(value)} {one if value == 1 else many or f'{one}s'}"


def listed(words: Iterable[str]) -> str:
    """Words as in a sentence: "a", "a and b", "a, b and c"."""
    *before, last = words
    return f"{', '.join(before)} and {last}" if before else last


def duration(value: timedelta | float | None) -> str:
    """A time span in its two largest units: "350 ms", "4.2 s", "12 min 5 s", "3 h 20 min"."""
    if value is None:
        return NOTHING
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    return _in_two_units(round(seconds))


def _in_two_units(seconds: int) -> str:
    for size, name, smaller, its_name in _UNITS:
        if seconds >= size:
            rest = seconds % size // smaller
            return f"{seconds // size} {name}" + (f" {rest} {its_name}" if rest else "")
    return f"{seconds} s"


_UNITS = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s"))


def roughly(value: timedelta) -> str:
    """A time span in its largest unit: "4 s", "12 min", "3 h", "2 d"; never negative."""
    seconds = max(round(value.total_seconds()), 0)
    return " ".join(_in_two_units(seconds).split()[:2])


def moment(value: datetime | None) -> str:
    """A time in UTC, to the minute."""
    if value is None:
        return NOTHING
    return value.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def plain(text: str) -> str:
    """The text without control characters: a name in Airbyte must not steer the terminal."""
    return "".join(" " if _steers(letter) else letter for letter in text)


def _steers(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp")


def table(columns: Sequence[Column], rows: Iterable[Sequence[str | Cell]], *, width: int) -> Table:
    """A table that fits the width: long cells are folded, and nothing is cut."""
    shown = [not each.only_wide or width >= WIDE for each in columns]
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for each, is_shown in zip(columns, shown, strict=True):
        if is_shown:
            made.add_column(each.title, justify=each.justify, no_wrap=each.no_wrap, overflow="fold")
    for row in rows:
        cells = (cell for cell, is_shown in zip(row, shown, strict=True) if is_shown)
        made.add_row(*(_text(cell) for cell in cells))
    return made


def _text(cell: str | Cell) -> Text:
    # A Text is not read as rich's markup: "[red]" may be a connection's name.
    if isinstance(cell, str):
        return Text(plain(cell), "")
    made = Text(plain(cell.text), cell.style)
    return made.append(f"\n{plain(cell.below)}", "dim") if cell.below else made


def console() -> Console:
    """Where commands print: as wide as the terminal, or as COLUMNS says, else 80 columns."""
    return Console(highlight=False, markup=False, emoji=False)


def show(*parts: RenderableType, err: bool = False) -> None:
    """Print tables and lines; a line is broken between words. With `err`, on stderr."""
    screen = console()
    with screen.capture() as printed:
        for part in parts:
            screen.print(plain(part) if isinstance(part, str) else part)
    # Tables are filled up with spaces.
    for line in printed.get().splitlines():
        click.echo(line.rstrip(), err=err)


def show_if_read(*parts: RenderableType) -> None:
    """The same; if nobody reads it any more, what the command does goes on."""
    try:
        show(*parts)
    except BrokenPipeError:
        print_no_more()


def print_no_more() -> None:
    """Let all further output go nowhere, for when nobody reads it any more."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except OSError:
        # No file: a test's own stream.
        return


def show_json(content: Mapping[str, object]) -> None:
    """Print JSON."""
    click.echo(json.dumps(content, indent=2))


def iso(moment: datetime | None) -> str | None:
    """A time in JSON: ISO 8601, with its zone."""
    return None if moment is None else moment.isoformat()


def in_seconds(span: timedelta | None) -> float | None:
    """A time span in JSON."""
    return None if span is None else span.total_seconds()
