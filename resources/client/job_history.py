"""The history of finished jobs, page by page, from either API."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from dagster_airbyte_sync.resources.api import configuration_api, public_api
from dagster_airbyte_sync.resources.api.configuration_api import ConfigurationApi
from dagster_airbyte_sync.resources.api.job_pages import JobListing, JobsAsked, by_end, jobs_by_end
from dagster_airbyte_sync.resources.api.paging import Page, PageSize, about_how_many
from dagster_airbyte_sync.resources.api.public_api import PublicApi
from dagster_airbyte_sync.resources.http.budget import TimeBudget
from dagster_airbyte_sync.resources.http.transport import Http, require
from dagster_airbyte_sync.resources.records.jobs import FINISHED, Job, JobStatus, JobType

# Called with the number of rows on a page that cannot be read as jobs, if there are any.
NoteUnreadable = Callable[[int], None]


def ignore_unreadable(rows: int) -> None:
    """For readers of the history that only want what can be read."""


class JobHistory:
    """Reads the finished jobs of one workspace, oldest end first."""

    def __init__(
        self, http: Http, configuration: ConfigurationApi, public: PublicApi, page_size: int
    ) -> None:
        self._http = http
        self._configuration = configuration
        self._public = public
        self._page_size = page_size
        self._public_page_size = public_api.page_size(page_size)
        # One for each API, as they need not have the same.
        self._configuration_own = PageSize()
        self._public_own = PageSize()

    def by_configuration(
        self, since: datetime, budget: TimeBudget, unreadable: NoteUnreadable = ignore_unreadable
    ) -> Iterator[Job]:
        def fetch(asked: JobsAsked) -> Page[Job]:
            return _noted(self._configuration_page(asked, budget), unreadable)

        limit = self._page_size
        where = self._configuration.finished_jobs(JobsAsked(since, 0, limit))
        return jobs_by_end(since, JobListing(fetch, limit, where, self._configuration_own))

    def about_how_many_by_configuration(
        self, since: datetime, least: int, budget: TimeBudget
    ) -> int:
        def has_row(place: int) -> bool:
            return self._configuration_page(JobsAsked(since, place, 1), budget).received > 0

        return about_how_many(has_row, least)

    def about_how_many_by_public(self, since: datetime, least: int, budget: TimeBudget) -> int:
        def has_row(place: int) -> bool:
            return self._public_page(JobsAsked(since, place, 1), None, None, budget).received > 0

        return about_how_many(has_row, least)

    def _configuration_page(self, asked: JobsAsked, budget: TimeBudget) -> Page[Job]:
        call = self._configuration.finished_jobs(asked)
        return require(call, "jobs", configuration_api.read_jobs(self._http.send(call, budget)))

    def _public_page(
        self,
        asked: JobsAsked,
        job_type: JobType | None,
        status: JobStatus | None,
        budget: TimeBudget,
    ) -> Page[Job]:
        call = self._public.jobs_since(asked, job_type, status)
        return require(call, "jobs", public_api.read_jobs(self._http.send(call, budget)))

    def by_public(
        self,
        since: datetime,
        types: Iterable[JobType | None],
        budget: TimeBudget,
        unreadable: NoteUnreadable = ignore_unreadable,
    ) -> Iterator[Job]:
        """The jobs of all `types`; None stands for what Airbyte lists unasked."""
        return by_end(self._of_type(since, job_type, budget, unreadable) for job_type in types)

    def _of_type(
        self,
        since: datetime,
        job_type: JobType | None,
        budget: TimeBudget,
        unreadable: NoteUnreadable,
    ) -> Iterator[Job]:
        def listing(status: JobStatus | None) -> JobListing:
            def fetch(asked: JobsAsked) -> Page[Job]:
                return _noted(self._public_page(asked, job_type, status, budget), unreadable)

            limit = self._public_page_size
            where = self._public.jobs_since(JobsAsked(since, 0, limit), job_type, status)
            return JobListing(fetch, limit, where, self._public_own)

        # One listing for each status, as Airbyte takes one status at a time.
        return jobs_by_end(since, listing(None), still=[listing(status) for status in FINISHED])


def _noted(page: Page[Job], unreadable: NoteUnreadable) -> Page[Job]:
    if page.unreadable:
        unreadable(page.unreadable)
    return page
