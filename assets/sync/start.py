"""Start a sync of one connection once: where the answer is lost, its job is looked for."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteConflict,
    AirbyteError,
    AirbyteForbidden,
    AirbyteNotFound,
    AirbyteRefused,
    AirbyteRequestError,
    AirbyteUnavailable,
    Job,
    JobType,
)

# How long to look for a sync whose start was not answered, and how often, in seconds. Airbyte
# itself waits up to a minute for the new job's id, and longer before 2.1.
_LOOK_FOR = 120.0
_LOOK_EVERY = 5.0
# How often to ask who wanted a sync that was only found, and how long in between, in seconds:
# Airbyte notes it a little later.
_ASK_WHO = 3
_ASK_WHO_EVERY = 3.0
# How often to look for it when the run is terminated meanwhile, and how long in between, in
# seconds: who terminates waits for the run, but not for long.
_LAST_LOOKS = 5
_LAST_LOOKS_EVERY = 3.0

# Airbyte answers 409 `state-conflict` to each of these, in the same words (`SchedulerHandler`).
_WHY_NOT = {
    "inactive": "The Airbyte connection is inactive: enable it in Airbyte to sync it",
    "deprecated": "The Airbyte connection was deleted: load the definitions anew",
    "locked": "The Airbyte connection is locked: Airbyte lets it sync again when it is unlocked",
}
_NOT_THERE = "There is no such Airbyte connection that these credentials can see"
_REFUSED = "Airbyte did not start the sync"
_NOT_ANSWERED = "Airbyte did not answer the start of the sync, and no new job was found"
_NOT_FOUND = "Airbyte refused to start the sync, and no new job was found"


class AlreadyRunning(AirbyteError):
    """Raised if a job of the connection runs already, so that Airbyte starts no other.

    `running` is that job, of any type, or None if it has ended meanwhile.
    """

    def __init__(self, connection_id: str, running: Job | None) -> None:
        self.connection_id = connection_id
        self.running = running
        super().__init__(connection_id, running)

    def __str__(self) -> str:
        what = f"job {self.running.id}" if self.running else "a job"
        return f"On the Airbyte connection {self.connection_id} {what} is already running."


def start_new(
    client: AirbyteClient,
    connection_id: str,
    log: logging.Logger,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    if_interrupted: Callable[[Job], None] | None = None,
) -> tuple[Job, bool]:
    """Start a sync; its job, and whether it is known to be this start's.

    Airbyte may take over a minute to answer. Where its answer is lost, a new job may be that of a
    request it never got, and somebody else's: of one that is only found, Airbyte must say that no
    schedule started it. If it does not, the job must not be cancelled.

    If the run is terminated meanwhile, `if_interrupted` is called with the new job, should one be
    found within seconds and be this start's. Raises AlreadyRunning if a job runs there, dg.Failure
    if Airbyte refuses to start one or if it stays unknown whether it did, AirbyteUnavailable if
    nothing was sent.
    """
    # Taken before: a job that is not among these afterwards is the one that was started. They do
    # not show whether one may be started: Airbyte clears away dead jobs as it starts another.
    before = _newest_id(client, connection_id)
    start = _Start(client, connection_id, before, log, clock, sleep)
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
    """One start of a sync. `before` is the id of the connection's newest job until then."""

    client: AirbyteClient
    connection_id: str
    before: int
    log: logging.Logger
    clock: Callable[[], float]
    sleep: Callable[[float], None]

    def job(self) -> tuple[Job, bool]:
        try:
            return self.client.start_sync(self.connection_id), True
        except AirbyteRequestError as error:
            _raise_if_not_started(self.client, self.connection_id, error)
            problem = error
        self.log.warning("It is not known if the sync started; looking for its job: %s", problem)
        job = self._found_in_minutes(problem)
        return job, self._is_ours(job)

    def _found_in_minutes(self, problem: AirbyteRequestError) -> Job:
        deadline = self.clock() + _LOOK_FOR
        while (job := self._first_after()) is None:
            if self.clock() >= deadline:
                was_refused = isinstance(problem, AirbyteRefused)
                description = _NOT_FOUND if was_refused else _NOT_ANSWERED
                raise _failure(description, self.connection_id, str(problem)) from problem
            self.sleep(_LOOK_EVERY)
        self.log.info("A sync did start: it is Airbyte job %s", job.id)
        return job

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
            if job := self._first_after():
                return job
            self.sleep(_LAST_LOOKS_EVERY)
        return self._first_after()

    def _first_after(self) -> Job | None:
        try:
            newest = self.client.newest_jobs(self.connection_id)
        except AirbyteRequestError as silence:
            # A refusal, too, says nothing of the sync: gateways refuse while Airbyte restarts.
            self.log.warning("Airbyte does not list its jobs: %s", silence)
            return None
        new = [job for job in newest if job.id > self.before and job.type is JobType.SYNC]
        return min(new, key=lambda job: job.id, default=None)


def _newest_id(client: AirbyteClient, connection_id: str) -> int:
    try:
        return max((job.id for job in client.newest_jobs(connection_id)), default=0)
    except AirbyteRefused as refusal:
        _refuse_unknown(connection_id, refusal)
        raise


def _raise_if_not_started(
    client: AirbyteClient, connection_id: str, error: AirbyteRequestError
) -> None:
    """Raise what a failed start means, unless the sync may have started nevertheless."""
    if isinstance(error, AirbyteConflict) and error.title == "try-again-later":
        raise AlreadyRunning(connection_id, running_job(client, connection_id)) from error
    if isinstance(error, AirbyteConflict):
        # An active one that is refused may be a start that took Airbyte itself too long.
        _refuse_inactive(client, connection_id, error)
    elif not isinstance(error, AirbyteUnavailable) or error.did_nothing:
        _refuse_unknown(connection_id, error)
        raise error


def running_job(client: AirbyteClient, connection_id: str) -> Job | None:
    """The connection's newest job if it has not finished, of whatever type."""
    # Dead jobs may stay unfinished until the next start: only the newest can be running.
    newest = next(iter(client.newest_jobs(connection_id)), None)
    return newest if newest is not None and not newest.is_finished else None


def _refuse_unknown(connection_id: str, error: AirbyteRequestError) -> None:
    """Raise if Airbyte knows no such connection: who is no administrator is answered 403 then."""
    if isinstance(error, AirbyteForbidden | AirbyteNotFound):
        raise _failure(_NOT_THERE, connection_id, error.reason) from error


def _refuse_inactive(client: AirbyteClient, connection_id: str, refusal: AirbyteRefused) -> None:
    status = client.connection_status(connection_id)
    if status != "active":
        description = _WHY_NOT.get(status, _REFUSED)
        raise _failure(description, connection_id, refusal.reason, status) from refusal


def _failure(
    description: str, connection_id: str, reason: str, status: str | None = None
) -> dg.Failure:
    # A constant description, so that error trackers group it; what differs is metadata.
    known = {
        keys.CONNECTION_ID: connection_id,
        keys.CONNECTION_STATUS: status,
        keys.FAILURE_REASON: reason,
    }
    return dg.Failure(
        description=description,
        metadata={key: value for key, value in known.items() if value is not None},
        # A connection that is gone or switched off will not come back by itself.
        allow_retries=status is None and description != _NOT_THERE,
    )
