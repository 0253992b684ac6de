"""Reads Airbyte's lists completely, although their pages move, overlap and skip rows."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from dagster_airbyte_sync.resources.errors import OutOfTime
from dagster_airbyte_sync.resources.http.budget import NO_LIMIT, TimeBudget
from dagster_airbyte_sync.resources.http.transport import Call, Http
from dagster_airbyte_sync.resources.json_values import object_at

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


def read_page(answer: object, field: str, read: Callable[[object], Row | None]) -> Page[Row] | None:
    """The page under `field` of an answer, or None if no list is there.

    A row that cannot be read is only counted.
    """
    received = object_at(answer).get(field)
    if not isinstance(received, list):
        return None
    rows = map(read, received)
    return Page(tuple(row for row in rows if row is not None), len(received))


def is_likely_page_size(rows: int) -> bool:
    """Whether this may be a server's own page size: tens, or a power of two from 16 on."""
    return rows > 0 and (rows % 10 == 0 or (rows >= 16 and rows & (rows - 1) == 0))


@dataclass
class PageSize:
    """What is known of a server's own page size, which may be smaller than the requested one.

    `proven` is the largest short page after which nothing came: the server's size is no smaller.
    """

    proven: int = 0

    def may_be(self, rows: int) -> bool:
        return rows > self.proven and is_likely_page_size(rows)


# How often a list without an order is read at most. In the worst case, where each page is cut from
# another order, 280 rows take about eight passes and 10,000 rows about ten more.
_MOST_PASSES = 30
# Where unreadable rows spoil the count, this many passes in a row must bring nothing new.
_QUIET_PASSES = 4
# A pass in which rows repeat more often than this has no end: the server ignores offsets.
_MOST_REPEATS = 4


@dataclass(frozen=True)
class Listing(Generic[Item]):
    """The rows of a list, by id; `listed` is how many readable rows one pass received.

    `is_complete` is False if fewer rows are known than were listed, so that some may be missing.
    """

    rows: dict[str, Item]
    listed: int
    is_complete: bool


@dataclass(frozen=True)
class _Pass(Generic[Item]):
    """A list read once: its rows by id, and how many were received and readable."""

    rows: dict[str, Item]
    received: int
    readable: int
    pages: int
    is_whole: bool


def rows_of_unordered(limit: int, fetch: Callable[[int], Page[Item]]) -> Listing[Item]:
    """All rows of a list that Airbyte pages without an order (public connections, destinations).

    One page is complete by itself. One pass over a longer list receives as many rows as there are,
    but some twice and others not at all: passes are added up until as many rows are known as one
    pass received readable ones. OutOfTime ends that, too, except in the first pass.
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
        # If the number of rows changed, the list did: a deleted row must not stand for a new one.
        before = rows if read.received == received else {}
        rows, ever = {**before, **read.rows}, {**ever, **read.rows}
        received, listed = read.received, read.readable
        # A pass may have an unreadable row twice, and so seem to have fewer readable ones.
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
    """All rows of a list without an order; `call` makes the request for the page at an offset.

    Warns if some may be missing. Raises AirbyteRequestError or OutOfTime.
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
        # The server's own page size may be below `limit`, but not below a page that it sent.
        if page.received < largest or (largest < limit and not is_likely_page_size(largest)):
            return _Pass(rows, received, readable, pages, is_whole=True)
    return _Pass(rows, received, readable, pages, is_whole=False)
