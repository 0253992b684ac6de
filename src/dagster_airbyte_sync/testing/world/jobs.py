"""Jobs, their attempts, and the only ways in which they change."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from dagster_airbyte_sync.testing.errors import SimulatorError
from dagster_airbyte_sync.testing.world.plans import Failure, Plan, RefreshMode
from dagster_airbyte_sync.testing.world.streams import (
    SimulatedStream,
    StatsByStream,
    StreamKey,
    StreamStats,
)

JobType = Literal["sync", "refresh", "reset"]
"""A clear is stored as a reset, so there is no such type."""
JobStatus = Literal[
    "pending", "queued", "running", "incomplete", "failed", "succeeded", "cancelled"
]
AttemptStatus = Literal["running", "failed", "succeeded"]
FinalStatus = Literal["succeeded", "failed", "cancelled"]

TERMINAL: frozenset[str] = frozenset({"succeeded", "failed", "cancelled"})
RETRY_AFTER = timedelta(seconds=10)
"""Airbyte's back-off before the second attempt."""
FLUSH_EVERY = timedelta(seconds=10)
"""How often the statistics of a running attempt are written."""
CANCELLATION = Failure("Setting attempt to FAILED", "airbyte_platform", "manual_cancellation")


StreamState = Literal["PENDING", "RUNNING", "RATE_LIMITED", "INCOMPLETE", "COMPLETE"]
LogLevel = Literal["trace", "debug", "info", "warn", "error"]
LogSource = Literal["platform", "source", "destination", "replication-orchestrator"]


@dataclass(frozen=True)
class LogEntry:
    """One message in an attempt's log; `stack_trace` is what Java prints of an exception."""

    message: str
    level: LogLevel = "info"
    source: LogSource = "platform"
    stack_trace: str | None = None


@dataclass(frozen=True)
class AttemptLog:
    """A log, as events or as lines of text."""

    entries: tuple[LogEntry, ...]
    structured: bool


@dataclass(eq=False)
class SimulatedAttempt:
    """One attempt of a job, numbered from 0."""

    number: int
    created_at: datetime
    updated_at: datetime
    status: AttemptStatus = "running"
    ended_at: datetime | None = None
    ends_at: datetime | None = None
    stats: StatsByStream = field(default_factory=dict)
    failure: Failure | None = None
    completed: frozenset[StreamKey] = frozenset()
    log: AttemptLog | None = None
    """What a test wrote into it; None for the usual few lines."""
    states: dict[StreamKey, StreamState | None] = field(default_factory=dict)
    """What a test says of streams; None for no row."""

    def end(self, at: datetime, status: AttemptStatus, stats: StatsByStream | None) -> None:
        self.status, self.updated_at, self.ended_at = status, at, at
        self.stats = self.stats if stats is None else stats


@dataclass(eq=False)
class SimulatedJob:
    """A job. This is the simulator's own record, which changes as time passes."""

    job_id: int
    connection_id: str
    type: JobType
    created_at: datetime
    updated_at: datetime
    streams: tuple[SimulatedStream, ...]
    """Those that take part."""
    attempt_length: timedelta
    unattended: bool = False
    scheduled: bool = False
    plan: Plan = field(default_factory=Plan)
    status: JobStatus = "pending"
    attempts: list[SimulatedAttempt] = field(default_factory=list)
    committed_at: datetime | None = None
    named: tuple[StreamKey, ...] = ()
    """What a refresh or reset was asked for."""
    refresh_modes: dict[StreamKey, RefreshMode] = field(default_factory=dict)
    """Of a refresh that a request asked for: how each of these streams is refreshed."""
    enabled: tuple[StreamKey, ...] = ()
    """What the job has of the connection's catalog when it is created."""
    unheard_status: str | None = None
    unheard_type: str | None = None
    """Words that stand in answers in the place of `status` and `type`."""
    set_since_creation: timedelta = timedelta(0)
    set_since_update: timedelta = timedelta(0)
    """How far the clock was set meanwhile: what is planned happens no sooner or later for that."""

    @property
    def is_finished(self) -> bool:
        return self.status in TERMINAL

    @property
    def stats(self) -> StatsByStream:
        """What each stream moved: the sum of all attempts if incremental, else the last attempt."""
        totals: StatsByStream = {}
        for stream in self.streams:
            found = [a.stats[stream.key] for a in self.attempts if stream.key in a.stats]
            if found:
                whole = stream.sync_mode == "full_refresh"
                totals[stream.key] = found[-1] if whole else sum(found, start=StreamStats())
        return totals

    @property
    def total(self) -> StreamStats:
        return sum(self.stats.values(), start=StreamStats())

    @property
    def rows(self) -> int:
        """The committed rows of all streams."""
        return self.total.records_committed

    def wait_for_room(self, at: datetime) -> None:
        """All that can run is at work."""
        self._must_be("pending")
        self._becomes("queued", at)

    def begin(self, at: datetime) -> None:
        """A new attempt starts."""
        self._must_be("pending", "queued", "incomplete")
        attempt = SimulatedAttempt(len(self.attempts), at, at)
        begun = self.created_at + self.set_since_creation
        planned = begun + self.attempt_length * (len(self.attempts) + 1)
        attempt.ends_at = planned if planned >= at else at + self.attempt_length
        self.attempts.append(attempt)
        self._becomes("running", at)

    def fail_attempt(
        self,
        at: datetime,
        failure: Failure,
        stats: StatsByStream | None = None,
        completed: frozenset[StreamKey] = frozenset(),
    ) -> None:
        attempt = self._running_attempt(at)
        attempt.failure, attempt.completed = failure, completed
        attempt.end(at, "failed", stats)
        self._becomes("incomplete", at)

    def succeed(self, at: datetime, stats: StatsByStream) -> None:
        self._running_attempt(at).end(at, "succeeded", stats)
        self._becomes("succeeded", at)

    def give_up(self, at: datetime) -> None:
        """No attempt is left."""
        self._must_be("incomplete")
        self._becomes("failed", at)

    def cancel(self, at: datetime, stats: StatsByStream | None = None) -> None:
        if self.status == "running":
            self.fail_attempt(at, CANCELLATION, stats)
        self._must_be("pending", "queued", "incomplete")
        self._becomes("cancelled", at)

    def as_committed(self, now: datetime) -> "SimulatedJob":
        """The job as another connection to the database sees it: a late commit still runs."""
        if self.committed_at is None or now >= self.committed_at:
            return self
        attempts = [_reopened(attempt) for attempt in self.attempts[-1:]]
        earlier = self.attempts[:-1]
        started = attempts[-1].created_at if attempts else self.created_at
        return replace(self, status="running", updated_at=started, attempts=[*earlier, *attempts])

    def _running_attempt(self, at: datetime) -> SimulatedAttempt:
        if self.status != "running":
            self.begin(at)
        return self.attempts[-1]

    def clock_is_set(self, by: timedelta) -> None:
        self.set_since_creation += by
        self.set_since_update += by
        for attempt in self.attempts[-1:]:
            attempt.ends_at = attempt.ends_at and attempt.ends_at + by

    def _becomes(self, status: JobStatus, at: datetime) -> None:
        self.status, self.updated_at = status, at
        self.set_since_update = timedelta(0)

    def _must_be(self, *statuses: str) -> None:
        if self.status not in statuses:
            raise SimulatorError(f"Job {self.job_id} is {self.status}: it cannot change like that.")


def _reopened(attempt: SimulatedAttempt) -> SimulatedAttempt:
    return SimulatedAttempt(attempt.number, attempt.created_at, attempt.created_at)


class JobNumbers:
    """The sequence that gives jobs their numbers, as a backup would find it.

    It is one for all workspaces of a server, so that a workspace sees gaps.
    """

    def __init__(self) -> None:
        self._next = 1
        self._known: list[tuple[datetime, int]] = []

    @property
    def next(self) -> int:
        return self._next

    def continue_from(self, number: int, at: datetime) -> None:
        """Let the next job have this number; it is remembered since when."""
        self._next = number
        self._known.append((at, number))

    def restore(self, to: datetime, at_least: int, now: datetime) -> None:
        """Go on as the sequence would have then, above all numbers that are still there."""
        self._known = [(at, number) for at, number in self._known if at <= to]
        then = max((number for _, number in self._known), default=1)
        self.continue_from(max(then, at_least), now)
