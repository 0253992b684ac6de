"""Reading Airbyte's lists completely, although its pages move, overlap and skip."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from dagster_airbyte_sync.resources.errors import OutOfTime
from dagster_airbyte_sync.resources.http.budget import NO_LIMIT, TimeBudget
from dagster_airbyte_sync.resources.http.transport import Call, Http
from dagster_airbyte_sync.resources.json_values import Json, object_at

_log = logging.getLogger(__name__)


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
    rows = (read(row) for row in received if isinstance(row, Mapping))
    return Page(tuple(row for row in rows if row is not None), len(received))


def is_likely_page_size(rows: int) -> bool:
    """Whether a server may have this page size of its own: tens, or a power of two from 16 on."""
    return rows > 0 and (rows % 10 == 0 or (rows >= 16 and rows & (rows - 1) == 0))


@dataclass
class PageSize:
    """What is known of a server's own page size, which it may have below what it is asked for.

    `proven` is the largest short page after which nothing came: the server's size is no smaller.
    """

    proven: int = 0

    def may_be(self, rows: int) -> bool:
        return rows > self.proven and is_likely_page_size(rows)


# How often a listing without an order is read at most. Where each page is cut from another order,
# as bad as it gets, 280 rows take about eight passes and 10,000 rows about ten more.
_MOST_PASSES = 30
# So many passes in a row must bring nothing new where rows cannot be read, and so not be counted.
_QUIET_PASSES = 4
# A pass in which rows repeat more often than this does not end: the server ignores row numbers.
_MOST_REPEATS = 4


@dataclass(frozen=True)
class Listing(Generic[Item]):
    """What was found of a list, by id; `listed` is how many rows Airbyte sent of it at once that
    can be read.

    `is_complete` is False if not as many were found as were listed, so that some may be missing.
    """

    rows: dict[str, Item]
    listed: int
    is_complete: bool


@dataclass(frozen=True)
class _Pass(Generic[Item]):
    """A list read once from its first page on: the rows by id, how many were received, and how
    many of these could be read."""

    rows: dict[str, Item]
    received: int
    readable: int
    pages: int
    is_whole: bool


def rows_of_unordered(limit: int, fetch: Callable[[int], Page[Item]]) -> Listing[Item]:
    """All rows of a list that Airbyte pages without an order (public connections, destinations).

    One page is complete by itself. Of longer lists one pass receives as many rows as there are, but
    some twice and others not at all: it is read again, and added up, until as many rows are known
    as one pass received that can be read. OutOfTime ends that, too, except in the first pass.
    """
    rows: dict[str, Item] = {}
    ever: dict[str, Item] = {}
    received = quiet = 0
    has_unreadable = False
    for number in range(_MOST_PASSES):
        try:
            read = _read_once(limit, fetch)
        except OutOfTime:
            if number == 0:
                raise
            break
        # Another number of rows is another list: what was deleted must not stand for what is new.
        before = rows if read.received == received else {}
        rows, ever = {**before, **read.rows}, {**ever, **read.rows}
        received, listed = read.received, read.readable
        # A pass may have an unreadable row twice, so that it seems to have fewer of the others.
        has_unreadable = has_unreadable or listed < received
        quiet = quiet + 1 if len(rows) == len(before) else 0
        is_sure = not has_unreadable or quiet >= _QUIET_PASSES
        if read.is_whole and (read.pages == 1 or (len(rows) >= listed and is_sure)):
            return Listing(rows, listed, is_complete=True)
        if not read.is_whole:
            break
    return Listing(ever, listed, is_complete=False)


def read_unordered(
    http: Http,
    what: str,
    limit: int,
    call: Callable[[int], Call],
    reader: Callable[[object], Page[Item] | None],
    budget: TimeBudget = NO_LIMIT,
) -> Listing[Item]:
    """All rows of a list without an order, whose page from a row number on is asked for by `call`.

    The log says so if some may be missing. Raises AirbyteRequestError or OutOfTime.
    """
    listing = rows_of_unordered(limit, lambda offset: http.read(call(offset), what, reader, budget))
    warn_if_incomplete(listing, what)
    return listing


def warn_if_incomplete(listing: Listing[Item], what: str) -> None:
    if not listing.is_complete:
        _log.warning(
            "Airbyte's list of %s may not be complete: it has no order, and of %d rows %d %s were"
            " found",
            what,
            listing.listed,
            len(listing.rows),
            what,
        )


def _read_once(limit: int, fetch: Callable[[int], Page[Item]]) -> _Pass[Item]:
    rows: dict[str, Item] = {}
    received = readable = pages = largest = 0
    while received <= _MOST_REPEATS * max(len(rows), largest, 5):
        page = fetch(received)
        rows.update((row.id, row) for row in page.rows)
        received, pages = received + page.received, pages + 1
        readable, largest = readable + len(page.rows), max(largest, page.received)
        # The server's own page size may be smaller than `limit`, but not than a page that it sent.
        if page.received < largest or (largest < limit and not is_likely_page_size(largest)):
            return _Pass(rows, received, readable, pages, is_whole=True)
    return _Pass(rows, received, readable, pages, is_whole=False)


def about_how_many(has_row: Callable[[int], bool], least: int) -> int:
    """How many rows a listing has, of which nobody says the number, to one part in twenty.

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
