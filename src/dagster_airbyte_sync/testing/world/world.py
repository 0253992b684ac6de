"""Everything the simulated Airbyte knows, and the only place where it changes."""

import random
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from heapq import heapify, heappop, heapreplace

from dagster_airbyte_sync.testing.clock import Clock
from dagster_airbyte_sync.testing.errors import SimulatorError
from dagster_airbyte_sync.testing.wire.versions import Version
from dagster_airbyte_sync.testing.world import lifecycle, timeline
from dagster_airbyte_sync.testing.world.backup import as_of
from dagster_airbyte_sync.testing.world.catalog import Catalog
from dagster_airbyte_sync.testing.world.connections import (
    ConnectionChanges,
    SimulatedConnection,
    SimulatedDestination,
    SimulatedSource,
    SimulatedWorkspace,
)
from dagster_airbyte_sync.testing.world.jobs import FinalStatus, JobNumbers, JobType, SimulatedJob
from dagster_airbyte_sync.testing.world.plans import Failure, Plan, RefreshMode
from dagster_airbyte_sync.testing.world.schedule import Schedule
from dagster_airbyte_sync.testing.world.streams import SimulatedStream, StatsByStream, StreamKey
from dagster_airbyte_sync.testing.world.timeline import TimelineEvent

SyncSucceeded = Callable[[SimulatedJob], None]


class World(Catalog):
    """Workspaces and what they have, jobs and timeline.

    Nothing moves between two looks at it: `progress` carries out, in the order of their times,
    all changes that have become due since the last look.
    """

    def __init__(self, clock: Clock, version: Version, workspace_id: str, seed: int = 0) -> None:
        super().__init__(workspace_id)
        self.lock = threading.RLock()
        self.clock = clock
        self.version = version
        self.chance = random.Random(seed)
        self.created_at = clock.now()
        self._numbers = JobNumbers()
        self.jobs: dict[int, SimulatedJob] = {}
        self.forgotten: list[SimulatedJob] = []
        self.events: list[TimelineEvent] = []
        self.timeline_lag = timedelta(0)
        self.sync_succeeded: list[SyncSucceeded] = []
        self._open: defaultdict[str, dict[int, SimulatedJob]] = defaultdict(dict)
        self._last_end: dict[str, datetime] = {}
        self._last_scheduled: dict[str, datetime] = {}
        self._progressing = False

    # What is there

    @property
    def next_job_id(self) -> int:
        return self._numbers.next

    @next_job_id.setter
    def next_job_id(self, number: int) -> None:
        self._numbers.continue_from(number, self.clock.now())

    def job(self, job: SimulatedJob | int) -> SimulatedJob:
        """The job itself, if it is one, or the one that has this number now."""
        if isinstance(job, SimulatedJob):
            return job
        if job not in self.jobs:
            raise SimulatorError(f"There is no job {job}.")
        return self.jobs[job]

    def connection_of(self, job: SimulatedJob) -> SimulatedConnection:
        return self.connections[job.connection_id]

    def running(self, connection_id: str) -> SimulatedJob | None:
        """The newest unfinished job of a connection."""
        found = self._open[connection_id]
        return found[max(found)] if found else None

    def last_sync(self, connection: SimulatedConnection) -> SimulatedJob | None:
        own = (job for job in self.jobs.values() if job.connection_id == connection.connection_id)
        return max((job for job in own if job.type == "sync"), key=_number, default=None)

    # Connections and workspaces come, change and go

    def connect(
        self,
        source: SimulatedSource,
        destination: SimulatedDestination,
        changes: ConnectionChanges,
    ) -> SimulatedConnection:
        """A new connection in the destination's workspace, manual unless its schedule is given."""
        connection = SimulatedConnection(
            connection_id=str(uuid.uuid4()),
            name=f"{source.name} <> {destination.name}",
            streams=source.streams,
            destination_id=destination.destination_id,
            source_id=source.source_id,
            created_at=self.clock.now(),
            schedule=Schedule(),
            workspace_id=destination.workspace_id,
        )
        self.connections[connection.connection_id] = connection
        self.change(connection, changes)
        return connection

    def change(self, connection: SimulatedConnection, changes: ConnectionChanges) -> None:
        """A schedule counts from now on, another one as well as one that is at work again."""
        for name, value in changes.given().items():
            setattr(connection, name, value)
        self.tags_of(connection)
        if changes.schedule is not None or changes.status is not None:
            connection.scheduled_since = self.clock.now()

    def delete_connection(self, connection: SimulatedConnection) -> None:
        """As Airbyte does: cancel what runs, and keep the connection as `deprecated`."""
        self.cancel_running(connection.connection_id, self.clock.now())
        connection.status = "deprecated"

    def delete_workspace(self, workspace: SimulatedWorkspace) -> None:
        """As Airbyte does: delete its connections, and list it no more. Its jobs stay."""
        for connection in self.connections.values():
            if connection.workspace_id == workspace.workspace_id:
                self.delete_connection(connection)
        workspace.is_deleted = True

    # Jobs come and go

    def create_job(
        self,
        connection: SimulatedConnection,
        type: JobType,
        at: datetime,
        *,
        streams: Iterable[SimulatedStream] | None = None,
        unattended: bool = False,
        scheduled: bool = False,
        rest: bool = False,
        modes: dict[StreamKey, RefreshMode] | None = None,
    ) -> SimulatedJob:
        """`streams` are what a refresh or reset is asked for; with `rest` the others sync along."""
        selected = connection.selected_streams
        named = selected if streams is None else tuple(streams)
        taking_part = selected if rest or type == "sync" else named
        whole = selected if type == "refresh" else taking_part
        configured = {stream.key for stream in selected}
        job = SimulatedJob(
            job_id=self.next_job_id,
            connection_id=connection.connection_id,
            type=type,
            created_at=at,
            updated_at=at,
            streams=taking_part,
            attempt_length=timedelta(seconds=connection.sync_seconds),
            unattended=unattended,
            scheduled=scheduled,
            plan=connection.next_plan() if unattended else Plan(),
            named=() if type == "sync" else tuple(stream.key for stream in named),
            refresh_modes=modes or {},
            enabled=tuple(stream.key for stream in whole if stream.key in configured),
        )
        self.add_job(job)
        if not scheduled:
            self.events.append(timeline.started(job, self.timeline_lag))
        return job

    def add_job(self, job: SimulatedJob) -> None:
        self._keep(job)
        self.next_job_id = job.job_id + 1

    def _keep(self, job: SimulatedJob) -> None:
        self.jobs[job.job_id] = job
        if job.is_finished:
            _note(self._last_end, job.connection_id, job.updated_at)
        else:
            self._open[job.connection_id][job.job_id] = job
        if job.scheduled:
            _note(self._last_scheduled, job.connection_id, job.created_at)

    def succeed(self, job: SimulatedJob, at: datetime, stats: StatsByStream) -> None:
        job.succeed(at, stats)
        self._close(job)
        self._announce(job)

    def fail(
        self,
        job: SimulatedJob,
        at: datetime,
        failure: Failure,
        stats: StatsByStream | None = None,
        completed: frozenset[StreamKey] = frozenset(),
    ) -> None:
        if job.status != "incomplete":
            job.fail_attempt(at, failure, stats, completed)
        job.give_up(at)
        self._close(job)

    def cancel(self, job: SimulatedJob, at: datetime, stats: StatsByStream | None = None) -> None:
        job.cancel(at, stats)
        self._close(job)

    def finish(
        self, job: SimulatedJob, at: datetime, status: FinalStatus, stats: StatsByStream | None
    ) -> None:
        """End a job of the past; nobody is called back for it."""
        job.begin(job.created_at)
        if status == "succeeded":
            job.succeed(at, stats or {})
            self._close(job)
        elif status == "failed":
            self.fail(job, at, Failure(), stats)
        else:
            self.cancel(job, at, stats)

    def cancel_running(self, connection_id: str, at: datetime) -> None:
        running = self.running(connection_id)
        if running:
            self.cancel(running, at)

    def create_next(
        self, connection: SimulatedConnection, at: datetime, *, scheduled: bool = False
    ) -> SimulatedJob:
        """A sync, unless something else is stored for the connection's next job."""
        stored = connection.stored
        if stored.clears:
            streams = list(stored.clears.values())
            return self.create_job(connection, "reset", at, streams=streams, unattended=True)
        if stored.refreshes:
            streams, modes = stored.take_refreshes()
            return self.create_job(
                connection,
                "refresh",
                at,
                streams=streams,
                unattended=True,
                scheduled=scheduled,
                rest=True,
                modes=modes,
            )
        return self.create_job(connection, "sync", at, unattended=True, scheduled=scheduled)

    def start_for_client(self, connection: SimulatedConnection) -> SimulatedJob:
        """A job that a request asks for. Up to 2.1.0 the answer waits until the job runs."""
        at = self.clock.now()
        job = self.create_next(connection, at)
        if not self.version.answers_before_running:
            job.begin(at)
        return job

    def clear_for_client(
        self, connection: SimulatedConnection, streams: Iterable[SimulatedStream]
    ) -> SimulatedJob:
        """Cancels what runs on the connection first."""
        self.cancel_running(connection.connection_id, self.clock.now())
        connection.stored.store_clear(streams)
        return self.start_for_client(connection)

    def cancel_on_behalf_of(self, job: SimulatedJob, at: datetime) -> None:
        """Cancel what runs on the job's connection; the timeline blames the job in any case."""
        running = self.running(job.connection_id)
        if running:
            self.cancel(running, at)
        if running is not job:
            self.events.append(timeline.cancelled(job, at))

    def restore(self, to: datetime) -> list[SimulatedJob]:
        """Have only what was there then. Returns the jobs that had not ended."""
        before = list(self.jobs.values())
        then = [as_of(job, to) for job in before]
        self.forgotten += [job for job, kept in zip(before, then, strict=True) if kept is not job]
        for known in (self.jobs, self._open, self._last_end, self._last_scheduled):
            known.clear()
        for job in filter(None, then):
            self._keep(job)
        self.events = [event for event in self.events if event.created_at <= to]
        self._numbers.restore(to, max(self.jobs, default=0) + 1, self.clock.now())
        return [job for job in self.jobs.values() if not job.is_finished]

    def forget_job(self, job: SimulatedJob) -> None:
        self.jobs.pop(job.job_id, None)
        self._open[job.connection_id].pop(job.job_id, None)

    def _close(self, job: SimulatedJob) -> None:
        self._open[job.connection_id].pop(job.job_id, None)
        _note(self._last_end, job.connection_id, job.updated_at)
        if job.type == "reset" and job.status != "failed":
            self.connection_of(job).stored.forget_clears(job.named)
        lifecycle.note_states(self.connection_of(job), job)
        by_user = job.status == "cancelled"
        event = timeline.cancelled(job, job.updated_at) if by_user else timeline.finished(job)
        self.events.append(event)

    def _announce(self, job: SimulatedJob) -> None:
        if job.type != "reset":
            for callback in self.sync_succeeded:
                callback(job)

    # Time passes

    def progress(self) -> datetime:
        """Carry out what has become due, and say what time it is."""
        now = self.clock.now()
        if not self._progressing:
            self._progressing = True
            try:
                self._progress_to(now)
            finally:
                self._progressing = False
        return now

    def retry_now(self) -> None:
        """Begin the next attempt of jobs that wait for one, without waiting for the back-off."""
        at = self.clock.now()
        for connection_id in self.connections:
            for job in self._open[connection_id].values():
                if job.status == "incomplete" and not job.unattended:
                    job.begin(at)

    def _progress_to(self, now: datetime) -> None:
        self._carry_out_all(now)
        for jobs in self._open.values():
            for job in jobs.values():
                lifecycle.note_progress(job, now)

    def _carry_out_all(self, now: datetime) -> None:
        # Most connections of a large workspace are at rest: this is asked before every request.
        open_jobs = self._open
        connections = [
            each
            for each in self.connections.values()
            if each.schedule.every or open_jobs.get(each.connection_id)
        ]
        found = ((self._next_change(each), place) for place, each in enumerate(connections))
        due = [(at, place) for at, place in found if at and at <= now]
        heapify(due)
        while due:
            at, place = due[0]
            self._carry_out(connections[place], at)
            again = self._next_change(connections[place])
            if again and again <= now:
                heapreplace(due, (again, place))
            else:
                heappop(due)

    def _carry_out(self, connection: SimulatedConnection, at: datetime) -> None:
        """Make the connection's next change, unless a callback has changed it meanwhile."""
        jobs = self._open[connection.connection_id].values()
        job = next((job for job in jobs if lifecycle.next_change(job) == at), None)
        if job:
            self._change(job, at)
        elif self._next_start(connection) == at:
            self.create_next(connection, at, scheduled=True)

    def _next_change(self, connection: SimulatedConnection) -> datetime | None:
        jobs = self._open[connection.connection_id].values()
        changes = (lifecycle.next_change(job) for job in jobs)
        return min((at for at in changes if at), default=None) or self._next_start(connection)

    def _next_start(self, connection: SimulatedConnection) -> datetime | None:
        """A schedule waits for the connection's running job, and then makes up for the delay."""
        connection_id = connection.connection_id
        if connection.schedule.every is None or connection.status != "active":
            return None
        if self._open[connection_id]:
            return None
        not_before = max(
            connection.scheduled_since,
            self._last_end.get(connection_id, connection.scheduled_since),
        )
        return connection.schedule.due(self._last_scheduled.get(connection_id), not_before)

    def _change(self, job: SimulatedJob, at: datetime) -> None:
        lifecycle.change(job, at)
        if job.is_finished:
            self._close(job)
        if job.status == "succeeded":
            self._announce(job)


def _number(job: SimulatedJob) -> int:
    return job.job_id


def _note(latest: dict[str, datetime], connection_id: str, moment: datetime) -> None:
    """Remember a moment unless a later one is known: history may be written afterwards."""
    latest[connection_id] = max(latest.get(connection_id, moment), moment)
