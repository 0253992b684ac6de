"""The jobs that wait or run now, from either API, and how many connections have one."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import chain, product
from typing import TypeVar

from dagster_airbyte_sync.resources.api import configuration_api, public_api
from dagster_airbyte_sync.resources.api.configuration_api import ConfigurationApi
from dagster_airbyte_sync.resources.api.paging import Page, PageSize
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
# Of which workspaces, statuses and types the public API lists jobs at once.
_PublicList = tuple[Sequence[str], JobStatus, JobType | None]

# What an Airbyte answers to a status that it does not know.
_UNHEARD = (400, 422)
_ASKED_AGAIN_AFTER = 600.0


@dataclass
class BusyConnections:
    """The connections on which a job waits or runs, and how many jobs more nobody can read.

    Airbyte runs one job of a connection at a time: more than one are dead but for the newest.
    """

    ids: set[str] = field(default_factory=set)
    unreadable: int = 0

    def __len__(self) -> int:
        return len(self.ids) + self.unreadable

    def or_else(self, again: "BusyConnections") -> "BusyConnections":
        """What is known after the same was asked for twice."""
        ids = self.ids | again.ids
        return BusyConnections(ids, max(0, len(self) - len(ids), len(again) - len(ids)))


class UnfinishedJobs:
    """Reads one page of each list, the oldest jobs first: those that hang are among them.

    Airbyte knows the status "queued" since 2.1. An older one refuses the question, and is asked for
    such jobs again after ten minutes: it may have been upgraded.
    """

    def __init__(
        self,
        http: Http,
        configuration: ConfigurationApi,
        public: PublicApi,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._configuration = configuration
        self._public = public
        self._clock = clock
        self._asks_for_queued_from = clock()
        self._size = PageSize()

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

    def busy_by_configuration(
        self, workspaces: Sequence[str], enough: int, budget: TimeBudget
    ) -> BusyConnections:
        """As many as there are, or `enough`: one request a page."""

        def read(statuses: Iterable[JobStatus]) -> BusyConnections:
            statuses, busy = list(statuses), BusyConnections()

            def page(since: datetime | None, offset: int) -> Page[Job]:
                call = self._configuration.unfinished_jobs(
                    workspaces, statuses, None, since, offset
                )
                return self._http.read(call, "jobs", configuration_api.read_jobs, budget)

            self._add_all(busy, enough, self._configuration.page_size, page)
            return busy

        return self._read(read)

    def busy_by_public(
        self,
        workspaces: Sequence[str],
        types: Iterable[JobType | None],
        enough: int,
        budget: TimeBudget,
    ) -> BusyConnections:
        """The same. All lists are read twice, as a job may change its status between two answers,
        and so be in none of those that are asked for once."""
        groups, types = groups_of_ids(workspaces), list(types)

        def read(statuses: Iterable[JobStatus]) -> BusyConnections:
            lists = list(product(groups, statuses, types))
            first = self._public_lists(lists, enough, budget)
            if len(first) >= enough:
                return first
            return first.or_else(self._public_lists(lists, enough, budget))

        return self._read(read)

    def _public_lists(
        self, lists: Iterable[_PublicList], enough: int, budget: TimeBudget
    ) -> BusyConnections:
        busy, size = BusyConnections(), self._public.page_size
        for one in lists:
            if len(busy) < enough:
                page = partial(self._public_page, one, budget)
                self._add_all(busy, enough, size, page)
        return busy

    def _public_page(
        self, one: _PublicList, budget: TimeBudget, since: datetime | None, offset: int
    ) -> Page[Job]:
        workspaces, status, kind = one
        call = self._public.unfinished_jobs(workspaces, status, kind, None, since, offset)
        return self._http.read(call, "jobs", public_api.read_jobs, budget)

    def _add_all(
        self,
        busy: BusyConnections,
        enough: int,
        size: int,
        page_at: Callable[[datetime | None, int], Page[Job]],
    ) -> None:
        """Read a list from its oldest job on, by their times, and by places only within one second:
        a job that ends meanwhile leaves the list, and all places after it move.

        Within one second Airbyte has no order: a row that is there twice stands for one that is not
        there at all.
        """
        seen: set[int] = set()
        since: datetime | None = None
        offset = largest = 0
        while True:
            page = page_at(since, offset)
            new = [job for job in page.rows if job.id not in seen]
            seen.update(job.id for job in new)
            busy.ids.update(job.connection_id for job in new if not job.is_finished)
            busy.unreadable += page.received - len(new) if offset else page.unreadable
            if len(busy) >= enough:
                return
            is_full = page.received >= size or self._size.may_be(page.received)
            if page.received < largest or not is_full:
                if not new:
                    self._size.proven = max(self._size.proven, largest)
                return
            largest = page.received
            times = [job.created_at for job in page.rows if job.created_at]
            is_of_one_second = not times or min(times) == max(times)
            since, offset = (since, offset + page.received) if is_of_one_second else (max(times), 0)

    def _read(self, read: Callable[[Iterable[JobStatus]], Found]) -> Found:
        # The one that may be refused comes first: the others need not be asked twice.
        known = sorted(UNFINISHED_STATUSES, key=lambda status: status is not JobStatus.QUEUED)
        if self._clock() >= self._asks_for_queued_from:
            try:
                return read(known)
            except AirbyteRefused as refusal:
                if refusal.status not in _UNHEARD:
                    raise
            found = read(known[1:])
            self._asks_for_queued_from = self._clock() + _ASKED_AGAIN_AFTER
            return found
        return read(known[1:])


def _unfinished(jobs: Iterable[Job]) -> list[Job]:
    """Each once, also one that changed its status between two answers."""
    return list({job.id: job for job in jobs if not job.is_finished}.values())
