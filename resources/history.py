"""The history of finished jobs, page by page, from either API."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from heapq import merge

from dagster_airbyte_sync.resources import configuration_api, public_api
from dagster_airbyte_sync.resources.budget import TimeBudget
from dagster_airbyte_sync.resources.configuration_api import ConfigurationApi
from dagster_airbyte_sync.resources.http import Http
from dagster_airbyte_sync.resources.jobs import FINISHED, Job, JobStatus, JobType
from dagster_airbyte_sync.resources.paging import FetchJobs, Page, jobs_by_end
from dagster_airbyte_sync.resources.public_api import PublicApi


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

    def by_configuration(self, since: datetime, budget: TimeBudget) -> Iterator[Job]:
        def fetch(start: datetime, offset: int) -> Page[Job]:
            call = self._configuration.finished_jobs(start, offset, self._page_size)
            return configuration_api.read_jobs(self._http.send(call, budget))

        return jobs_by_end(since, self._page_size, fetch)

    def by_public(
        self, since: datetime, types: Iterable[JobType | None], budget: TimeBudget
    ) -> Iterator[Job]:
        """The jobs of all `types`; None stands for what Airbyte lists unasked."""
        return _by_end(since, (self._of_type(since, job_type, budget) for job_type in types))

    def _of_type(
        self, since: datetime, job_type: JobType | None, budget: TimeBudget
    ) -> Iterator[Job]:
        limit = self._public_page_size

        def finished_only(start: datetime) -> Iterator[Job]:
            # One listing for each status, as Airbyte takes one status at a time.
            listings = (self._listing(job_type, status, budget) for status in FINISHED)
            return _by_end(start, (jobs_by_end(start, limit, listing) for listing in listings))

        listing = self._listing(job_type, None, budget)
        jobs = jobs_by_end(since, limit, listing, without_moving_rows=finished_only)
        # Running jobs have no time of their own here, and would upset the merge.
        return (job for job in jobs if job.is_finished)

    def _listing(
        self, job_type: JobType | None, status: JobStatus | None, budget: TimeBudget
    ) -> FetchJobs:
        def fetch(start: datetime, offset: int) -> Page[Job]:
            call = self._public.jobs_since(start, offset, self._public_page_size, job_type, status)
            return public_api.read_jobs(self._http.send(call, budget))

        return fetch


def _by_end(since: datetime, histories: Iterable[Iterator[Job]]) -> Iterator[Job]:
    return merge(*histories, key=lambda job: job.updated_at or since)
