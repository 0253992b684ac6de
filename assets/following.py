"""Start a sync of one connection and follow it to its end. Talks to Airbyte; makes no events."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg

from dagster_airbyte_sync.assets import metadata as keys
from dagster_airbyte_sync.assets.events import failure_metadata
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteConflict,
    AirbyteError,
    AirbyteUnavailable,
    BaseAirbyteWorkspace,
    Job,
    JobType,
)

# How long Airbyte's API may be silent before a running sync is given up, in seconds.
_SILENCE_LIMIT = 300.0
# A line in the log at least this often while nothing changes, in seconds.
_LOG_EVERY = 60.0


@dataclass(frozen=True)
class Following:
    """How a sync is followed. Times are in seconds; `timeout` None is without end."""

    interval: float
    timeout: float | None
    cancel_on_termination: bool
    attach: bool
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def of(cls, workspace: BaseAirbyteWorkspace) -> "Following":
        return cls(
            interval=workspace.poll_interval,
            timeout=workspace.poll_timeout,
            cancel_on_termination=workspace.cancel_on_termination,
            attach=workspace.poll_previous_running_sync,
        )


def start_or_attach(client: AirbyteClient, connection_id: str, attach: bool) -> tuple[Job, bool]:
    """A new sync of the connection and True, or with `attach` the one that runs and False.

    Raises dg.Failure if one runs and may not be followed, or if Airbyte refuses to start one.
    """
    try:
        return client.start_sync(connection_id), True
    except AirbyteConflict as conflict:
        running = _running_sync(client, connection_id) if attach else None
        if running is not None:
            return running, False
        raise dg.Failure(
            description="Airbyte did not start the sync",
            metadata={
                keys.CONNECTION_ID: connection_id,
                keys.FAILURE_REASON: conflict.reason,
            },
        ) from conflict


def _running_sync(client: AirbyteClient, connection_id: str) -> Job | None:
    """The newest unfinished sync or refresh; never a clear, which would not fill the tables."""
    newest = next((job for job in client.newest_jobs(connection_id) if not job.is_finished), None)
    return newest if newest is not None and newest.type is not JobType.CLEAR else None


def follow(client: AirbyteClient, job: Job, how: Following, log: logging.Logger) -> Job:
    """The job when it has finished, with its counts by stream.

    Raises dg.Failure on a timeout. If following ends early, by that or by a terminated run, the
    sync is cancelled when `cancel_on_termination` is set.
    """
    try:
        finished = _wait(client, job, how, log)
    except BaseException:
        if how.cancel_on_termination:
            _try_to_cancel(client, job, log)
        raise
    return client.job(finished.id)


def _wait(client: AirbyteClient, job: Job, how: Following, log: logging.Logger) -> Job:
    begun = heard = told = how.clock()
    while not job.is_finished:
        if how.timeout is not None and how.clock() - begun > how.timeout:
            raise dg.Failure(
                description="The Airbyte sync took longer than poll_timeout",
                metadata={keys.JOB_ID: job.id, "poll_timeout": how.timeout},
            )
        how.sleep(how.interval)
        try:
            now = client.job_status(job.id)
        except AirbyteUnavailable as silence:
            if how.clock() - heard > _SILENCE_LIMIT:
                raise
            log.warning("Airbyte does not answer; the sync itself goes on: %s", silence)
            continue
        heard = how.clock()
        if now.status is not job.status or heard - told > _LOG_EVERY:
            log.info("Airbyte job %s is %s after %.0f s", job.id, now.status.value, heard - begun)
            told = heard
        job = now
    return job


def _try_to_cancel(client: AirbyteClient, job: Job, log: logging.Logger) -> None:
    try:
        cancel_if_current(client, job, log)
    except AirbyteError as error:
        # What ended the following is the news; this must not stand in its place.
        log.warning("Airbyte job %s could not be cancelled: %s", job.id, error)


def cancel_if_current(client: AirbyteClient, job: Job, log: logging.Logger) -> None:
    """Cancel the job if it is still the one that runs: Airbyte cancels what it finds running."""
    running = _running_sync(client, job.connection_id)
    if running is not None and running.id == job.id:
        client.cancel(job.id)
        log.info("Cancelled Airbyte job %s", job.id)


def refuse_failed(job: Job, job_url: str) -> None:
    """Raise dg.Failure if the finished job did not succeed.

    The description is always the same, so that error trackers group it; what differs is metadata.
    """
    if job.succeeded:
        return
    raise dg.Failure(
        description=f"The Airbyte sync {job.status.value}",
        metadata={
            keys.JOB_ID: job.id,
            keys.CONNECTION_ID: job.connection_id,
            keys.JOB_URL: dg.MetadataValue.url(job_url),
            keys.ATTEMPTS: job.attempts or 0,
            **failure_metadata(job),
        },
    )
