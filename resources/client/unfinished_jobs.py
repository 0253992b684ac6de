"""The jobs that wait or run now, from either API."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain, product
from typing import TypeVar

from dagster_airbyte_sync.resources.api import configuration_api, public_api
from dagster_airbyte_sync.resources.api.configuration_api import ConfigurationApi
from dagster_airbyte_sync.resources.api.public_api import PublicApi, groups_of_ids
from dagster_airbyte_sync.resources.errors import AirbyteRefused
from dagster_airbyte_sync.resources.http.budget import TimeBudget
from dagster_airbyte_sync.resources.http.transport import Http
from dagster_airbyte_sync.resources.records.jobs import (
    UNFINISHED_STATUSES,
    Job,
    JobStatus,
    JobType,
)

Found = TypeVar("Found")

# What an Airbyte answers to a status that it does not know.
_UNHEARD = (400, 422)


class UnfinishedJobs:
    """Reads one page of each list, the oldest jobs first: those that hang are among them.

    Airbyte knows the status "queued" since 2.1. An older one refuses the question, and then is not
    asked for such jobs any more.
    """

    def __init__(self, http: Http, configuration: ConfigurationApi, public: PublicApi) -> None:
        self._http = http
        self._configuration = configuration
        self._public = public
        self._knows_queued = True

    def by_configuration(
        self, workspaces: Sequence[str], budget: TimeBudget, connection_id: str | None
    ) -> list[Job]:
        """One request; of one connection, or of all."""

        def read(statuses: Iterable[JobStatus]) -> list[Job]:
            call = self._configuration.unfinished_jobs(workspaces, statuses, connection_id)
            page = self._http.read(call, "jobs", configuration_api.read_jobs, budget)
            return _unfinished(page.rows)

        return self._read(read)

    def by_public(
        self,
        workspaces: Sequence[str],
        types: Iterable[JobType | None],
        budget: TimeBudget,
        connection_id: str | None,
    ) -> list[Job]:
        """One request for each status and type, as it takes one at a time."""
        groups, types = groups_of_ids(workspaces), list(types)
        unfinished = self._public.unfinished_jobs

        def read(statuses: Iterable[JobStatus]) -> list[Job]:
            calls = [
                unfinished(ids, each, kind, connection_id)
                for ids, each, kind in product(groups, statuses, types)
            ]
            pages = (
                self._http.read(each, "jobs", public_api.read_jobs, budget).rows for each in calls
            )
            return _unfinished(chain.from_iterable(pages))

        return self._read(read)

    def _read(self, read: Callable[[Iterable[JobStatus]], Found]) -> Found:
        # The one that may be refused comes first: the others need not be asked twice.
        known = sorted(UNFINISHED_STATUSES, key=lambda status: status is not JobStatus.QUEUED)
        if self._knows_queued:
            try:
                return read(known)
            except AirbyteRefused as refusal:
                if refusal.status not in _UNHEARD:
                    raise
        found = read(known[1:])
        self._knows_queued = False
        return found


def _unfinished(jobs: Iterable[Job]) -> list[Job]:
    """Each once, also one that changed its status between two answers."""
    return list({job.id: job for job in jobs if not job.is_finished}.values())
