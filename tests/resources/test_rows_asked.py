"""How many rows of its history Airbyte is asked for, without HTTP."""

from collections.abc import Callable
from datetime import datetime, timezone

import pytest

from dagster_airbyte_sync.resources import Job
from dagster_airbyte_sync.resources.api.job_pages import JobQuery, RowsAsked
from dagster_airbyte_sync.resources.api.paging import Page
from dagster_airbyte_sync.resources.errors import (
    AirbyteError,
    AirbyteRateLimited,
    AirbyteSentPage,
    AirbyteUnavailable,
    AirbyteUnreadable,
    NoAnswer,
    OutOfTime,
)

WHERE = ("GET", "http://airbyte.test/jobs")


def asked(rows: RowsAsked, *, offset: int = 0) -> JobQuery:
    return JobQuery(datetime(2026, 8, 1, tzinfo=timezone.utc), offset, rows.limit)


def raising(error: AirbyteError) -> Callable[[JobQuery], Page[Job]]:
    def fetch(query: JobQuery) -> Page[Job]:
        raise error

    return fetch


def full(query: JobQuery) -> Page[Job]:
    return Page((), query.limit)


def refused_connection() -> NoAnswer:
    error = NoAnswer(*WHERE, "no connection")
    error.did_nothing = True
    return error


def out_of_time() -> OutOfTime:
    error = OutOfTime("The time for this is used up")
    error.__cause__ = NoAnswer(*WHERE, "no answer within 15 s")
    return error


@pytest.mark.parametrize(
    "error",
    [
        NoAnswer(*WHERE, "no answer within 15 s"),
        out_of_time(),
        AirbyteUnavailable(*WHERE, "boom", status=500),
        AirbyteUnavailable(*WHERE, "upstream request timeout", status=504),
        AirbyteUnreadable(*WHERE, "an answer of more than 256 MB"),
    ],
    ids=["late", "out of time", "500", "504", "too long"],
)
def test_half_as_many_after_each_page_that_was_too_much(error: AirbyteError) -> None:
    rows = RowsAsked(200)
    limits = []
    for _ in range(9):
        with pytest.raises(type(error)):
            rows.page(raising(error), asked(rows))
        limits.append(rows.limit)
    assert limits == [100, 50, 25, 12, 6, 3, 1, 1, 1]


@pytest.mark.parametrize(
    "error",
    [
        AirbyteUnavailable(*WHERE, "no Airbyte", status=502),
        AirbyteUnavailable(*WHERE, "no Airbyte", status=503),
        AirbyteRateLimited(*WHERE, "slow down", status=429),
        AirbyteSentPage(*WHERE, "an HTML page"),
        refused_connection(),
        OutOfTime("The time for this is used up"),
    ],
    ids=["502", "503", "429", "page", "refused connection", "no time to ask"],
)
def test_as_many_as_before_if_fewer_would_not_help(error: AirbyteError) -> None:
    rows = RowsAsked(200)
    with pytest.raises(type(error)):
        rows.page(raising(error), asked(rows))
    assert rows.limit == 200


class Tick:
    """Pages that take so long each, in ticks with so many seconds for all of them."""

    def __init__(self, *, page: float, tick: float) -> None:
        self.now = 0.0
        self._page, self._tick = page, tick
        self._end = tick

    def fetch(self, query: JobQuery) -> Page[Job]:
        left = self._end - self.now
        self.now += min(self._page, left)
        if self._page > left:
            self._end += self._tick
            raise out_of_time()
        return full(query)


def test_pages_that_are_cut_short_by_those_before_them_are_not_too_much() -> None:
    """A history that is longer than what a tick can read was read in single rows, and never to its
    end."""
    history = Tick(page=3, tick=20)
    rows = RowsAsked(200, clock=lambda: history.now)
    cut = 0
    for _ in range(100):
        try:
            rows.page(history.fetch, asked(rows))
        except OutOfTime:
            cut += 1
    assert (cut, rows.limit) == (14, 200)


def test_a_page_that_takes_much_longer_than_those_before_it_is_too_much() -> None:
    history = Tick(page=1, tick=20)
    rows = RowsAsked(200, clock=lambda: history.now)
    rows.page(history.fetch, asked(rows))
    history = Tick(page=30, tick=20)
    with pytest.raises(OutOfTime):
        rows.page(history.fetch, asked(rows))
    assert rows.limit == 100


def test_so_is_one_that_is_cut_short_without_any_before_it() -> None:
    history = Tick(page=15, tick=20)
    rows = RowsAsked(200, clock=lambda: history.now)
    rows.page(history.fetch, asked(rows))
    history = Tick(page=30, tick=20)
    for _ in range(2):
        with pytest.raises(OutOfTime):
            rows.page(history.fetch, asked(rows))
    assert rows.limit == 100


def test_twice_as_many_after_ten_full_pages_up_to_the_usual_number() -> None:
    rows = RowsAsked(200)
    for _ in range(2):
        with pytest.raises(AirbyteUnavailable):
            rows.page(raising(AirbyteUnavailable(*WHERE, "boom", status=500)), asked(rows))
    limits = []
    for _ in range(30):
        rows.page(full, asked(rows))
        # A page that ends the history says nothing about a longer one.
        rows.page(lambda query: Page((), query.limit - 1), asked(rows))
        limits.append(rows.limit)
    assert limits == [50] * 9 + [100] * 10 + [200] * 11


def failing_at(*broken: int, length: int = 8) -> Callable[[JobQuery], Page[Job]]:
    """A history of so many rows, with broken ones."""

    def fetch(query: JobQuery) -> Page[Job]:
        numbers = range(query.offset, min(query.offset + query.limit, length))
        if any(each in numbers for each in broken):
            raise AirbyteUnavailable(*WHERE, "boom", status=500)
        return Page((), len(numbers))

    return fetch


@pytest.mark.parametrize("broken", [(0,), (0, 1, 2), (7,)], ids=str)
def test_of_one_row_that_airbyte_fails_at_and_at_none_behind_it_none_is_readable(
    broken: tuple[int, ...],
) -> None:
    rows = RowsAsked(1)
    page = rows.page(failing_at(*broken), asked(rows, offset=broken[0]))
    assert (page.rows, page.received) == ((), 1)


def test_an_airbyte_that_fails_at_every_row_lost_none() -> None:
    rows = RowsAsked(1)
    with pytest.raises(AirbyteUnavailable):
        rows.page(failing_at(*range(200), length=200), asked(rows))


def test_a_row_that_airbyte_answers_for_when_asked_again_is_not_lost() -> None:
    """Airbyte came back between the two requests."""
    answers = iter([False, True, True])

    def fetch(query: JobQuery) -> Page[Job]:
        if not next(answers):
            raise AirbyteUnavailable(*WHERE, "boom", status=500)
        return Page((), 0)

    rows = RowsAsked(1)
    assert rows.page(fetch, asked(rows)).received == 0


def test_nor_is_one_that_nobody_answers_for_then() -> None:
    answers = iter([500, None, 503])

    def fetch(query: JobQuery) -> Page[Job]:
        if status := next(answers):
            raise AirbyteUnavailable(*WHERE, "boom", status=status)
        return full(query)

    rows = RowsAsked(1)
    with pytest.raises(AirbyteUnavailable):
        rows.page(fetch, asked(rows))


def test_with_a_broken_row_it_takes_hundreds_of_full_pages_to_try_more() -> None:
    """The sensor reads the last minutes again at each tick, and would fail every other time."""
    rows = RowsAsked(2)
    with pytest.raises(AirbyteUnavailable):
        rows.page(failing_at(0), asked(rows))
    rows.page(failing_at(0), asked(rows))
    for _ in range(300):
        rows.page(full, asked(rows))
        assert rows.limit == 1
    for _ in range(10):
        rows.page(full, asked(rows))
    assert rows.limit == 2
