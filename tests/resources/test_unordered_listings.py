"""Lists that Airbyte pages without an order are found whole: that is counted, not guessed."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from dagster_airbyte_sync.resources import AirbyteClient, OutOfTime
from dagster_airbyte_sync.resources.api.paging import (
    Listing,
    Page,
    rows_of_unordered,
    warn_if_incomplete,
)
from dagster_airbyte_sync.testing import AirbyteSimulator

Connect = Callable[..., AirbyteClient]


@dataclass(frozen=True)
class Row:
    id: str


class Rotating:
    """A list of which each page is cut from another order; `seed` says from which ones."""

    def __init__(self, count: int, seed: int, limit: int = 100) -> None:
        self.ids = {f"{number}" for number in range(count)}
        self.limit = limit
        self.pages = 0
        self.broken: set[str] = set()
        # However many rows are asked for, it sends no more.
        self.own_limit = 10_000
        self._random = random.Random(seed)

    def page(self, offset: int) -> Page[Row]:
        self.pages += 1
        order = [Row(each) for each in sorted(self.ids)]
        self._random.shuffle(order)
        rows = order[offset : offset + min(self.limit, self.own_limit)]
        return Page(tuple(row for row in rows if row.id not in self.broken), len(rows))

    def read(self) -> Listing[Row]:
        return rows_of_unordered(self.limit, self.page)


@pytest.mark.parametrize("count", [101, 137, 200, 280, 1000])
@pytest.mark.parametrize("seed", range(40))
def test_a_list_under_pages_that_rotate_is_found_whole(count: int, seed: int) -> None:
    listing = Rotating(count, seed).read()
    assert (len(listing.rows), listing.listed, listing.is_complete) == (count, count, True)


@pytest.mark.parametrize("count", [137, 280])
@pytest.mark.parametrize("seed", range(6))
def test_all_connections_of_a_closed_airbyte_are_found_under_pages_that_rotate(
    connect: Connect, count: int, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    with AirbyteSimulator(configuration_api=False, seed=seed) as airbyte:
        ids = {airbyte.add_connection(f"c{n}").connection_id for n in range(count)}
        assert connect(airbyte).catalog().connections.keys() == ids
    assert "may not be complete" not in caplog.text


def test_what_is_complete_at_once_is_read_once() -> None:
    class Ordered(Rotating):
        def page(self, offset: int) -> Page[Row]:
            self.pages += 1
            rows = [Row(each) for each in sorted(self.ids)][offset : offset + 100]
            return Page(tuple(rows), len(rows))

    ordered = Ordered(250, 0)
    assert ordered.read().is_complete
    assert ordered.pages == 3


@pytest.mark.parametrize("seed", range(20))
def test_rows_that_are_deleted_meanwhile_do_not_stand_for_those_that_are_missing(seed: int) -> None:
    class Shrinking(Rotating):
        def page(self, offset: int) -> Page[Row]:
            if self.pages in (3, 6):
                self.ids -= set(sorted(self.ids)[:20])
            return super().page(offset)

    shrinking = Shrinking(280, seed)
    listing = shrinking.read()
    assert listing.is_complete
    assert listing.rows.keys() >= shrinking.ids


@pytest.mark.parametrize("seed", range(20))
def test_rows_that_are_added_meanwhile_are_found(seed: int) -> None:
    class Growing(Rotating):
        def page(self, offset: int) -> Page[Row]:
            if self.pages == 3:
                self.ids |= {f"new {number}" for number in range(20)}
            return super().page(offset)

    growing = Growing(280, seed)
    assert growing.read().rows.keys() == growing.ids


@pytest.mark.parametrize("seed", range(20))
def test_rows_that_cannot_be_read_are_not_waited_for(seed: int) -> None:
    rotating = Rotating(137, seed)
    rotating.broken = {"7"}
    listing = rotating.read()
    assert listing.is_complete
    assert listing.rows.keys() == rotating.ids - {"7"}
    assert rotating.pages < 30


@pytest.mark.parametrize("own_limit", [10, 16, 50, 64])
@pytest.mark.parametrize("count", [10, 50, 64, 136])
def test_the_page_size_of_a_server_does_not_end_a_list(own_limit: int, count: int) -> None:
    rotating = Rotating(count, 1)
    rotating.own_limit = own_limit
    listing = rotating.read()
    assert (len(listing.rows), listing.is_complete) == (count, True)


def test_a_server_that_ignores_row_numbers_is_not_read_for_ever() -> None:
    class Deaf(Rotating):
        def page(self, offset: int) -> Page[Row]:
            self.pages += 1
            rows = [Row(each) for each in sorted(self.ids)][:100]
            return Page(tuple(rows), len(rows))

    deaf = Deaf(150, 0)
    listing = deaf.read()
    assert (len(listing.rows), listing.is_complete) == (100, False)
    assert deaf.pages < 10


def test_time_that_is_used_up_ends_it_with_what_was_found() -> None:
    class Hasty(Rotating):
        def page(self, offset: int) -> Page[Row]:
            if self.pages == 4:
                raise OutOfTime
            return super().page(offset)

    listing = Hasty(280, 0).read()
    assert not listing.is_complete
    assert 0 < len(listing.rows) < 280


def test_time_that_is_used_up_before_one_pass_is_an_error() -> None:
    class TooHasty(Rotating):
        def page(self, offset: int) -> Page[Row]:
            if self.pages == 2:
                raise OutOfTime
            return super().page(offset)

    with pytest.raises(OutOfTime):
        TooHasty(280, 0).read()


def test_a_list_that_was_not_found_whole_is_said_with_both_numbers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    listing = Listing({"7": Row("7")}, 3, is_complete=False)
    warn_if_incomplete(listing, "connections")
    assert "of 3 rows 1 connections were found" in caplog.text
