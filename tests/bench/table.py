"""The table that `make bench` prints: each row a ratio of two times (or sizes) of the same run."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One thing measured: what of ours, beside what, and what was wanted."""

    what: str
    ours: str
    beside: str
    ratio: str
    wanted: str
    is_reached: bool = True

    def cells(self) -> tuple[str, ...]:
        mark = "" if self.is_reached else " (missed)"
        return self.what, self.ours, self.beside, self.ratio, self.wanted + mark


HEAD = ("what", "this package", "beside it", "ratio", "wanted")


def markdown(rows: Iterable[Row]) -> str:
    """As the documentation shows it: a table whose columns also line up in a terminal."""
    cells = [HEAD, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "| "
        + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True))
        + " |"
        for line in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])
