"""The history of finished jobs, page by page, from either API."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from dagster_airbyte_sync.resources.api import configuration_api, public_api
from dagster_airbyte_sync.resources.api.configuration_api import ConfigurationApi
from dagster_airbyte_sync.resources.api.job_pages import JobListing, JobQuery, by_end, jobs_by_end
from dagster_airbyte_sync.resources.api.paging import Page, PageSize
from dagster_airbyte_sync.resources.api.public_api import PublicApi
from dagster_airbyte_sync.resources.http.budget import TimeBudget
from dagster_airbyte_sync.resources.http.transport import Http
from dagster_airbyte_sync.resources.records.jobs import FINAL_STATUSES, Job, JobStatus, JobType

# Called for each page with unreadable rows, with how many there are.
NoteUnreadable = Callable[[int], None]


class JobHistory:
    """Reads the finished jobs of one workspace, oldest end first."""

    def __init__(self, http: Http, configuration: ConfigurationApi, public: PublicApi) -> None:
        self._http = http
        self._configuration = configuration
        self._public = public
        # Each API may have another page size of its own.
        self._configuration_own = PageSize()
        self._public_own = PageSize()

    def by_configuration(
        self, since: datetime, budget: TimeBudget, unreadable: NoteUnreadable | None
    ) -> Iterator[Job]:
        def fetch(query: JobQuery) -> Page[Job]:
            return _noted(self._configuration_page(query, budget), unreadable)

        limit = self._configuration.page_size
        where = self._configuration.finished_jobs(JobQuery(since, 0, limit))
        return jobs_by_end(since, JobListing(fetch, limit, where, self._configuration_own))

    def by_public(
        self,
        since: datetime,
        types: Iterable[JobType | None],
        budget: TimeBudget,
        unreadable: NoteUnreadable | None,
    ) -> Iterator[Job]:
        """The jobs of all `types`; None stands for those that Airbyte lists by default."""

        def listing(job_type: JobType | None, status: JobStatus | None = None) -> JobListing:
            def fetch(query: JobQuery) -> Page[Job]:
                return _noted(self._public_page(query, budget, job_type, status), unreadable)

            limit = self._public.page_size
            where = self._public.jobs_since(JobQuery(since, 0, limit), job_type, status)
            return JobListing(fetch, limit, where, self._public_own)

        # One listing for each status, as Airbyte takes one status at a time.
        return by_end(
            jobs_by_end(
                since, listing(each), still=[listing(each, status) for status in FINAL_STATUSES]
            )
            for each in types
        )

    def _configuration_page(self, query: JobQuery, budget: TimeBudget) -> Page[Job]:
        call = self._configuration.finished_jobs(query)
        return self._http.read(call, "jobs", configuration_api.read_jobs, budget)

    def _public_page(
        self,
        query: JobQuery,
        budget: TimeBudget,
        job_type: JobType | None = None,
        status: JobStatus | None = None,
    ) -> Page[Job]:
        call = self._public.jobs_since(query, job_type, status)
        return self._http.read(call, "jobs", public_api.read_jobs, budget)


def _noted(page: Page[Job], unreadable: NoteUnreadable | None) -> Page[Job]:
    if unreadable and page.unreadable:
        unreadable(page.unreadable)
    return page
