"""Everything this package asks of Airbyte workspaces, answered in typed records."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from dagster_airbyte_sync.resources.access.configuration_access import stands_for_closed
from dagster_airbyte_sync.resources.api import configuration_api, public_api
from dagster_airbyte_sync.resources.api.configuration_api import ConfigurationApi
from dagster_airbyte_sync.resources.client.catalog_reader import CatalogReader
from dagster_airbyte_sync.resources.client.extras import Extras
from dagster_airbyte_sync.resources.client.finished_jobs import FinishedJobs, NoteWorkspaces
from dagster_airbyte_sync.resources.client.former_calls import FormerCalls
from dagster_airbyte_sync.resources.client.job_details import JobDetails
from dagster_airbyte_sync.resources.client.job_history import JobHistory, LatestJobs, NoteUnreadable
from dagster_airbyte_sync.resources.client.kept_catalog import KeptCatalog
from dagster_airbyte_sync.resources.client.unfinished_jobs import BusyConnections, UnfinishedJobs
from dagster_airbyte_sync.resources.errors import (
    AirbyteRequestError,
    AirbyteSettingsError,
)
from dagster_airbyte_sync.resources.http.budget import NO_LIMIT, TimeBudget
from dagster_airbyte_sync.resources.http.settings import AirbyteSettings
from dagster_airbyte_sync.resources.records.catalog import (
    Api,
    Catalog,
    Connection,
    StreamId,
    SyncSchedule,
)
from dagster_airbyte_sync.resources.records.job_log import JobLog
from dagster_airbyte_sync.resources.records.job_request import JobRequest
from dagster_airbyte_sync.resources.records.job_starter import JobStarter
from dagster_airbyte_sync.resources.records.jobs import Job, JobType
from dagster_airbyte_sync.resources.records.stream_outcome import StreamOutcome

# What only people read must not keep definitions from loading (seconds).
_FOR_DESCRIPTIONS = 10.0


class AirbyteClient(FormerCalls):
    """A client of one Airbyte workspace, or of several of an instance.

    Get it from `workspace.get_client()`; threads and sensor ticks share it. All methods raise
    AirbyteError and its subclasses. What it remembers ages by `clock` (seconds); `sleep` is how it
    waits before a retry.
    """

    def __init__(
        self,
        settings: AirbyteSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(settings, clock=clock, sleep=sleep)
        self._configuration = ConfigurationApi(settings)
        self._history = JobHistory(self._http, self._configuration, self._public)
        self._finished = FinishedJobs(
            self._history, self._workspaces, self._fallback, self._listed_types
        )
        self._unfinished = UnfinishedJobs(self._http, self._configuration, self._public, clock)
        self._catalog_reader = CatalogReader(
            settings,
            self._http,
            self._configuration,
            self._public,
            self._fallback,
            self._server,
            self._workspaces,
            clock=clock,
        )
        self._details = JobDetails(
            settings,
            Extras(self._http, clock=clock),
            lambda: self._http.server_time,
            self.workspace_of,
        )
        self._kept = KeptCatalog(settings.catalog_ttl, clock)

    # -- what the workspace contains ------------------------------------------------------------

    def catalog(self, budget: TimeBudget = NO_LIMIT, *, fresh: bool = False) -> Catalog:
        """Return all connections and destinations; read again when older than `catalog_ttl`.

        If lists fit on one page, this takes two requests where the Configuration API answers. Where
        it is closed, it takes seven within about three seconds, and then two for the next ten
        minutes.

        Raises:
            AirbyteSettingsError: If the workspace does not exist, or the credentials cannot see it.
        """
        catalog = None if fresh else self._kept.get()
        return catalog or self._read_catalog(budget, fresh=fresh)

    def _read_catalog(self, budget: TimeBudget, *, fresh: bool) -> Catalog:
        read = self._catalog_reader.read
        with self._kept.reading(budget):
            # Another thread may have read it meanwhile.
            catalog = None if fresh else self._kept.get()
            if catalog is not None:
                return catalog
            try:
                catalog = self._retried(lambda: read(budget, goes_on=not fresh), budget)
            except AirbyteRequestError as error:
                self._server.check_public_address(error, budget)
                raise
            if not catalog.connections:
                self.check_workspace(budget)
            self._kept.keep(catalog)
            return catalog

    def connections(self, budget: TimeBudget = NO_LIMIT) -> Catalog:
        """Return all connections as they are now, without destinations, and remember nothing: one
        request if they fit on a page, to the public API where the other one is closed."""
        found = self._retried(lambda: self._catalog_reader.read_connections(budget), budget)
        if not found.connections:
            self.check_workspace(budget)
        return found

    def connections_with(self, connection_id: str, budget: TimeBudget = NO_LIMIT) -> Catalog:
        """Return the same for one connection only, even if it was deleted.

        If Airbyte does not have it, a catalog without connections, after some more requests to be
        sure.
        """
        read = self._catalog_reader.read_connection
        found = self._retried(lambda: read(connection_id, budget), budget)
        if not found.connections:
            self.check_workspace(budget)
        return found

    def described_catalog(self, *, fresh: bool = False) -> Catalog:
        """Return the catalog with what definitions also show: where the UI is, and the names of
        sources. At most two more requests, neither of which can make it fail."""
        with self._kept.reading():
            catalog = self.catalog(fresh=fresh)
            if catalog.ui_url is None:
                budget = TimeBudget(_FOR_DESCRIPTIONS)
                has_sources = any(each.source_id for each in catalog.connections.values())
                sources = self._catalog_reader.read_sources(budget) if has_sources else {}
                catalog = replace(
                    catalog,
                    ui_url=self.ui_url(budget),
                    sources={each.id: each.name for each in sources.values() if each.name},
                    source_types={each.id: each.type for each in sources.values() if each.type},
                )
                self._kept.keep(catalog)
            return catalog

    # -- what happened ---------------------------------------------------------------------------

    def finished_jobs(
        self,
        since: datetime,
        budget: TimeBudget = NO_LIMIT,
        unreadable: NoteUnreadable | None = None,
        among: Collection[str] | None = None,
        asked: NoteWorkspaces | None = None,
    ) -> Iterator[Job]:
        """Yield jobs that finished at or after `since` (Airbyte's clock), each once.

        Ordered by end, within a second by creation, then by number. One request for each page, made
        when its first job is needed. For each page with rows that are not jobs, `unreadable` is
        called with their number. Raises AirbyteUnreadable if the pages cannot be read to their end.

        `among` are the workspaces of an instance to ask about, if not all. `asked` is called with
        those that are asked about, and again with the rest if some have gone away.
        """
        return self._finished.read(since, budget, unreadable, among, asked)

    def latest_jobs(
        self,
        connections: Collection[str],
        since: datetime,
        budget: TimeBudget = NO_LIMIT,
        *,
        asks_alone: bool = True,
    ) -> LatestJobs:
        """Return jobs that changed since a time, back to each connection's last finished one.

        Mostly one request, or two before Airbyte 2.1 without the Configuration API. Connections
        without a finished job are asked about one by one, also further back, at most 30 of them in
        the given order, and none if not `asks_alone`. See `LatestJobs`.
        """
        history, ids_now = self._history, self._workspaces.ids

        def ask() -> LatestJobs:
            ids = ids_now(budget)
            return self._fallback.ask(
                "history",
                lambda: history.latest_by_configuration(
                    ids, connections, since, budget, asks_alone=asks_alone
                ),
                lambda: history.latest_by_public(
                    ids,
                    connections,
                    since,
                    self._listed_types(budget),
                    budget,
                    asks_alone=asks_alone,
                ),
                budget,
            )

        return self._retried(ask, budget)

    def _listed_types(self, budget: TimeBudget = NO_LIMIT) -> tuple[JobType | None, ...]:
        """The job types to ask the public API for; None stands for those it lists by default."""
        hides_refreshes = self._server.instance(budget).hides_refreshes
        return (None, JobType.REFRESH) if hides_refreshes else (None,)

    def job(self, job_id: int, budget: TimeBudget = NO_LIMIT) -> Job:
        """Return a job as it is now, with counts by stream where the Configuration API is open."""
        call = self._configuration.job(job_id)
        return self._retried(
            lambda: self._fallback.ask(
                "job",
                lambda: self._http.read(call, "a job", configuration_api.read_job, budget),
                lambda: self.job_status(job_id, budget),
                budget,
            ),
            budget,
        )

    def job_status(self, job_id: int, budget: TimeBudget = NO_LIMIT) -> Job:
        """Return a job as it is now, with totals only: cheap enough to ask for while it runs."""
        return self._http.read(self._public.job(job_id), "a job", public_api.read_job, budget)

    def newest_jobs(
        self, connection_id: str, limit: int = 10, budget: TimeBudget = NO_LIMIT
    ) -> list[Job]:
        """Return the newest jobs of a connection, the newest first, including running ones."""
        types, newest = self._listed_types(budget), self._public.newest_jobs
        calls = [newest(connection_id, limit, each) for each in types]
        pages = [self._http.read(call, "jobs", public_api.read_jobs, budget) for call in calls]
        jobs = [job for page in pages for job in page.rows]
        return sorted(jobs, key=lambda job: job.id, reverse=True)[:limit]

    def unfinished_jobs(
        self, budget: TimeBudget = NO_LIMIT, connection_id: str | None = None
    ) -> list[Job]:
        """Return the jobs of the workspace, or of one connection, that wait or run now.

        The oldest, up to a page of them. One request; where the Configuration API is closed, one
        for each of four statuses, and before Airbyte 2.1 as many again for refreshes.
        """
        unfinished = self._unfinished

        def ask() -> list[Job]:
            ids = self._workspaces.ids(budget)
            return self._fallback.ask(
                "unfinished jobs",
                lambda: unfinished.by_configuration(ids, budget, connection_id),
                lambda: unfinished.by_public(
                    ids, self._listed_types(budget), budget, connection_id
                ),
                budget,
            )

        return self._retried(ask, budget)

    def busy_connections(self, enough: int, budget: TimeBudget = NO_LIMIT) -> BusyConnections:
        """Return the connections of all workspaces on which a job waits or runs now: all, or some
        if there are `enough`. Mostly one request; where the Configuration API is closed, up to
        eight, and before Airbyte 2.1 twice as many.
        """
        unfinished = self._unfinished

        def ask() -> BusyConnections:
            ids = self._workspaces.ids(budget)
            return self._fallback.ask(
                "unfinished jobs",
                lambda: unfinished.busy_by_configuration(ids, enough, budget),
                lambda: unfinished.busy_by_public(ids, self._listed_types(budget), enough, budget),
                budget,
            )

        return self._retried(ask, budget)

    def known_connection(self, connection_id: str, budget: TimeBudget = NO_LIMIT) -> Connection:
        """Return a connection from the remembered catalog, or else with one request."""
        catalog = self._kept.get()
        listed = catalog.connections.get(connection_id) if catalog else None
        return listed or self.connection(connection_id, budget)

    # -- what else Airbyte knows of a job: each is None if it does not say, and never raises -------

    def who_started(self, job: Job, budget: TimeBudget = NO_LIMIT) -> JobStarter | None:
        """Return the person or schedule that the connection's timeline names. One request.

        That a schedule started a job shows only some seconds after it began; until then this is
        None. It is also None for jobs older than the timeline, which begins with Airbyte 1.0, and
        of which Airbyte 2.0 and later keep 18 months.
        """
        return self._details.starter(job, budget)

    def was_asked_for(self, job: Job, budget: TimeBudget = NO_LIMIT) -> bool | None:
        """Whether somebody, and not a schedule, is known to have started a job. One request.

        False can become True within some seconds of the job's creation, when Airbyte records it.
        """
        known = self._details.around(job, budget)
        return None if known is None else job.id in known.starters

    def stream_outcomes(
        self, job: Job, budget: TimeBudget = NO_LIMIT
    ) -> Mapping[StreamId, StreamOutcome] | None:
        """Return which streams of a failed or cancelled sync or refresh are complete nevertheless.

        One request, unless the job has thousands of streams and attempts: then at most four, and
        some streams may be missing.
        """
        return self._details.outcomes(job, budget)

    @property
    def refuses_stream_outcomes(self) -> bool:
        """Whether Airbyte refuses outcomes of any job, or has not answered for minutes; it is
        asked again after ten minutes."""
        return self._details.refuses_outcomes

    @property
    def pauses_stream_outcomes(self) -> bool:
        """Whether Airbyte is not asked for stream outcomes now."""
        return self._details.pauses_outcomes

    def failure_log(self, job: Job, budget: TimeBudget = NO_LIMIT) -> JobLog | None:
        """Return the end of the log of a failed or cancelled job's last attempt. One request.

        Known secrets, and what looks like one, are removed. None if the log has more than 32 MB,
        which Airbyte sends as a whole.
        """
        return self._details.log(job, budget)

    # -- what to do ------------------------------------------------------------------------------

    def start_sync(self, connection_id: str) -> Job:
        """Start a sync; never sent twice. Raises AirbyteConflict if one is already running."""
        call = self._public.start(JobRequest(connection_id))
        return self._http.read(call, "a job", public_api.read_job)

    def start(self, request: JobRequest, through: Api = "public") -> Job | None:
        """Start a sync, refresh or clear through that API; never sent twice.

        A clear cancels what runs. If something runs, a refresh is stored, and the connection's next
        job is a refresh: then this returns None, as it does if the destination does not support
        refreshes. Raises AirbyteSettingsError for what the public API cannot start.
        """
        if through == "public":
            return self._http.read(self._public.start(request), "a job", public_api.read_job)
        call = self._configuration.start(request)
        return self._http.read(call, "a job", configuration_api.read_started).job

    def supports_refreshes(self, connection: Connection, budget: TimeBudget = NO_LIMIT) -> bool:
        """Whether the destination's connector is new enough for refreshes. One request, which only
        the Configuration API answers."""
        call = self._configuration.version_of_destination(connection.destination_id)
        reader = configuration_api.read_version
        return self._http.read(call, "a version", reader, budget).supports_refreshes

    def cancel(self, job_id: int) -> None:
        """Cancel whatever runs on the job's connection. (Airbyte cannot cancel a single job.)"""
        self._http.send(self._public.cancel(job_id))

    def can_set_schedule(self, schedule: SyncSchedule) -> bool:
        """Whether Airbyte would accept this schedule, as far as is known without trying.

        Where the Configuration API is closed, it accepts no intervals and no time zone except UTC.
        """
        return not self._fallback.is_closed("connections") or public_api.takes_schedule(schedule)

    def set_schedule(self, connection_id: str, schedule: SyncSchedule) -> None:
        """Set the schedule by which Airbyte starts the connection's syncs.

        Raises AirbyteSettingsError if Airbyte does not accept it (see `can_set_schedule`).
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
        self._kept.clear()

    def _set_publicly(
        self, connection_id: str, schedule: SyncSchedule, refusal: AirbyteRequestError | None = None
    ) -> None:
        if not public_api.takes_schedule(schedule):
            refused = f"Airbyte refused its schedule ({refusal}), and " if refusal else ""
            raise AirbyteSettingsError(
                f"Connection {connection_id}: {refused}without the Configuration API, Airbyte"
                " accepts neither intervals nor time zones other than UTC. Set the schedule in"
                " Airbyte's UI."
            ) from refusal
        self._http.send(self._public.set_schedule(connection_id, schedule))
