"""The finished jobs of a listing, each once and in the order of their end.

Airbyte does not break ties: jobs that ended together may be repeated or skipped from page to page.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from heapq import merge

from dagster_airbyte_sync.resources.api.paging import Page, PageSize
from dagster_airbyte_sync.resources.errors import (
    AirbyteRateLimited,
    AirbyteSentPage,
    AirbyteUnavailable,
    AirbyteUnreadable,
    OutOfTime,
)
from dagster_airbyte_sync.resources.http.transport import Call
from dagster_airbyte_sync.resources.records.jobs import Job

# Airbyte prints whole seconds.
_SECOND = timedelta(seconds=1)
# How often a second is read until all of it was seen.
_MOST_READINGS = 20
# After so many full pages twice as many rows are asked for, up to the usual number.
_FULL_PAGES = 10
# Behind a row that Airbyte fails at so many more: the sensor reads the last minutes again.
_FULL_PAGES_WITH_BROKEN_ROW = 300
# What a gateway says if no Airbyte is behind it.
_NOBODY_THERE = (502, 503)
# So many rows side by side may be such that Airbyte fails at them.
_MOST_BROKEN = 3
# Rows with smaller numbers than this exist nowhere, and 32 bits hold it.
_FAR_AWAY = 2**30


@dataclass(frozen=True)
class JobQuery:
    """`limit` rows from number `offset` on, of the jobs that changed at or after `since`.

    The oldest change comes first. `only_second`: only those that changed within the second of
    `since`, in the order of their creation, which hardly ever ties.
    """

    since: datetime
    offset: int
    limit: int
    only_second: bool = False

    @property
    def until(self) -> datetime | None:
        """The end of that second; None without `only_second`."""
        return self.since.replace(microsecond=999_999) if self.only_second else None


@dataclass(frozen=True)
class JobListing:
    """A listing of jobs in pages of `limit` rows; `where` names it in errors.

    `fetch` only gets offsets that are whole pages: Airbyte may round others down. `page_size` is
    what is known of the server's own page size; shared by listings, it saves a request.
    """

    fetch: Callable[[JobQuery], Page[Job]]
    limit: int
    where: Call
    page_size: PageSize = field(default_factory=PageSize)

    def error(self, reason: str) -> AirbyteUnreadable:
        return AirbyteUnreadable(self.where.method, self.where.url, reason)


class RowsAsked:
    """How many rows of the history Airbyte is asked for at a time: `most`, but fewer after a page
    that it failed at, until some pages later.

    A page of wide connections may take longer than anybody waits for it, at every tick; and a job
    that Airbyte cannot read would hide all those that are on a page with it.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        # How long (seconds) the last page took that was answered.
        self._usual = 0.0
        self._full = 0
        self.limit = most

    def page(self, fetch: Callable[[JobQuery], Page[Job]], query: JobQuery) -> Page[Job]:
        """What `fetch` answers. A single row that Airbyte fails at twice, but at none behind it,
        counts as one that cannot be read."""
        begun = self._clock()
        try:
            page = fetch(query)
        except (AirbyteUnavailable, OutOfTime) as failure:
            if not _may_be_too_much(failure) or self._was_cut_short(failure, begun):
                raise
            if query.limit == 1 and _answers_behind(fetch, query):
                return self._asked_again(fetch, query)
            self._full, self.limit = 0, max(self.limit // 2, 1)
            raise
        self._usual = self._clock() - begun
        if self.limit < self._most and page.received >= query.limit:
            self._full += 1
            if self._full == _FULL_PAGES:
                self._full, self.limit = 0, min(self.limit * 2, self._most)
        return page

    def _was_cut_short(self, failure: AirbyteUnavailable | OutOfTime, begun: float) -> bool:
        """Whether the pages before took the time of this one, which may be no slower than they."""
        usual, self._usual = self._usual, 0.0
        return isinstance(failure, OutOfTime) and self._clock() - begun < 2 * usual

    def _asked_again(self, fetch: Callable[[JobQuery], Page[Job]], query: JobQuery) -> Page[Job]:
        """An Airbyte that was away may have come back just before it answered for those behind."""
        try:
            return fetch(query)
        except AirbyteUnavailable as failure:
            if not _may_be_too_much(failure):
                raise
        self._full = -_FULL_PAGES_WITH_BROKEN_ROW
        return Page((), 1)


def _may_be_too_much(failure: AirbyteUnavailable | OutOfTime) -> bool:
    """Whether fewer rows may help: not if nobody was there to answer, or somebody else did."""
    problem = failure.__cause__ if isinstance(failure, OutOfTime) else failure
    return (
        isinstance(problem, AirbyteUnavailable)
        and not isinstance(problem, AirbyteRateLimited | AirbyteSentPage)
        and not problem.did_nothing
        and problem.status not in _NOBODY_THERE
    )


def _answers_behind(fetch: Callable[[JobQuery], Page[Job]], query: JobQuery) -> bool:
    for further in range(1, _MOST_BROKEN + 1):
        try:
            fetch(replace(query, offset=query.offset + further))
        except AirbyteUnavailable:
            continue
        return True
    return False


def jobs_by_end(
    since: datetime, listing: JobListing, still: Sequence[JobListing] = ()
) -> Iterator[Job]:
    """All finished jobs of the listing that ended at or after `since`, by `order`.

    A page is fetched only when its first job is needed. Each begins with the last second of the
    page before, so a row that moves while pages are read can be repeated but not missed; that
    second is yielded once all of it has been read. A second that fills a whole page is read by
    itself, by row numbers.

    Rows of running jobs can move while row numbers are counted: for a listing with such jobs,
    `still` are listings without them that together have its finished jobs. Raises AirbyteUnreadable
    if the server's pages cannot be read to their end.
    """
    start = since
    while True:
        page, is_last = _first_readable(start, listing)
        if is_last:
            yield from _in_order(page.rows)
            return
        ends = [_second(job.ended_at) for job in page.rows if job.ended_at]
        last = max(ends, default=_second(start))
        has_moved = last > _second(start)
        if still and len(ends) < len(page.rows) and not has_moved:
            yield from by_end(jobs_by_end(start, each) for each in still)
            return
        if len(set(ends)) > 1 or (has_moved and len(ends) < len(page.rows)):
            yield from _in_order(job for job in page.rows if (job.ended_at or start) < last)
            following = last
        else:
            yield from _in_order(_whole_second(last, still or (listing,)))
            following = last + _SECOND
        if following <= start:
            raise listing.error("jobs that ended before the requested time, again and again")
        start = following


def _first_readable(start: datetime, listing: JobListing) -> tuple[Page[Job], bool]:
    """The first page with a row that can be read, and whether it is the last one."""
    query = JobQuery(start, 0, listing.limit)
    while True:
        page = listing.fetch(query)
        is_last = _is_last(page, query, listing)
        if page.rows or is_last:
            return page, is_last
        # These rows have no time to go on from, so it goes on by offset: there is nothing to lose.
        query = replace(query, offset=query.offset + page.received, limit=page.received)
        if query.offset == query.limit:
            _refuse_pages_without_end(query, listing)


def _is_last(page: Page[Job], query: JobQuery, listing: JobListing) -> bool:
    """Whether no row follows: the page is shorter than requested, and than the server's own pages.

    Where it may be as long as those, one more request decides.
    """
    size = page.received
    if size >= query.limit:
        return False
    if query.offset or not listing.page_size.may_be(size):
        return True
    if listing.fetch(replace(query, offset=size, limit=size)).received:
        return False
    listing.page_size.proven = size
    return True


def by_end(histories: Iterable[Iterator[Job]]) -> Iterator[Job]:
    """Merge histories, each sorted by `order`."""
    return merge(*histories, key=order)


def order(job: Job) -> tuple[float, float, int]:
    """What finished jobs are sorted by: end, creation, number."""
    return _epoch(job.ended_at), _epoch(job.created_at), job.id


def _epoch(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0


def _in_order(jobs: Iterable[Job]) -> list[Job]:
    return sorted((job for job in jobs if job.is_finished), key=order)


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _whole_second(second: datetime, listings: Sequence[JobListing]) -> Iterable[Job]:
    return (job for listing in listings for job in _jobs_of_second(second, listing))


def _jobs_of_second(second: datetime, listing: JobListing) -> Iterable[Job]:
    """The jobs that ended within one second: as many as one reading received rows.

    Until all are known the second is read again, in pages of other sizes, which break ties
    otherwise.
    """
    seen: dict[object, Job] = {}
    # Sizes close to the usual one, and never below 1.
    step = -1 if listing.limit > _MOST_READINGS else 1
    for size in range(listing.limit, listing.limit + step * _MOST_READINGS, step):
        received = _read_second(second, listing, size, seen)
        if len(seen) >= received:
            return seen.values()
    raise listing.error(
        f"{received} jobs that ended at {second.isoformat()}, and after {_MOST_READINGS} readings"
        f" only {len(seen)} of them were seen: its pages repeat some and skip others"
    )


def _read_second(second: datetime, listing: JobListing, size: int, seen: dict[object, Job]) -> int:
    """Add the jobs of one reading to `seen`; return how many rows it received."""
    received = 0
    query = JobQuery(second, 0, size, only_second=True)
    while True:
        page = listing.fetch(query)
        jobs = [job for job in page.rows if _second(job.ended_at or second) == second]
        known = len(seen)
        seen.update((job.identity, job) for job in jobs)
        received += len(jobs)
        if _is_last(page, query, listing):
            return received
        if query.offset and len(seen) == known:
            _refuse_pages_without_end(query, listing)
        # A server with a smaller page size than requested shows it in its first page.
        query = replace(query, offset=query.offset + page.received, limit=page.received)


def _refuse_pages_without_end(query: JobQuery, listing: JobListing) -> None:
    """Raise if there are rows where none can be: the server ignores offsets."""
    far_away = _FAR_AWAY // query.limit * query.limit
    if listing.fetch(replace(query, offset=far_away)).received:
        raise listing.error(
            "the same page for every row number: what else ended at"
            f" {query.since.isoformat()} cannot be read"
        )
