"""Everything this package asks of one Airbyte workspace, answered in typed records."""

import os
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from heapq import merge
from typing import TypeVar

from cachetools import LRUCache, TTLCache

from dagster_airbyte_sync.resources import configuration_api, public_api
from dagster_airbyte_sync.resources.budget import NO_LIMIT, TimeBudget
from dagster_airbyte_sync.resources.catalog import Catalog, Connection, Destination
from dagster_airbyte_sync.resources.configuration_api import ConfigurationApi
from dagster_airbyte_sync.resources.errors import (
    AirbyteForbidden,
    AirbyteNotFound,
    AirbyteRefused,
    AirbyteRequestError,
    AirbyteSettingsError,
    AirbyteUnauthorized,
    AirbyteUnreadable,
)
from dagster_airbyte_sync.resources.http import Call, Http
from dagster_airbyte_sync.resources.jobs import Job, JobType
from dagster_airbyte_sync.resources.paging import Page, jobs_by_end, rows_of_unordered
from dagster_airbyte_sync.resources.public_api import PublicApi
from dagster_airbyte_sync.resources.reading import object_at, text
from dagster_airbyte_sync.resources.settings import CLOUD_UI, AirbyteSettings

Answer = TypeVar("Answer")

# How long a closed Configuration API is remembered before it is tried again, in seconds.
_CLOSED_FOR = 600.0
_PUBLIC_PAGE_LIMIT = 100


class AirbyteClient:
    """Talks to one workspace. Shared by threads and by sensor ticks: see `client_for`.

    All methods raise AirbyteError and its children (`errors.py`).
    """

    def __init__(self, settings: AirbyteSettings) -> None:
        self._settings = settings
        self._http = Http(settings)
        self._configuration = ConfigurationApi(
            settings.configuration_api_base_url, settings.workspace_id
        )
        self._public = PublicApi(settings.rest_api_base_url, settings.workspace_id)
        self._lock = threading.RLock()
        self._catalog: TTLCache[str, Catalog] = TTLCache(1, settings.catalog_ttl)
        self._closed: TTLCache[str, bool] = TTLCache(1, _CLOSED_FOR)
        self._instance: tuple[str | None, str] | None = None

    @property
    def settings(self) -> AirbyteSettings:
        return self._settings

    # -- what the workspace contains ------------------------------------------------------------

    def catalog(self, budget: TimeBudget = NO_LIMIT, *, fresh: bool = False) -> Catalog:
        """All connections and destinations, read again when older than `catalog_ttl` seconds.

        Two requests while lists fit on one page. Raises AirbyteSettingsError for a workspace that
        does not exist or that the credentials cannot see.
        """
        with self._lock:
            found = None if fresh else self._catalog.get("catalog")
            if found is None:
                found = self._read_catalog(budget)
                self._catalog["catalog"] = found
            return found

    def _read_catalog(self, budget: TimeBudget) -> Catalog:
        connections = self._read_connections(budget)
        if not connections:
            self.check_workspace(budget)
        return Catalog(
            workspace_id=self._settings.workspace_id,
            connections=connections,
            destinations=self._read_destinations(connections, budget) if connections else {},
            read_at=datetime.now(timezone.utc),
        )

    def _read_connections(self, budget: TimeBudget) -> dict[str, Connection]:
        def from_configuration() -> dict[str, Connection]:
            answer = self._http.send(self._configuration.connections(), budget)
            return {row.id: row for row in configuration_api.read_connections(answer).rows}

        def from_public() -> dict[str, Connection]:
            return rows_of_unordered(
                self._public_limit,
                lambda offset: public_api.read_connections(
                    self._http.send(self._public.connections(offset, self._public_limit), budget)
                ),
            )

        return self._configuration_or_public(from_configuration, from_public, budget)

    def _read_destinations(
        self, connections: dict[str, Connection], budget: TimeBudget
    ) -> dict[str, Destination]:
        # The public list alone says the short type that asset kinds are made of ("postgres").
        def page(offset: int) -> Page[Destination]:
            call = self._public.destinations(offset, self._public_limit)
            return public_api.read_destinations(self._http.send(call, budget))

        found = rows_of_unordered(self._public_limit, page)
        used = {connection.destination_id for connection in connections.values()}
        for missed in sorted(used - found.keys() - {""}):
            destination = self._read_destination(missed, budget)
            if destination is not None:
                found[missed] = destination
        return found

    def _read_destination(self, destination_id: str, budget: TimeBudget) -> Destination | None:
        try:
            answer = self._http.send(self._public.destination(destination_id), budget)
        except (AirbyteForbidden, AirbyteNotFound):
            return None
        return public_api.read_destination(object_at(answer))

    def check_workspace(self, budget: TimeBudget = NO_LIMIT) -> None:
        """Raise AirbyteSettingsError if there is no such workspace for these credentials."""
        try:
            self._http.send(self._public.workspace(), budget)
        except (AirbyteForbidden, AirbyteNotFound) as refusal:
            raise AirbyteSettingsError(
                f"Airbyte at {self._settings.rest_api_base_url} has no workspace"
                f" {self._settings.workspace_id!r} that these credentials can see"
                f" (it answered {refusal.status}). Check workspace_id: Airbyte shows it under"
                " Settings > General."
            ) from refusal

    # -- what happened ---------------------------------------------------------------------------

    def finished_jobs(self, since: datetime, budget: TimeBudget = NO_LIMIT) -> Iterator[Job]:
        """Jobs that finished at or after `since` (Airbyte's clock), oldest end first.

        The whole workspace, one request a page, made when its first job is asked for.
        """
        jobs = self._jobs_by_public if self._is_closed else self._jobs_by_configuration
        seen: set[int] = set()
        for job in jobs(since, budget):
            if job.is_finished and job.id not in seen:
                seen.add(job.id)
                yield job

    def _jobs_by_configuration(self, since: datetime, budget: TimeBudget) -> Iterator[Job]:
        limit = self._settings.max_items_per_page

        def fetch(start: datetime, offset: int) -> Page[Job]:
            call = self._configuration.finished_jobs(start, offset, limit)
            return configuration_api.read_jobs(self._http.send(call, budget))

        try:
            yield from jobs_by_end(since, limit, fetch)
        except _CLOSED as closed:
            self._note_closed(closed, budget)
            yield from self._jobs_by_public(since, budget)

    def _jobs_by_public(self, since: datetime, budget: TimeBudget) -> Iterator[Job]:
        types = (None, JobType.REFRESH) if self._hides_refreshes(budget) else (None,)
        by_type = [self._jobs_of_type(since, job_type, budget) for job_type in types]
        return merge(*by_type, key=lambda job: job.updated_at or since)

    def _jobs_of_type(
        self, since: datetime, job_type: JobType | None, budget: TimeBudget
    ) -> Iterator[Job]:
        limit = self._public_limit

        def fetch(start: datetime, offset: int) -> Page[Job]:
            call = self._public.jobs_since(start, offset, limit, job_type)
            return public_api.read_jobs(self._http.send(call, budget))

        # Running jobs have no time of their own here, and would upset the merge.
        return (job for job in jobs_by_end(since, limit, fetch) if job.is_finished)

    def job(self, job_id: int, budget: TimeBudget = NO_LIMIT) -> Job:
        """One job as it is now, with counts by stream where the Configuration API is open."""

        def from_configuration() -> Job:
            call = self._configuration.job(job_id)
            return _known(call, configuration_api.read_job(self._http.send(call, budget)))

        def from_public() -> Job:
            return self.job_status(job_id, budget)

        return self._configuration_or_public(from_configuration, from_public, budget)

    def job_status(self, job_id: int, budget: TimeBudget = NO_LIMIT) -> Job:
        """One job as it is now, with totals only: the cheap question to ask while it runs."""
        call = self._public.job(job_id)
        return _known(call, public_api.read_job(self._http.send(call, budget)))

    def newest_jobs(self, connection_id: str, limit: int = 10) -> list[Job]:
        """The newest jobs of a connection, running ones too, newest first."""
        answer = self._http.send(self._public.newest_jobs(connection_id, limit))
        return list(public_api.read_jobs(answer).rows)

    # -- what to do ------------------------------------------------------------------------------

    def start_sync(self, connection_id: str) -> Job:
        """Start a sync; never sent twice. AirbyteConflict if one runs already."""
        call = self._public.start_sync(connection_id)
        return _known(call, public_api.read_job(self._http.send(call)))

    def cancel(self, job_id: int) -> None:
        """Cancel whatever runs on the job's connection (Airbyte cannot cancel one job alone)."""
        self._http.send(self._public.cancel(job_id))

    # -- the server ------------------------------------------------------------------------------

    def server_time(self, budget: TimeBudget = NO_LIMIT) -> datetime:
        """Airbyte's clock now; one request if this client has never heard from the server."""
        if self._http.server_time is None:
            self.check_workspace(budget)
        return self._http.server_time or datetime.now(timezone.utc)

    def ui_url(self, budget: TimeBudget = NO_LIMIT) -> str:
        """The address of Airbyte's UI, without a trailing slash; asked once."""
        if self._settings.is_cloud:
            return CLOUD_UI
        return self._ask_instance(budget)[1]

    def _hides_refreshes(self, budget: TimeBudget) -> bool:
        """Whether the public job list leaves refreshes out unless asked: servers before 2.1."""
        if self._settings.is_cloud:
            return False
        version, _ = self._ask_instance(budget)
        numbers = (version or "").split(".")[:2]
        known = len(numbers) == 2 and all(number.isdigit() for number in numbers)
        return not known or tuple(map(int, numbers)) < (2, 1)

    def _ask_instance(self, budget: TimeBudget) -> tuple[str | None, str]:
        with self._lock:
            if self._instance is None:
                base = self._settings.configuration_api_base_url
                try:
                    answer = object_at(self._http.send(self._configuration.instance(), budget))
                except (AirbyteRefused, AirbyteUnreadable):
                    answer = {}
                url = text(answer.get("airbyteUrl")) or base.removesuffix("/api/v1")
                self._instance = (text(answer.get("version")), url.rstrip("/"))
            return self._instance

    # -- which API to ask ------------------------------------------------------------------------

    @property
    def _public_limit(self) -> int:
        return min(self._settings.max_items_per_page, _PUBLIC_PAGE_LIMIT)

    @property
    def _is_closed(self) -> bool:
        with self._lock:
            return "closed" in self._closed

    def _note_closed(self, closed: AirbyteRequestError, budget: TimeBudget) -> None:
        """Remember that the Configuration API is closed, unless the workspace is simply wrong."""
        self.check_workspace(budget)
        with self._lock:
            self._closed["closed"] = True

    def _configuration_or_public(
        self,
        from_configuration: Callable[[], Answer],
        from_public: Callable[[], Answer],
        budget: TimeBudget,
    ) -> Answer:
        if not self._is_closed:
            try:
                return from_configuration()
            except _CLOSED as closed:
                self._note_closed(closed, budget)
        return from_public()


# What a Configuration API answers that is switched off, hidden by a proxy, or Cloud's.
_CLOSED = (AirbyteUnauthorized, AirbyteForbidden, AirbyteNotFound)


def _known(call: Call, job: Job | None) -> Job:
    if job is None:
        raise AirbyteUnreadable(call.method, call.url, "an answer that describes no job")
    return job


_clients: LRUCache[tuple[int, AirbyteSettings], AirbyteClient] = LRUCache(32)
_clients_lock = threading.Lock()


def client_for(settings: AirbyteSettings) -> AirbyteClient:
    """The client of this process for these settings.

    Dagster makes a new resource object for every sensor tick; what should outlive a tick (the
    connection, the token, the catalog) lives here. Only time is lost when it is lost.
    """
    # A forked child must not share its parent's sockets.
    key = (os.getpid(), settings)
    with _clients_lock:
        found = _clients.get(key)
        if found is None:
            found = _clients[key] = AirbyteClient(settings)
        return found
