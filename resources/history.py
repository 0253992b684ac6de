"""The history of finished jobs, page by page, from either API."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from heapq import merge

from dagster_airbyte_sync.resources import configuration_api, public_api
from dagster_airbyte_sync.resources.budget import TimeBudget
from dagster_airbyte_sync.resources.configuration_api import ConfigurationApi
from dagster_airbyte_sync.resources.http import Http, told
from dagster_airbyte_sync.resources.jobs import FINISHED, Job, JobStatus, JobType
from dagster_airbyte_sync.resources.paging import FetchJobs, Page, about_how_many, jobs_by_end
from dagster_airbyte_sync.resources.public_api import PublicApi

# Called with the number of rows on a page that cannot be read as jobs, if there are any.
NoteUnreadable = Callable[[int], None]


def ignore_unreadable(rows: int) -> None:
    """For readers of the history that only want what can be read."""


class JobHistory:
    """Reads the finished jobs of one workspace, oldest end first; a job may come twice."""

    def __init__(
        self, http: Http, configuration: ConfigurationApi, public: PublicApi, page_size: int
    ) -> None:
        self._http = http
        self._configuration = configuration
        self._public = public
        self._page_size = page_size
        self._public_page_size = public_api.page_size(page_size)

    def by_configuration(
        self, since: datetime, budget: TimeBudget, unreadable: NoteUnreadable = ignore_unreadable
    ) -> Iterator[Job]:
        def fetch(start: datetime, offset: int) -> Page[Job]:
            page = self._configuration_page(start, offset, self._page_size, budget)
            return _noted(page, unreadable)

        return jobs_by_end(since, self._page_size, fetch)

    def about_how_many_by_configuration(
        self, since: datetime, least: int, budget: TimeBudget
    ) -> int:
        def has_row(place: int) -> bool:
            return self._configuration_page(since, place, 1, budget).received > 0

        return about_how_many(has_row, least)

    def about_how_many_by_public(self, since: datetime, least: int, budget: TimeBudget) -> int:
        def has_row(place: int) -> bool:
            return self._public_page(since, place, 1, None, None, budget).received > 0

        return about_how_many(has_row, least)

    def _configuration_page(
        self, since: datetime, offset: int, limit: int, budget: TimeBudget
    ) -> Page[Job]:
        call = self._configuration.finished_jobs(since, offset, limit)
        return told(call, "jobs", configuration_api.read_jobs(self._http.send(call, budget)))

    def _public_page(
        self,
        since: datetime,
        offset: int,
        limit: int,
        job_type: JobType | None,
        status: JobStatus | None,
        budget: TimeBudget,
    ) -> Page[Job]:
        call = self._public.jobs_since(since, offset, limit, job_type, status)
        return told(call, "jobs", public_api.read_jobs(self._http.send(call, budget)))

    def by_public(
        self,
        since: datetime,
        types: Iterable[JobType | None],
        budget: TimeBudget,
        unreadable: NoteUnreadable = ignore_unreadable,
    ) -> Iterator[Job]:
        """The jobs of all `types`; None stands for what Airbyte lists unasked."""
        return _by_end(
            since, (self._of_type(since, job_type, budget, unreadable) for job_type in types)
        )

    def _of_type(
        self,
        since: datetime,
        job_type: JobType | None,
        budget: TimeBudget,
        unreadable: NoteUnreadable,
    ) -> Iterator[Job]:
        limit = self._public_page_size

        def finished_only(start: datetime) -> Iterator[Job]:
            # One listing for each status, as Airbyte takes one status at a time.
            listings = (self._listing(job_type, status, budget, unreadable) for status in FINISHED)
            return _by_end(start, (jobs_by_end(start, limit, listing) for listing in listings))

        listing = self._listing(job_type, None, budget, unreadable)
        jobs = jobs_by_end(since, limit, listing, without_moving_rows=finished_only)
        # Running jobs have no time of their own here, and would upset the merge.
        return (job for job in jobs if job.is_finished)

    def _listing(
        self,
        job_type: JobType | None,
        status: JobStatus | None,
        budget: TimeBudget,
        unreadable: NoteUnreadable,
    ) -> FetchJobs:
        def fetch(start: datetime, offset: int) -> Page[Job]:
            limit = self._public_page_size
            page = self._public_page(start, offset, limit, job_type, status, budget)
            return _noted(page, unreadable)

        return fetch


def _noted(page: Page[Job], unreadable: NoteUnreadable) -> Page[Job]:
    if page.unreadable:
        unreadable(page.unreadable)
    return page


def _by_end(since: datetime, histories: Iterable[Iterator[Job]]) -> Iterator[Job]:
    return merge(*histories, key=lambda job: job.updated_at or since)
