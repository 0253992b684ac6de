"""The history of finished jobs, page by page, from either API; the newest of each connection."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import product

from dagster_airbyte_sync.resources.api import configuration_api, public_api
from dagster_airbyte_sync.resources.api.configuration_api import ConfigurationApi
from dagster_airbyte_sync.resources.api.job_pages import (
    JobListing,
    JobQuery,
    RowsAsked,
    by_end,
    jobs_by_end,
)
from dagster_airbyte_sync.resources.api.paging import Page, PageSize
from dagster_airbyte_sync.resources.api.public_api import PublicApi, groups_of_ids
from dagster_airbyte_sync.resources.http.budget import TimeBudget
from dagster_airbyte_sync.resources.http.transport import Http
from dagster_airbyte_sync.resources.records.jobs import FINAL_STATUSES, Job, JobStatus, JobType

# Called for each page with unreadable rows, with how many there are.
NoteUnreadable = Callable[[int], None]


# Connections without a job in so many pages are asked about one by one, if they are not too many.
_MOST_PAGES, _MOST_ALONE = 5, 30
# So few are asked about before another page is read.
_FEW = 3
# The last failures of a connection in a row, at most: behind them is its last success.
_OF_ONE = 20

_SECOND = timedelta(seconds=1)

# A page of jobs of any status, the last change first: those that changed at or before a time.
FetchNewest = Callable[[datetime | None], Page[Job]]


@dataclass(frozen=True)
class LatestJobs:
    """The newest jobs of workspaces, of every status, each once and the last change first.

    Of each connection that was asked about the last finished one is there, unless it is among the
    `unknown`, about which nobody could be asked in time, or has none.
    """

    jobs: tuple[Job, ...] = ()
    unknown: frozenset[str] = frozenset()


def latest_jobs(
    connections: Collection[str],
    listings: Sequence[FetchNewest],
    limit: int,
    ask_alone: Callable[[str], Iterable[Job]] | None,
) -> LatestJobs:
    """Read until the last finished job of each of the connections was seen, the first ones first.

    At most 5 pages of the first listing and one of each other, of `limit` rows; then at most 30
    connections are asked about alone, or none without `ask_alone`.
    """
    seen: dict[object, Job] = {}
    for place, fetch in enumerate(listings):
        _read_newest(fetch, limit, _MOST_PAGES if place == 0 else 1, set(connections), seen)
    finished = {job.connection_id for job in seen.values() if job.is_finished}
    missing = [each for each in connections if each not in finished]
    alone = missing[:_MOST_ALONE] if ask_alone is not None else []
    for each in alone:
        seen.update((job.identity, job) for job in (ask_alone(each) if ask_alone else ()))
    jobs = sorted(seen.values(), key=_last_change, reverse=True)
    unknown = missing[_MOST_ALONE:] if ask_alone is not None else []
    return LatestJobs(tuple(jobs), frozenset(unknown))


def _read_newest(
    fetch: FetchNewest, limit: int, pages: int, missing: set[str], seen: dict[object, Job]
) -> None:
    until = None
    for _ in range(pages):
        page = fetch(until)
        seen.update((job.identity, job) for job in page.rows)
        missing -= {job.connection_id for job in page.rows if job.is_finished}
        changes = [job.updated_at for job in page.rows if job.updated_at is not None]
        if page.received < limit or len(missing) <= _FEW or not changes:
            return
        # That second may be cut anywhere, so it is read again; unless it fills a page by itself.
        last = min(changes).replace(microsecond=999_999)
        until = last - _SECOND if until is not None and last >= until else last


def _last_change(job: Job) -> tuple[float, int]:
    return job.updated_at.timestamp() if job.updated_at else 0.0, job.id


class JobHistory:
    """Reads the finished jobs of workspaces, oldest end first."""

    def __init__(self, http: Http, configuration: ConfigurationApi, public: PublicApi) -> None:
        self._http = http
        self._configuration = configuration
        self._public = public
        # Each API may have another page size of its own.
        self._configuration_own = PageSize()
        self._public_own = PageSize()
        self._configuration_rows = RowsAsked(configuration.page_size)
        self._public_rows = RowsAsked(public.page_size)

    @property
    def limits(self) -> tuple[int, int]:
        """How many rows either API is asked for at a time; fewer after a page that it failed at."""
        return self._configuration_rows.limit, self._public_rows.limit

    def by_configuration(
        self,
        workspaces: Sequence[str],
        since: datetime,
        budget: TimeBudget,
        unreadable: NoteUnreadable | None,
    ) -> Iterator[Job]:
        def fetch(query: JobQuery) -> Page[Job]:
            return self._configuration_page(workspaces, query, budget)

        rows = self._configuration_rows
        limit = rows.limit
        where = self._configuration.finished_jobs(workspaces, JobQuery(since, 0, limit))
        noted = _noting(rows, fetch, unreadable)
        return jobs_by_end(since, JobListing(noted, limit, where, self._configuration_own))

    def by_public(
        self,
        workspaces: Sequence[str],
        since: datetime,
        types: Iterable[JobType | None],
        budget: TimeBudget,
        unreadable: NoteUnreadable | None,
    ) -> Iterator[Job]:
        """The jobs of all `types`; None stands for those that Airbyte lists by default."""

        def listing(
            ids: Sequence[str], job_type: JobType | None, status: JobStatus | None = None
        ) -> JobListing:
            def fetch(query: JobQuery) -> Page[Job]:
                return self._public_page(ids, query, budget, job_type, status)

            where = self._public.jobs_since(ids, JobQuery(since, 0, limit), job_type, status)
            return JobListing(_noting(rows, fetch, unreadable), limit, where, self._public_own)

        rows = self._public_rows
        limit = rows.limit

        # One listing for each status, as Airbyte takes one status at a time.
        return by_end(
            jobs_by_end(
                since,
                listing(ids, each),
                still=[listing(ids, each, status) for status in FINAL_STATUSES],
            )
            for ids, each in product(groups_of_ids(workspaces), types)
        )

    def latest_by_configuration(
        self,
        workspaces: Sequence[str],
        connections: Collection[str],
        since: datetime,
        budget: TimeBudget,
        *,
        asks_alone: bool,
    ) -> LatestJobs:
        limit = self._configuration.page_size

        def fetch(until: datetime | None, of_one: str | None = None) -> Page[Job]:
            start, size = (since, limit) if of_one is None else (None, _OF_ONE)
            call = self._configuration.newest_jobs(workspaces, start, until, size, of_one)
            return self._http.read(call, "jobs", configuration_api.read_jobs, budget)

        alone = (lambda each: fetch(None, each).rows) if asks_alone else None
        return latest_jobs(connections, [fetch], limit, alone)

    def latest_by_public(
        self,
        workspaces: Sequence[str],
        connections: Collection[str],
        since: datetime,
        types: Iterable[JobType | None],
        budget: TimeBudget,
        *,
        asks_alone: bool,
    ) -> LatestJobs:
        """The jobs of all `types`, as above; of one connection, those that Airbyte lists first."""
        limit = self._public.page_size

        def fetch(
            ids: Sequence[str],
            job_type: JobType | None,
            until: datetime | None,
            of_one: str | None = None,
        ) -> Page[Job]:
            start, size = (since, limit) if of_one is None else (None, _OF_ONE)
            call = self._public.newest_jobs_of_all(ids, start, until, size, of_one, job_type)
            return self._http.read(call, "jobs", public_api.read_jobs, budget)

        groups = groups_of_ids(workspaces)
        listings = [partial(fetch, ids, each) for ids, each in product(groups, types)]
        alone = (lambda each: fetch(groups[0], None, None, each).rows) if asks_alone else None
        return latest_jobs(connections, listings, limit, alone)

    def _configuration_page(
        self, workspaces: Sequence[str], query: JobQuery, budget: TimeBudget
    ) -> Page[Job]:
        call = self._configuration.finished_jobs(workspaces, query)
        return self._http.read(call, "jobs", configuration_api.read_jobs, budget)

    def _public_page(
        self,
        workspaces: Sequence[str],
        query: JobQuery,
        budget: TimeBudget,
        job_type: JobType | None = None,
        status: JobStatus | None = None,
    ) -> Page[Job]:
        call = self._public.jobs_since(workspaces, query, job_type, status)
        return self._http.read(call, "jobs", public_api.read_jobs, budget)


def _noting(
    rows: RowsAsked, fetch: Callable[[JobQuery], Page[Job]], unreadable: NoteUnreadable | None
) -> Callable[[JobQuery], Page[Job]]:
    def noted(query: JobQuery) -> Page[Job]:
        page = rows.page(fetch, query)
        if unreadable and page.unreadable:
            unreadable(page.unreadable)
        return page

    return noted
