"""What Airbyte knows of a job beside its counts, under a test's control."""

import uuid
from collections.abc import Iterable
from datetime import timedelta

from dagster_airbyte_sync.testing.clock import as_timedelta
from dagster_airbyte_sync.testing.errors import SimulatorError
from dagster_airbyte_sync.testing.wire.payload import JsonObject
from dagster_airbyte_sync.testing.world import timeline
from dagster_airbyte_sync.testing.world.connections import SimulatedConnection
from dagster_airbyte_sync.testing.world.jobs import (
    AttemptLog,
    LogEntry,
    SimulatedAttempt,
    SimulatedJob,
    StreamState,
)
from dagster_airbyte_sync.testing.world.streams import StreamName, pick
from dagster_airbyte_sync.testing.world.timeline import SimulatedUser, TimelineEvent
from dagster_airbyte_sync.testing.world.world import World


class JobDetailControls:
    """What a test can say of who started a job, how far its streams came, and what it logged.

    A user who may not see one of these is a fault: `add_fault(Fault.status(403), path=...)`.
    """

    _world: World

    def say_who_started(
        self, job: SimulatedJob | int, *by: SimulatedUser | None, after: float | timedelta = 0.0
    ) -> None:
        """Set who started a job, as its connection's timeline says, `after` its creation.

        Each user is an event of its own, because Airbyte sometimes writes two; None is an event
        without a user. Without any, there is no event, as if a schedule had started the job.
        """
        with self._world.lock:
            job = self._world.job(job)
            kept = [each for each in self._world.events if not _is_start_of(job, each)]
            lag = as_timedelta(after)
            self._world.events = [*kept, *(timeline.started(job, lag, each) for each in by)]

    def delay_timeline(self, by: float | timedelta) -> None:
        """Write who started future jobs only this long after their creation."""
        with self._world.lock:
            self._world.timeline_lag = as_timedelta(by)

    def prune_timeline(self, keep: float | timedelta = 0.0) -> None:
        """Remove older events from the timeline, as Airbyte does after 18 months."""
        with self._world.lock:
            first = self._world.clock.now() - as_timedelta(keep)
            self._world.events = [each for each in self._world.events if each.created_at >= first]

    def add_to_timeline(
        self,
        connection: SimulatedConnection,
        type: str = "CONNECTION_SETTINGS_UPDATE",
        *,
        summary: JsonObject | None = None,
        by: SimulatedUser | None = timeline.DEFAULT_USER,
    ) -> None:
        """Add another kind of event to a connection's timeline."""
        event_id, connection_id = str(uuid.uuid4()), connection.connection_id
        with self._world.lock:
            now = self._world.progress()
            event = TimelineEvent(event_id, connection_id, type, None, now, summary or {}, by)
            self._world.events.append(event)

    def set_stream_state(
        self,
        job: SimulatedJob | int,
        stream: StreamName,
        state: StreamState | None,
        *,
        attempt: int = -1,
    ) -> None:
        """Set a stream's state in an attempt, by default the last; None for no row."""
        with self._world.lock:
            job = self._world.job(job)
            [found] = pick([stream], job.streams)
            _attempt(job, attempt).states[found.key] = state

    def write_log(
        self,
        job: SimulatedJob | int,
        entries: Iterable[str | LogEntry],
        *,
        attempt: int = -1,
        structured: bool | None = None,
    ) -> None:
        """Set the log of an attempt, by default the last.

        Logs are events since Airbyte 1.2, and text before. `structured` overrides that: an attempt
        made before an upgrade keeps its text.
        """
        written = tuple(LogEntry(each) if isinstance(each, str) else each for each in entries)
        with self._world.lock:
            usual = self._world.version.since(1, 2)
            is_structured = usual if structured is None else structured
            _attempt(self._world.job(job), attempt).log = AttemptLog(written, is_structured)


def _is_start_of(job: SimulatedJob, event: TimelineEvent) -> bool:
    # A number may have come again.
    is_before = event.created_at < job.created_at
    return event.is_start and event.job_id == job.job_id and not is_before


def _attempt(job: SimulatedJob, number: int) -> SimulatedAttempt:
    try:
        return job.attempts[number]
    except IndexError:
        raise SimulatorError(f"Job {job.job_id} has no attempt {number}.") from None
