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

    A job started by the test waits for the test, unless it is `unattended`. Jobs started by a
    schedule or a request run by themselves. Instead of a job you can pass its number. `rows` is one
    number for each stream of the job, or a mapping from streams to numbers, where a stream that is
    left out has no statistics. The default is what each stream says.
    """

    _world: World

    @property
    def jobs(self) -> list[SimulatedJob]:
        """All jobs as they are now, the oldest first."""
        with self._world.lock:
            self._world.progress()
            return [self._world.jobs[job_id] for job_id in sorted(self._world.jobs)]

    def job(self, job_id: int) -> SimulatedJob:
        """Return a job as it is now."""
        with self._world.lock:
            self._world.progress()
            return self._world.job(job_id)

    def job_ids_from(self, start: int) -> None:
        """Set the id of the next job."""
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
        """Start a sync as a user in Airbyte's UI; with `scheduled`, as Airbyte's scheduler."""
        return self._start(connection, "sync", unattended=unattended, scheduled=scheduled)

    def start_refresh(
        self,
        connection: SimulatedConnection,
        streams: Iterable[StreamName] | None = None,
        *,
        unattended: bool = False,
        rest: bool = False,
    ) -> SimulatedJob:
        """Start a refresh. With `rest`, its job also syncs the other streams, as in Airbyte."""
        return self._start(connection, "refresh", streams, unattended=unattended, rest=rest)

    def start_clear(
        self,
        connection: SimulatedConnection,
        streams: Iterable[StreamName] | None = None,
        *,
        unattended: bool = False,
    ) -> SimulatedJob:
        """Start a clear, which Airbyte stores as a reset. Cancels a running job first.

        `streams` can name streams that the connection no longer has; the job does not list them
        among its enabled streams.
        """
        return self._start(connection, "reset", streams, unattended=unattended)

    def start_reset(
        self,
        connection: SimulatedConnection,
        streams: Iterable[StreamName] | None = None,
        *,
        unattended: bool = False,
    ) -> SimulatedJob:
        """Start a reset. Cancels a running job first; `streams` are those of `start_clear`."""
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
        """Start a refresh and let it succeed at once."""
        return self.succeed(self.start_refresh(connection, streams, rest=rest), rows=rows)

    def run_clear(
        self, connection: SimulatedConnection, streams: Iterable[StreamName] | None = None
    ) -> SimulatedJob:
        """Start a clear and let it succeed at once."""
        return self.succeed(self.start_clear(connection, streams))

    # Going on

    def begin(self, job: SimulatedJob | int) -> SimulatedJob:
        """Let a pending job run, or a job with a failed attempt make the next one."""
        return self._now(job, SimulatedJob.begin)

    def queue(self, job: SimulatedJob | int) -> SimulatedJob:
        """Let a pending job wait for free capacity, as Airbyte does since 2.1."""
        return self._now(job, SimulatedJob.wait_for_room)

    def report_progress(
        self, job: SimulatedJob | int, *, rows: Counts, bytes: Counts | None = None
    ) -> SimulatedJob:
        """Set what the running attempt has read so far; for incremental streams, also committed."""

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
        """Let a job succeed."""

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
        """Let a job fail. The `completed` streams were complete before the attempt failed."""
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
        """Let only the attempt fail: the job is incomplete, and retries at the next `advance`."""
        failure = Failure(reason, origin, type)

        def change(job: SimulatedJob, at: datetime) -> None:
            job.fail_attempt(at, failure, partial(job, rows), _keys(job, completed))

        return self._now(job, change)

    def cancel(self, job: SimulatedJob | int, *, rows: Counts | None = None) -> SimulatedJob:
        """Cancel a job."""
        return self._now(job, lambda job, at: self._world.cancel(job, at, partial(job, rows)))

    def speak_of(
        self, job: SimulatedJob | int, *, status: str | None = None, type: str | None = None
    ) -> None:
        """Use words of a future Airbyte for the job's status and type; None for its own.

        A job with such a status is in no list of finished jobs, however it ended.
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
        """Set what happens to the next unattended jobs; with the outcome `never` they never end."""
        failure, done = Failure(reason, origin, type), tuple(completed)
        plan = Plan(failing_attempts, outcome, failure, rows, bytes, rejected, done)
        with self._world.lock:
            connection.plans.extend([plan] * jobs)

    def on_sync_succeeded(self, callback: Callable[[SimulatedJob], None]) -> None:
        """Call `callback` when a sync or refresh has succeeded, before any client can see it."""
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
