"""Jobs under a test's control."""

from collections.abc import Callable, Iterable
from datetime import datetime

from dagster_airbyte_sync.testing.errors import SimulatorError
from dagster_airbyte_sync.testing.world.connections import SimulatedConnection
from dagster_airbyte_sync.testing.world.jobs import JobType, SimulatedJob
from dagster_airbyte_sync.testing.world.lifecycle import committed, partial
from dagster_airbyte_sync.testing.world.plans import (
    Failure,
    FailureOrigin,
    FailureType,
    Outcome,
    Plan,
)
from dagster_airbyte_sync.testing.world.streams import (
    Counts,
    SimulatedStream,
    StreamKey,
    StreamName,
    moved,
    pick,
    pick_or_make,
    so_far,
)
from dagster_airbyte_sync.testing.world.world import World

_REASON = "Something went wrong in the connector"


class JobControls:
    """What a test can do to jobs.

    A job that a test starts waits for the test, unless it is `unattended`; jobs that a schedule
    or a request starts run by themselves. In the place of a job its number does. `rows` may be one
    number for each stream of the job, or a number by stream; a stream that is left out then has no
    statistics. The default is what each stream says.
    """

    _world: World

    @property
    def jobs(self) -> list[SimulatedJob]:
        """All jobs, oldest first, as they are now."""
        with self._world.lock:
            self._world.progress()
            return [self._world.jobs[job_id] for job_id in sorted(self._world.jobs)]

    def job(self, job_id: int) -> SimulatedJob:
        with self._world.lock:
            self._world.progress()
            return self._world.job(job_id)

    def job_ids_from(self, start: int) -> None:
        """Let the next job have this id."""
        with self._world.lock:
            self._world.next_job_id = start

    # Starting

    def start_sync(
        self,
        connection: SimulatedConnection,
        *,
        unattended: bool = False,
        scheduled: bool = False,
    ) -> SimulatedJob:
        """Start a sync, as somebody in Airbyte's UI; `scheduled` as Airbyte's own scheduler."""
        return self._start(connection, "sync", unattended=unattended, scheduled=scheduled)

    def start_refresh(
        self,
        connection: SimulatedConnection,
        streams: Iterable[StreamName] | None = None,
        *,
        unattended: bool = False,
        rest: bool = False,
    ) -> SimulatedJob:
        """With `rest` the connection's other streams sync in the same job, as Airbyte does it."""
        return self._start(connection, "refresh", streams, unattended=unattended, rest=rest)

    def start_clear(
        self,
        connection: SimulatedConnection,
        streams: Iterable[StreamName] | None = None,
        *,
        unattended: bool = False,
    ) -> SimulatedJob:
        """Cancels a running job first. Airbyte stores a clear as a reset.

        `streams` may name what the connection has no more: the job then does not list it among
        its enabled streams.
        """
        return self._start(connection, "reset", streams, unattended=unattended)

    def start_reset(
        self,
        connection: SimulatedConnection,
        streams: Iterable[StreamName] | None = None,
        *,
        unattended: bool = False,
    ) -> SimulatedJob:
        """Cancels a running job first; `streams` are those of `start_clear`."""
        return self._start(connection, "reset", streams, unattended=unattended)

    def run_sync(
        self,
        connection: SimulatedConnection,
        *,
        rows: Counts | None = None,
        bytes: Counts | None = None,
        rejected: Counts | None = None,
        scheduled: bool = False,
    ) -> SimulatedJob:
        """Start a sync and let it succeed at once."""
        job = self.start_sync(connection, scheduled=scheduled)
        return self.succeed(job, rows=rows, bytes=bytes, rejected=rejected)

    def run_refresh(
        self,
        connection: SimulatedConnection,
        streams: Iterable[StreamName] | None = None,
        *,
        rows: Counts | None = None,
        rest: bool = False,
    ) -> SimulatedJob:
        return self.succeed(self.start_refresh(connection, streams, rest=rest), rows=rows)

    def run_clear(
        self, connection: SimulatedConnection, streams: Iterable[StreamName] | None = None
    ) -> SimulatedJob:
        return self.succeed(self.start_clear(connection, streams))

    # Going on

    def begin(self, job: SimulatedJob | int) -> SimulatedJob:
        """Let a pending job run, or a job with a failed attempt make the next one."""
        return self._now(job, SimulatedJob.begin)

    def queue(self, job: SimulatedJob | int) -> SimulatedJob:
        """Let a pending job wait for room, as Airbyte does since 2.1."""
        return self._now(job, SimulatedJob.wait_for_room)

    def report_progress(
        self, job: SimulatedJob | int, *, rows: Counts, bytes: Counts | None = None
    ) -> SimulatedJob:
        """What the running attempt has read so far; of incremental streams it is committed, too."""

        def note(job: SimulatedJob, at: datetime) -> None:
            if job.status != "running":
                job.begin(at)
            job.attempts[-1].stats = so_far(job.streams, moved(job.streams, rows, bytes), 1.0)

        return self._now(job, note)

    def succeed(
        self,
        job: SimulatedJob | int,
        *,
        rows: Counts | None = None,
        bytes: Counts | None = None,
        rejected: Counts | None = None,
    ) -> SimulatedJob:
        def change(job: SimulatedJob, at: datetime) -> None:
            self._world.succeed(job, at, committed(job, rows, bytes, rejected))

        return self._now(job, change)

    def fail(
        self,
        job: SimulatedJob | int,
        *,
        reason: str = _REASON,
        origin: FailureOrigin = "source",
        type: FailureType = "system_error",
        rows: Counts | None = None,
        completed: Iterable[StreamName] = (),
    ) -> SimulatedJob:
        """End a job in failure. `completed` streams were done before the attempt failed."""
        failure = Failure(reason, origin, type)

        def change(job: SimulatedJob, at: datetime) -> None:
            self._world.fail(job, at, failure, partial(job, rows), _keys(job, completed))

        return self._now(job, change)

    def fail_attempt(
        self,
        job: SimulatedJob | int,
        *,
        reason: str = _REASON,
        origin: FailureOrigin = "source",
        type: FailureType = "system_error",
        rows: Counts | None = None,
        completed: Iterable[StreamName] = (),
    ) -> SimulatedJob:
        """End the attempt only: the job is incomplete, and the next `advance` tries again."""
        failure = Failure(reason, origin, type)

        def change(job: SimulatedJob, at: datetime) -> None:
            job.fail_attempt(at, failure, partial(job, rows), _keys(job, completed))

        return self._now(job, change)

    def cancel(self, job: SimulatedJob | int, *, rows: Counts | None = None) -> SimulatedJob:
        return self._now(job, lambda job, at: self._world.cancel(job, at, partial(job, rows)))

    def speak_of(
        self, job: SimulatedJob | int, *, status: str | None = None, type: str | None = None
    ) -> None:
        """Write words of an Airbyte to come for the job's status and type; None for its own.

        A job with a status of that kind is in no list of finished ones, whatever became of it.
        """
        with self._world.lock:
            job = self._world.job(job)
            job.unheard_status, job.unheard_type = status, type

    def plan(
        self,
        connection: SimulatedConnection,
        *,
        failing_attempts: int = 0,
        outcome: Outcome = "succeeded",
        reason: str = _REASON,
        origin: FailureOrigin = "source",
        type: FailureType = "system_error",
        rows: Counts | None = None,
        bytes: Counts | None = None,
        rejected: Counts | None = None,
        completed: Iterable[StreamName] = (),
        jobs: int = 1,
    ) -> None:
        """What the connection's next unattended jobs will meet; the outcome `never` never ends."""
        failure, done = Failure(reason, origin, type), tuple(completed)
        plan = Plan(failing_attempts, outcome, failure, rows, bytes, rejected, done)
        with self._world.lock:
            connection.plans.extend([plan] * jobs)

    def on_sync_succeeded(self, callback: Callable[[SimulatedJob], None]) -> None:
        """Call back when a sync or refresh has succeeded, before any client can see that it has."""
        self._world.sync_succeeded.append(callback)

    def _start(
        self,
        connection: SimulatedConnection,
        type: JobType,
        streams: Iterable[StreamName] | None = None,
        *,
        unattended: bool,
        scheduled: bool = False,
        rest: bool = False,
    ) -> SimulatedJob:
        with self._world.lock:
            now = self._world.progress()
            _check_startable(connection, type)
            self._make_way(connection, type, now)
            return self._world.create_job(
                connection,
                type,
                now,
                streams=_chosen(connection, type, streams),
                unattended=unattended,
                scheduled=scheduled,
                rest=rest,
            )

    def _make_way(self, connection: SimulatedConnection, type: JobType, now: datetime) -> None:
        """A reset cancels what runs; anything else has to wait for it."""
        running = self._world.running(connection.connection_id)
        if running and type != "reset":
            raise SimulatorError(f"Job {running.job_id} is already running on {connection.name!r}.")
        self._world.cancel_running(connection.connection_id, now)

    def _now(
        self, job: SimulatedJob | int, change: Callable[[SimulatedJob, datetime], None]
    ) -> SimulatedJob:
        with self._world.lock:
            now = self._world.progress()
            job = self._world.job(job)
            if job.is_finished:
                raise SimulatorError(f"Job {job.job_id} has {job.status} already.")
            change(job, now)
            return job


def _chosen(
    connection: SimulatedConnection, type: JobType, names: Iterable[StreamName] | None
) -> list[SimulatedStream] | None:
    if names is None:
        return None
    if type == "reset":
        return pick_or_make(names, connection.streams)
    return pick(names, connection.selected_streams)


def _keys(job: SimulatedJob, names: Iterable[StreamName]) -> frozenset[StreamKey]:
    return frozenset(stream.key for stream in pick(names, job.streams))


def _check_startable(connection: SimulatedConnection, type: JobType) -> None:
    if connection.status != "active" and type != "reset":
        raise SimulatorError(f"Connection {connection.name!r} is {connection.status}.")
