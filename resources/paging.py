"""Reading Airbyte's lists completely, although its pages move, overlap and skip."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from dagster_airbyte_sync.resources.reading import Json, object_at


class HasId(Protocol):
    @property
    def id(self) -> str: ...


Row = TypeVar("Row")
Item = TypeVar("Item", bound=HasId)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """The readable rows of one answer; `received` counts the unreadable ones too."""

    rows: tuple[Row, ...]
    received: int

    @property
    def unreadable(self) -> int:
        return self.received - len(self.rows)


def read_page(answer: object, field: str, read: Callable[[Json], Row | None]) -> Page[Row] | None:
    """The page under `field` of an answer, or None if no list is there.

    A row that cannot be read is only counted.
    """
    received = object_at(answer).get(field)
    if not isinstance(received, list):
        return None
    found = (read(row) if isinstance(row, Mapping) else None for row in received)
    return Page(tuple(row for row in found if row is not None), len(received))


# An unordered listing is believed when two readings in a row agree; mitodl/ol-data-platform
# measured one wrong reading in six.
_MOST_READINGS = 6


def rows_by_offset(limit: int, fetch: Callable[[int], Page[Item]]) -> dict[str, Item]:
    """All rows of an offset-paged list, by id."""
    rows: dict[str, Item] = {}
    for offset in range(0, 1_000_000, limit):
        page = fetch(offset)
        rows.update((row.id, row) for row in page.rows)
        if page.received < limit:
            break
    return rows


def rows_of_unordered(limit: int, fetch: Callable[[int], Page[Item]]) -> dict[str, Item]:
    """All rows of a list that Airbyte pages without an order (public connections, destinations).

    One page is complete by itself. Longer lists are read, and added up, until a reading brings no
    new row.
    """
    rows = rows_by_offset(limit, fetch)
    if len(rows) < limit:
        return rows
    for _ in range(_MOST_READINGS - 1):
        again = rows_by_offset(limit, fetch)
        if again.keys() <= rows.keys():
            break
        rows |= again
    return rows


def about_how_many(has_row: Callable[[int], bool], least: int) -> int:
    """How many rows a listing has, of which nobody tells the number, to one part in twenty.

    `has_row(place)` looks whether there is a row at a place, counted from 0; `least` are known.
    """
    low, high = least, max(2 * least, 1)
    while has_row(high):
        low, high = high + 1, 2 * high
    while high - low > low // 20:
        middle = (low + high) // 2
        if has_row(middle):
            low = middle + 1
        else:
            high = middle
    return (low + high) // 2
