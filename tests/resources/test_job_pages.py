"""Pages of a hostile listing, without HTTP: each finished job once, in order, or an error."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from dagster_airbyte_sync.resources import Job, JobStatus, JobType
from dagster_airbyte_sync.resources.api.job_pages import JobListing, JobQuery, jobs_by_end, order
from dagster_airbyte_sync.resources.api.paging import Page, PageSize
from dagster_airbyte_sync.resources.errors import AirbyteUnreadable
from dagster_airbyte_sync.resources.http.transport import Call
from dagster_airbyte_sync.resources.records.jobs import FINAL_STATUSES

START = datetime(2026, 8, 1, 11, 55, tzinfo=timezone.utc)
NOON = START + timedelta(minutes=5)
CALL = Call("GET", "http://airbyte.test/jobs")


def job(number: int, end: float, *, created: float = -60, status: str = "failed") -> Job:
    """A job whose times are so many seconds after noon; the server knows them exactly."""
    return Job(
        id=number,
        connection_id="c",
        type=JobType.SYNC,
        status=JobStatus(status),
        created_at=NOON + timedelta(seconds=created),
        updated_at=NOON + timedelta(seconds=end),
    )


@dataclass
class Server:
    """Sorts by one column, shuffles ties anew for each request, and prints whole seconds.

    With each request one of the jobs that run ends, so that its row moves to the end.
    """

    jobs: list[Job]
    limit: int
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    asked: list[JobQuery] = field(default_factory=list)
    # However many rows are asked for, it sends no more.
    own_limit: int = 10_000
    page_size: PageSize = field(default_factory=PageSize)
    # Rows of jobs that a later Airbyte may write in a way that nobody can read here.
    unreadable: frozenset[int] = frozenset()

    def history(self, *, public: bool = False) -> list[Job]:
        """What a client reads: the Configuration API lists finished jobs only."""
        still = [self.listing([status]) for status in FINAL_STATUSES] if public else []
        main = self.listing(list(JobStatus) if public else FINAL_STATUSES)
        return list(jobs_by_end(START, main, still))

    def listing(self, statuses: Sequence[JobStatus]) -> JobListing:
        def fetch(asked: JobQuery) -> Page[Job]:
            self.asked.append(asked)
            assert len(self.asked) < 5_000, "the history is read for ever"
            rows = self._rows(asked, statuses)
            self._let_one_end()
            # The Configuration API rounds row numbers down to whole pages.
            first = asked.offset // asked.limit * asked.limit
            size = min(asked.limit, self.own_limit)
            page = rows[first : first + size]
            readable = [as_printed(row) for row in page if row.id not in self.unreadable]
            return Page(tuple(readable), len(page))

        return JobListing(fetch, self.limit, CALL, self.page_size)

    def _rows(self, asked: JobQuery, statuses: Sequence[JobStatus]) -> list[Job]:
        found = [
            each
            for each in self.jobs
            if each.status in statuses and asked.since <= changed(each) <= (asked.until or FOREVER)
        ]
        self.chance.shuffle(found)
        return sorted(found, key=created if asked.only_second else changed)

    def _let_one_end(self) -> None:
        running = [each for each in self.jobs if not each.is_finished]
        if running:
            place = self.jobs.index(running[0])
            end = NOON + timedelta(hours=1, seconds=len(self.asked))
            self.jobs[place] = replace(running[0], status=JobStatus.SUCCEEDED, updated_at=end)


FOREVER = datetime.max.replace(tzinfo=timezone.utc)


def changed(each: Job) -> datetime:
    assert each.updated_at is not None
    return each.updated_at


def created(each: Job) -> datetime:
    assert each.created_at is not None
    return each.created_at


def as_printed(each: Job) -> Job:
    end = changed(each).replace(microsecond=0) if each.is_finished else None
    return replace(each, updated_at=end, created_at=created(each).replace(microsecond=0))


def finished(jobs: Sequence[Job]) -> list[Job]:
    return sorted((as_printed(each) for each in jobs if each.is_finished), key=order)


def numbers(jobs: Sequence[Job]) -> list[int]:
    return [each.id for each in jobs]


# Few moments, so that most jobs end together with others; some in one microsecond.
jobs_of_a_history = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.25, 0.5, 1.0, 1.5, 60.0]),
        st.sampled_from([-60.0, -60.0, -59.5, -1.0]),
        st.sampled_from([*(status.value for status in FINAL_STATUSES), "running"]),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(
    jobs_of_a_history,
    st.sampled_from([1, 2, 3, 5, 20, 21, 100]),
    st.sampled_from([10_000, 10, 16]),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_every_finished_job_comes_once_and_in_order(
    rows: list[tuple[float, float, str]], limit: int, own: int, public: bool, seed: int
) -> None:
    jobs = [
        job(number, end, created=created, status=status)
        for number, (end, created, status) in enumerate(rows, 1)
    ]
    expected = finished(jobs)
    found = Server(list(jobs), limit, random.Random(seed), [], own).history(public=public)
    # What ends while we read may be seen, or be left to the next time.
    assert [each for each in found if each in expected] == expected
    assert len(found) == len({each.identity for each in found})
    assert found == sorted(found, key=order)


@pytest.mark.parametrize("public", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 5, 100])
def test_a_burst_in_one_second_does_not_end_the_history(limit: int, public: bool) -> None:
    burst = [job(number, 0) for number in range(1, limit + 1)]
    later = job(limit + 1, 60)
    assert Server([*burst, later], limit).history(public=public) == finished([*burst, later])


def test_jobs_that_end_while_a_burst_is_read_move_none_of_it_away() -> None:
    """The running ones were created first, and leave the second's first page when they end."""
    running = [job(number, 0.25, created=-90, status="running") for number in (1, 2, 3)]
    burst = [job(number, 0 if number < 7 else 0.5, created=number - 60) for number in range(4, 10)]
    found = Server([*running, *burst], 3).history(public=True)
    assert [each for each in found if each.id > 3] == finished(burst)


@pytest.mark.parametrize("public", [False, True])
def test_the_last_second_of_a_page_is_yielded_once_and_when_all_of_it_is_there(
    public: bool,
) -> None:
    jobs = [job(1, 0), job(2, 0), job(5, 1, created=-9), job(4, 1, created=-10), job(3, 2)]
    assert numbers(Server(jobs, 3).history(public=public)) == [1, 2, 4, 5, 3]


def test_the_smallest_history_that_did_not_go_on() -> None:
    jobs = [*(job(number, 0) for number in (1, 2, 3)), job(4, 60)]
    assert numbers(Server(jobs, 3).history()) == [1, 2, 3, 4]


@pytest.mark.parametrize("public", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_hundreds_that_tie_in_every_way_are_all_counted(seed: int, public: bool) -> None:
    jobs = [job(number, 0) for number in range(1, 351)]
    found = Server(jobs, 100, random.Random(seed)).history(public=public)
    assert numbers(found) == list(range(1, 351))


def test_a_second_is_read_but_once_where_creation_orders_it() -> None:
    jobs = [job(number, 0, created=number - 1000) for number in range(1, 351)]
    server = Server(jobs, 100)
    assert numbers(server.history()) == list(range(1, 351))
    # The page that is full of it, its four pages, and what comes after.
    assert len(server.asked) == 6


def test_a_number_that_was_given_again_is_another_job() -> None:
    before, after = job(7, 0, created=-60), job(7, 0.5, created=-1)
    assert Server([before, after], 100).history() == finished([before, after])


def test_jobs_of_one_second_come_as_they_were_created() -> None:
    jobs = [job(1, 0.9, created=-1), job(2, 0.1, created=-2), job(3, 0.1, created=-1)]
    assert numbers(Server(jobs, 100).history()) == [2, 1, 3]


@pytest.mark.parametrize(("rows", "requests"), [(0, 1), (99, 1), (100, 2), (198, 2), (1001, 11)])
def test_a_read_costs_a_request_a_page(rows: int, requests: int) -> None:
    server = Server([job(number, number) for number in range(rows)], 100)
    assert len(server.history()) == rows
    assert len(server.asked) == requests


# Servers that no reader can bring to their end


def endless(rows: Sequence[Job], *, heeds_time: bool) -> JobListing:
    """A server that ignores row numbers, and perhaps times as well."""

    def fetch(asked: JobQuery) -> Page[Job]:
        found = [each for each in rows if not heeds_time or changed(each) >= asked.since]
        page = tuple(found[: asked.limit])
        return Page(page, len(page))

    return JobListing(fetch, 3, CALL)


def test_a_server_that_ignores_row_numbers_is_read_while_no_second_fills_a_page() -> None:
    jobs = [job(number, number // 2) for number in range(9)]
    assert numbers(list(jobs_by_end(START, endless(jobs, heeds_time=True)))) == list(range(9))


@pytest.mark.parametrize("heeds_time", [True, False])
def test_a_server_that_sends_one_page_for_ever_is_an_error_and_no_end(heeds_time: bool) -> None:
    jobs = [*(job(number, 0) for number in range(4)), job(9, 60)]
    with pytest.raises(AirbyteUnreadable, match="the same page for every row number"):
        list(jobs_by_end(START, endless(jobs, heeds_time=heeds_time)))


def test_a_server_that_ignores_times_is_an_error_and_no_end() -> None:
    jobs = [job(number, number) for number in range(4)]
    with pytest.raises(AirbyteUnreadable, match="before the requested time"):
        list(jobs_by_end(START, endless(jobs, heeds_time=False)))


def test_a_job_that_pages_always_skip_is_an_error_and_not_lost() -> None:
    jobs = [job(number, 0) for number in range(40)]

    def fetch(asked: JobQuery) -> Page[Job]:
        last = max(0, len(jobs) - asked.offset)
        page = tuple(jobs[: min(asked.limit, last)])
        return Page(page, len(page))

    with pytest.raises(AirbyteUnreadable, match=r"40 jobs .* only 22 of them were seen"):
        list(jobs_by_end(START, JobListing(fetch, 3, CALL)))


# A page size of the server's own


@pytest.mark.parametrize("own_limit", [10, 16, 20, 50, 64])
@pytest.mark.parametrize("public", [False, True])
def test_the_page_size_of_a_server_does_not_end_the_history(own_limit: int, public: bool) -> None:
    jobs = [job(number, end=number, created=number) for number in range(1, 131)]
    server = Server(jobs, limit=100, own_limit=own_limit)

    assert numbers(server.history(public=public)) == [*range(1, 131)]


@pytest.mark.parametrize("own_limit", [10, 16, 20, 50, 64])
@pytest.mark.parametrize("public", [False, True])
def test_the_page_size_of_a_server_does_not_end_a_second(own_limit: int, public: bool) -> None:
    jobs = [*(job(number, 0, created=number - 1000) for number in range(1, 81)), job(81, 60)]
    server = Server(jobs, limit=100, own_limit=own_limit)

    assert numbers(server.history(public=public)) == [*range(1, 82)]


@pytest.mark.parametrize("public", [False, True])
@pytest.mark.parametrize("rows", [10, 16, 20, 32, 90])
def test_what_only_looks_like_the_servers_own_page_costs_one_request_more_and_but_once(
    rows: int, public: bool
) -> None:
    server = Server([job(number, end=number) for number in range(rows)], limit=100)
    for requests in (2, 1, 1):
        server.asked.clear()
        assert len(server.history(public=public)) == rows
        assert len(server.asked) == requests


def test_a_smaller_page_than_one_that_was_the_last_is_not_asked_on() -> None:
    page_size = PageSize()
    for rows, requests in ((50, 2), (20, 1), (50, 1), (60, 2)):
        jobs = [job(number, end=number) for number in range(rows)]
        server = Server(jobs, limit=100, page_size=page_size)
        assert len(server.history()) == rows
        assert len(server.asked) == requests


def test_a_job_that_ends_meanwhile_proves_nothing() -> None:
    jobs = [*(job(number, end=number) for number in range(20)), job(20, end=0, status="running")]
    server = Server(jobs, limit=100, own_limit=20)
    assert numbers(server.history())[:20] == [*range(20)]
    assert server.page_size.proven < 20


# Rows that cannot be read


@pytest.mark.parametrize("public", [False, True])
@pytest.mark.parametrize("own_limit", [10, 10_000])
def test_pages_without_a_readable_row_cost_a_request_each(own_limit: int, public: bool) -> None:
    jobs = [job(number, end=number) for number in range(100)]
    server = Server(jobs, 20, own_limit=own_limit, unreadable=frozenset(range(95)))
    assert numbers(server.history(public=public)) == [*range(95, 100)]
    assert len(server.asked) < 20


def test_unreadable_pages_without_end_are_an_error() -> None:
    listing = JobListing(lambda asked: Page((), asked.limit), 3, CALL)
    with pytest.raises(AirbyteUnreadable, match="the same page for every row number"):
        list(jobs_by_end(START, listing))
