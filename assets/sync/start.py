"""Start a job of one connection once: where the answer is lost, its job is looked for."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg

from dagster_airbyte_sync.assets.asked.may_start import (
    Beginning,
    failure,
    refuse_blocked,
    refuse_if_down,
    refuse_inactive,
    refuse_unknown,
)
from dagster_airbyte_sync.assets.asked.sent_before import is_meant
from dagster_airbyte_sync.assets.event_log.sync_claim import ClaimStatus
from dagster_airbyte_sync.resources import (
    DEFAULT_OUTAGE_TIMEOUT,
    AirbyteClient,
    AirbyteConflict,
    AirbyteError,
    AirbyteRefused,
    AirbyteRequestError,
    AirbyteSentPage,
    AirbyteSettingsError,
    AirbyteUnavailable,
    Job,
    JobRequest,
    JobType,
    NotSteady,
)

# How long to look for a job whose start was not answered, and how often, in seconds, while Airbyte
# lists jobs. Airbyte itself waits up to a minute for the new job's id, and longer before 2.1.
_LOOK_FOR = 120.0
_LOOK_EVERY = 5.0
# How often to say that Airbyte does not list them, in seconds: each line is stored.
_LOG_EVERY = 60.0
# How often to ask who wanted a job that was only found, and how long in between, in seconds:
# Airbyte notes it a little later.
_ASK_WHO = 3
_ASK_WHO_EVERY = 3.0
# How often to look for it when the run is terminated meanwhile, and how long in between, in
# seconds: who terminates waits for the run, but not for long.
_LAST_LOOKS = 5
_LAST_LOOKS_EVERY = 3.0

# With these a gateway says that it has not reached Airbyte. If no job came of it in all that time,
# a sync can be asked for again.
_FROM_GATEWAYS = (502, 503)

_NOT_ANSWERED = "Airbyte did not answer the start of the {}, and no new job was found"
_NOT_FOUND = "Airbyte refused to start the {}, and no new job was found"
_PAGE = (
    "An HTML page came instead of Airbyte's answer to the start of the {}, and no new job was"
    " found. Something in front of Airbyte (a gateway, or a login page) seems to block {}: let that"
    " address through for these credentials"
)
_MAYBE_STORED = ". If it was received, the connection's next job is a refresh"


class AlreadyRunning(AirbyteError):
    """Raised if a job of the connection runs already, so that no other is started.

    `running` is that job, of any type, or None if it has ended meanwhile.
    """

    def __init__(self, connection_id: str, running: Job | None) -> None:
        self.connection_id = connection_id
        self.running = running
        super().__init__(connection_id, running)

    def __str__(self) -> str:
        what = f"job {self.running.id}" if self.running else "a job"
        return f"On the Airbyte connection {self.connection_id} {what} is already running."


class RefreshStored(AlreadyRunning):
    """Raised if a job began to run just before Airbyte got a refresh: it has stored the refresh,
    and makes one of the connection's next job. `before` is the newest job before that."""

    def __init__(self, connection_id: str, running: Job | None, before: int) -> None:
        super().__init__(connection_id, running)
        self.before = before

    def __str__(self) -> str:
        return (
            f"{super().__str__()} Airbyte postponed the refresh: the next job of the connection is"
            " a refresh."
        )


def start_new(
    client: AirbyteClient,
    request: JobRequest,
    log: logging.Logger,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    if_interrupted: Callable[[Job], None] | None = None,
    outage_timeout: float = DEFAULT_OUTAGE_TIMEOUT,
    say: Callable[[ClaimStatus], object] = lambda status: None,
) -> tuple[Job, bool]:
    """Start what is asked for; its job, and whether it is known to be this start's.

    In the place of a sync Airbyte may start a refresh or a clear that it has stored: see the job's
    type. A refresh or clear is sent only while nothing runs, as far as Airbyte lists it: a clear
    would cancel what runs.

    Airbyte may take over a minute to answer. Where its answer is lost, a new job may be that of a
    request it never got, and somebody else's: of one that is only found, Airbyte must say that no
    schedule started it. If it does not, the job must not be cancelled.

    If the run is terminated meanwhile, `if_interrupted` is called with the new job, should one be
    found within seconds and be this start's. `say` is called with STARTING just before anything is
    sent, and then, where no job is returned, with what became of it if that is known. Raises
    AlreadyRunning if a job runs there, dg.Failure if Airbyte refuses to start one or if it stays
    unknown whether it did, AirbyteUnavailable if nothing was started: then another start is as good
    as this one.
    """
    try:
        begin = Beginning.of(client, request)
        # Taken before: a job that is not among these afterwards is the one that was started. They
        # do not show whether a sync may start: Airbyte clears away dead jobs as it starts another.
        newest = newest_jobs(client, request.connection_id)
    except (dg.Failure, AirbyteError) as refusal:
        refuse_if_down(client, refusal)
        raise
    running = next((job for job in newest[:1] if not job.is_finished), None)
    if running is not None and request.type is not JobType.SYNC:
        raise AlreadyRunning(request.connection_id, running)
    before = max((job.id for job in newest), default=0)
    silence = _Silence(request.type, log, clock)
    start = _Start(client, begin, before, log, silence, clock, sleep, outage_timeout, say)
    try:
        return start.job()
    except BaseException as end:
        # An interrupt is no Exception.
        is_interrupt = not isinstance(end, Exception)
        if is_interrupt and if_interrupted and (job := start.found_in_seconds()):
            if_interrupted(job)
        raise


@dataclass(frozen=True)
class _Start:
    """One start of a job. `before` is the id of the connection's newest job until then."""

    client: AirbyteClient
    begin: Beginning
    before: int
    log: logging.Logger
    silence: "_Silence"
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    outage_timeout: float
    say: Callable[[ClaimStatus], object]

    @property
    def request(self) -> JobRequest:
        return self.begin.request

    def job(self) -> tuple[Job, bool]:
        self.say(ClaimStatus.STARTING)
        try:
            job = self.client.start(self.request, self.begin.through)
        except AirbyteSettingsError as error:
            self.say(ClaimStatus.NOT_STARTED)
            raise dg.Failure(str(error), allow_retries=False) from error
        except AirbyteRequestError as error:
            with self._taken_back():
                self._raise_if_not_started(error)
            problem = error
        else:
            if job is not None:
                return job, True
            self.say(ClaimStatus.STORED)
            raise RefreshStored(self.request.connection_id, self._running_if_known(), self.before)
        kind = self.request.type.value
        self.log.warning(
            "It is not known whether the %s started; looking for its job: %s", kind, problem
        )
        job = self._found_in_minutes(problem)
        return job, self._is_ours(job)

    @contextmanager
    def _taken_back(self) -> Iterator[None]:
        try:
            yield
        except Exception:
            self.say(ClaimStatus.NOT_STARTED)
            raise

    def _running_if_known(self) -> Job | None:
        try:
            return running_job(self.client, self.request.connection_id)
        except AirbyteRequestError as silence:
            # That the refresh is stored is the news.
            self.log.warning("Airbyte does not list its jobs: %s", silence)
            return None

    def _raise_if_not_started(self, error: AirbyteRequestError) -> None:
        """Raise what a failed start means, unless the job may have started nevertheless."""
        connection_id, kind = self.request.connection_id, self.request.type
        if isinstance(error, AirbyteConflict) and error.title == "try-again-later":
            running = running_job(self.client, connection_id)
            raise AlreadyRunning(connection_id, running) from error
        if isinstance(error, AirbyteConflict):
            # An active one that is refused may be a start that took Airbyte itself too long.
            if kind is JobType.SYNC:
                self._refuse_inactive(error)
        elif not isinstance(error, AirbyteUnavailable) or error.did_nothing:
            refuse_if_down(self.client, error)
            if kind is JobType.SYNC:
                refuse_unknown(connection_id, error)
            else:
                # The connection itself was read.
                refuse_blocked(kind, connection_id, error, may_lack_role=True)
            raise error

    def _refuse_inactive(self, conflict: AirbyteConflict) -> None:
        try:
            refuse_inactive(self.client, self.request.connection_id, conflict)
        except AirbyteRequestError as silence:
            # Only Airbyte's own word takes the start back: it may go on.
            self.log.warning("It is not known whether the connection is active: %s", silence)

    def _found_in_minutes(self, problem: AirbyteRequestError) -> Job:
        begun, listed_since = self.clock(), None
        while True:
            listed = self._listed()
            if listed and listed.meant:
                job = listed.meant
                self.log.info("A %s did start: it is Airbyte job %s", job.type.value, job.id)
                return job
            now = self.clock()
            # What was sent may be worked off only when Airbyte is back.
            if listed is None or listed_since is None:
                listed_since = now if listed else None
            elif now - listed_since >= _LOOK_FOR:
                return self._in_its_place(problem, listed.new)
            if now - begun >= _LOOK_FOR + self.outage_timeout:
                raise self._unanswered(problem) from problem
            self.sleep(_LOOK_EVERY)

    def _in_its_place(self, problem: AirbyteRequestError, new: Sequence[Job]) -> Job:
        """A clear that Airbyte had stored, and has made of what was asked for."""
        kind = self.request.type
        clears = (job for job in new if job.type is JobType.CLEAR)
        cleared = None if kind is JobType.CLEAR else next(clears, None)
        if cleared is None:
            raise self._came_to_nothing(problem) from problem
        if kind is JobType.REFRESH:
            # Airbyte has stored that before it looked at what comes first.
            self.say(ClaimStatus.STORED)
        return cleared

    def _came_to_nothing(self, problem: AirbyteRequestError) -> Exception:
        """Airbyte has listed its jobs for long, and none is of this start."""
        if self.request.type is JobType.SYNC and problem.status in _FROM_GATEWAYS:
            self.say(ClaimStatus.NOT_STARTED)
            return NotSteady.because_of(problem)
        return self._unanswered(problem)

    def _unanswered(self, problem: AirbyteRequestError) -> Exception:
        """What was sent may have been carried out, or may be yet."""
        kind = self.request.type
        self.say(ClaimStatus.UNANSWERED)
        description = _NOT_FOUND if isinstance(problem, AirbyteRefused) else _NOT_ANSWERED
        if isinstance(problem, AirbyteSentPage):
            description = _PAGE
        description = description.format(kind.value, f"{problem.method} {problem.url}")
        if kind is JobType.REFRESH:
            description += _MAYBE_STORED
        # What may have been sent is not sent again by itself: it may remove rows.
        return failure(
            description,
            self.request.connection_id,
            str(problem),
            is_final=kind is not JobType.SYNC,
        )

    def _is_ours(self, job: Job) -> bool:
        is_ours: bool | None = False
        for _ in range(_ASK_WHO):
            is_ours = self.client.was_asked_for(job)
            if is_ours is not False:
                break
            self.sleep(_ASK_WHO_EVERY)
        if not is_ours:
            self.log.warning("Job %s may be somebody else's: this run will not cancel it", job.id)
        return is_ours is True

    def found_in_seconds(self) -> Job | None:
        job = self._looked_for_in_seconds()
        return job if job and self._is_ours(job) else None

    def _looked_for_in_seconds(self) -> Job | None:
        for _ in range(_LAST_LOOKS - 1):
            if (listed := self._listed()) and listed.meant:
                return listed.meant
            self.sleep(_LAST_LOOKS_EVERY)
        listed = self._listed()
        return listed.meant if listed else None

    def _listed(self) -> "_Listed | None":
        """None if Airbyte does not list its jobs."""
        try:
            newest = self.client.newest_jobs(self.request.connection_id)
            new = [job for job in reversed(newest) if job.id > self.before]
            found = (job for job in new if is_meant(self.client, self.request, job))
            return _Listed(new, next(found, None))
        except AirbyteRequestError as silence:
            # A refusal, too, says nothing of the start: gateways refuse while Airbyte restarts.
            self.silence.note(silence)
            return None


@dataclass(frozen=True)
class _Listed:
    """The jobs that are new, oldest first, and the first that is what was asked for."""

    new: Sequence[Job]
    meant: Job | None


@dataclass
class _Silence:
    """Says from time to time that Airbyte does not list its jobs, and what is waited for."""

    kind: JobType
    log: logging.Logger
    clock: Callable[[], float]
    said_at: float | None = None

    def note(self, problem: AirbyteRequestError) -> None:
        now = self.clock()
        if self.said_at is None or now - self.said_at >= _LOG_EVERY:
            self.said_at = now
            self.log.warning(
                "Airbyte does not list its jobs, so it is not known yet whether the %s started;"
                " they are requested every %d s: %s",
                *(self.kind.value, _LOOK_EVERY, problem),
            )


def newest_jobs(client: AirbyteClient, connection_id: str) -> list[Job]:
    """Its newest jobs; dg.Failure if there is no such connection."""
    try:
        return client.newest_jobs(connection_id)
    except AirbyteRefused as refusal:
        refuse_unknown(connection_id, refusal)
        raise


def running_job(client: AirbyteClient, connection_id: str) -> Job | None:
    """The connection's newest job if it has not finished, of whatever type."""
    # Dead jobs may stay unfinished until the next start: only the newest can be running.
    newest = next(iter(client.newest_jobs(connection_id)), None)
    return newest if newest is not None and not newest.is_finished else None
