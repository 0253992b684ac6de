"""Everything this package asks of one Airbyte workspace, answered in typed records."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone

from cachetools import TTLCache

from dagster_airbyte_sync.resources.api import configuration_api, public_api
from dagster_airbyte_sync.resources.api.configuration_api import ConfigurationApi
from dagster_airbyte_sync.resources.api.public_api import PublicApi
from dagster_airbyte_sync.resources.client.catalog_reader import CatalogReader
from dagster_airbyte_sync.resources.client.configuration_access import Fallback, stands_for_closed
from dagster_airbyte_sync.resources.client.job_history import JobHistory, NoteUnreadable
from dagster_airbyte_sync.resources.client.server import Server
from dagster_airbyte_sync.resources.errors import (
    AirbyteForbidden,
    AirbyteNotFound,
    AirbyteRequestError,
    AirbyteSettingsError,
)
from dagster_airbyte_sync.resources.http.budget import NO_LIMIT, TimeBudget
from dagster_airbyte_sync.resources.http.settings import AirbyteSettings
from dagster_airbyte_sync.resources.http.transport import Http
from dagster_airbyte_sync.resources.records.catalog import Catalog, Connection, SyncSchedule
from dagster_airbyte_sync.resources.records.jobs import Job, JobType


class AirbyteClient:
    """Talks to one workspace. Shared by threads and by sensor ticks: see `client_for`.

    All methods raise AirbyteError and its children (`errors.py`). `clock` (seconds) ages what it
    remembers; `sleep` is how it waits before a retry.
    """

    def __init__(
        self,
        settings: AirbyteSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = settings
        self._http = Http(settings, sleep=sleep)
        self._server = Server(settings, self._http, clock=clock)
        self._configuration = ConfigurationApi(settings)
        self._public = PublicApi(settings)
        self._history = JobHistory(self._http, self._configuration, self._public)
        self._fallback = Fallback(
            settings, self.check_workspace, self._server.check_address, clock=clock, sleep=sleep
        )
        self._catalog_reader = CatalogReader(
            settings, self._http, self._configuration, self._public, self._fallback
        )
        self._lock = threading.RLock()
        self._catalog: TTLCache[str, Catalog] = TTLCache(1, settings.catalog_ttl, timer=clock)

    # -- what the workspace contains ------------------------------------------------------------

    def catalog(self, budget: TimeBudget = NO_LIMIT, *, fresh: bool = False) -> Catalog:
        """All connections and destinations, read again when older than `catalog_ttl` seconds.

        If lists fit on one page: two requests where the Configuration API answers; where it is
        closed, seven within some three seconds, and then two for the next ten minutes. Raises
        AirbyteSettingsError for a workspace that does not exist or that the credentials cannot see.
        """
        with self._lock:
            catalog = None if fresh else self._catalog.get("catalog")
            if catalog is None:
                catalog = self._catalog_reader.read(budget)
                if not catalog.connections:
                    self.check_workspace(budget)
                self._catalog["catalog"] = catalog
            return catalog

    def check_workspace(self, budget: TimeBudget = NO_LIMIT) -> None:
        """Raise AirbyteSettingsError if there is no such workspace for these credentials."""
        try:
            self._http.send(self._public.workspace(), budget)
        except (AirbyteForbidden, AirbyteNotFound) as refusal:
            raise AirbyteSettingsError(
                f"Airbyte at {self.settings.rest_api_base_url} has no workspace"
                f" {self.settings.workspace_id!r} that these credentials can see"
                f" (it answered {refusal.status}). Check workspace_id: Airbyte shows it under"
                " Settings > General."
            ) from refusal

    # -- what happened ---------------------------------------------------------------------------

    def finished_jobs(
        self,
        since: datetime,
        budget: TimeBudget = NO_LIMIT,
        unreadable: NoteUnreadable | None = None,
    ) -> Iterator[Job]:
        """Jobs that finished at or after `since` (Airbyte's clock), each once.

        Oldest end first; within one second by creation, then by number. One request a page, made
        when its first job is needed. `unreadable` is called for each page with how many of its rows
        are no job, if any. Raises AirbyteUnreadable if the pages cannot be read to their end.
        """
        seen: set[object] = set()
        for job in self._jobs_by_end(since, budget, unreadable):
            if job.identity not in seen:
                seen.add(job.identity)
                yield job

    def _jobs_by_end(
        self, since: datetime, budget: TimeBudget, unreadable: NoteUnreadable | None
    ) -> Iterator[Job]:
        if not self._fallback.is_closed("history"):
            try:
                for job in self._history.by_configuration(since, budget, unreadable):
                    self._fallback.note_answered("history")
                    yield job
                self._fallback.note_answered("history")
                return
            except AirbyteRequestError as refusal:
                self._fallback.note_refused("history", refusal, budget)
        yield from self._history.by_public(since, self._listed_types(budget), budget, unreadable)

    def _listed_types(self, budget: TimeBudget = NO_LIMIT) -> tuple[JobType | None, ...]:
        """The job types to ask the public API for; None stands for those it lists by default."""
        hides_refreshes = self._server.instance(budget).hides_refreshes
        return (None, JobType.REFRESH) if hides_refreshes else (None,)

    def job(self, job_id: int, budget: TimeBudget = NO_LIMIT) -> Job:
        """One job as it is now, with counts by stream where the Configuration API is open."""
        call = self._configuration.job(job_id)
        return self._fallback.ask(
            "job",
            lambda: self._http.read(call, "a job", configuration_api.read_job, budget),
            lambda: self.job_status(job_id, budget),
            budget,
        )

    def job_status(self, job_id: int, budget: TimeBudget = NO_LIMIT) -> Job:
        """One job as it is now, with totals only: cheap enough to ask for while it runs."""
        return self._http.read(self._public.job(job_id), "a job", public_api.read_job, budget)

    def newest_jobs(
        self, connection_id: str, limit: int = 10, budget: TimeBudget = NO_LIMIT
    ) -> list[Job]:
        """The newest jobs of a connection, running ones too, newest first."""
        types, newest = self._listed_types(budget), self._public.newest_jobs
        calls = [newest(connection_id, limit, each) for each in types]
        pages = [self._http.read(call, "jobs", public_api.read_jobs, budget) for call in calls]
        jobs = [job for page in pages for job in page.rows]
        return sorted(jobs, key=lambda job: job.id, reverse=True)[:limit]

    def connection(self, connection_id: str, budget: TimeBudget = NO_LIMIT) -> Connection:
        """One connection as it is now, also if it was deleted, without the types of its columns."""
        call = self._public.connection(connection_id)
        return self._http.read(call, "a connection", public_api.read_connection, budget)

    def connection_status(self, connection_id: str) -> str:
        """A connection's status now: "active", "inactive", "deprecated" (deleted) or "locked"."""
        return self.connection(connection_id).status

    def was_asked_for(self, job: Job) -> bool | None:
        """Whether somebody started a sync, and not a schedule; None if Airbyte does not say.

        Only the Configuration API does, some seconds after the job's creation (airbyte-platform,
        `ConnectionTimelineEventHelper`).
        """
        if self._fallback.is_closed("history"):
            return None
        try:
            answer = self._http.send(self._configuration.starts_by_somebody(job.connection_id))
        except AirbyteRequestError:
            return None
        return job.id in configuration_api.read_started_jobs(answer)

    # -- what to do ------------------------------------------------------------------------------

    def start_sync(self, connection_id: str) -> Job:
        """Start a sync; never sent twice. Raises AirbyteConflict if one runs already."""
        call = self._public.start_sync(connection_id)
        return self._http.read(call, "a job", public_api.read_job)

    def cancel(self, job_id: int) -> None:
        """Cancel whatever runs on the job's connection (Airbyte cannot cancel one job alone)."""
        self._http.send(self._public.cancel(job_id))

    def can_set_schedule(self, schedule: SyncSchedule) -> bool:
        """Whether Airbyte would accept this schedule, as far as is known without trying.

        Where the Configuration API is closed, it accepts no intervals and no time zone but UTC.
        """
        return not self._fallback.is_closed("connections") or public_api.takes_schedule(schedule)

    def set_schedule(self, connection_id: str, schedule: SyncSchedule) -> None:
        """Let Airbyte start the connection's syncs by this schedule.

        Raises AirbyteSettingsError for one that it does not accept (see `can_set_schedule`).
        """
        if self._fallback.is_closed("connections"):
            self._set_publicly(connection_id, schedule)
        else:
            try:
                self._http.send(self._configuration.set_schedule(connection_id, schedule))
            except AirbyteRequestError as refusal:
                # Airbyte answers 400 to a schedule that it does not accept.
                if not stands_for_closed(refusal) or refusal.status == 400:
                    raise
                # Who may not write may still read: this is no news for `Fallback`.
                self._set_publicly(connection_id, schedule, refusal)
        with self._lock:
            self._catalog.clear()

    def _set_publicly(
        self, connection_id: str, schedule: SyncSchedule, refusal: AirbyteRequestError | None = None
    ) -> None:
        if not public_api.takes_schedule(schedule):
            refused = f"Airbyte refused its schedule ({refusal}), and " if refusal else ""
            raise AirbyteSettingsError(
                f"Connection {connection_id}: {refused}without the Configuration API, Airbyte takes"
                " no intervals and no time zone but UTC. Set the schedule in Airbyte's UI."
            ) from refusal
        self._http.send(self._public.set_schedule(connection_id, schedule))

    # -- the server ------------------------------------------------------------------------------

    def server_time(self, budget: TimeBudget = NO_LIMIT, *, fresh: bool = False) -> datetime:
        """Airbyte's clock now, from the last answer; one request if there was none.

        With `fresh` as well, as the clock may have been set since the last answer.
        """
        if fresh or self._http.server_time is None:
            self.check_workspace(budget)
        return self._http.server_time or datetime.now(timezone.utc)

    def ui_url(self, budget: TimeBudget = NO_LIMIT) -> str:
        """The address of Airbyte's UI, without a trailing slash; asked for once.

        While Airbyte does not answer, it is assumed to be beside the API: a link is worth no sync.
        """
        return self._server.instance(budget).ui_url
