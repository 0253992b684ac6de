"""Follow a job of Airbyte to its end. Talks to Airbyte; makes no events."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import dagster as dg

from dagster_airbyte_sync.assets.events.finished_sync import details_metadata, failure_metadata
from dagster_airbyte_sync.assets.events.job_details import JobDetails
from dagster_airbyte_sync.assets.sync.progress import how_it_goes
from dagster_airbyte_sync.assets.sync.start import running_job
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.resources import (
    DEFAULT_OUTAGE_TIMEOUT,
    AirbyteClient,
    AirbyteError,
    AirbyteUnavailable,
    BaseAirbyteWorkspace,
    Job,
    JobStatus,
    OnActiveSync,
)

# A line in the log this often while nothing changes, in seconds.
_LOG_EVERY = 60.0
# How long to wait before each further try to cancel a job, in seconds.
_CANCEL_AGAIN_AFTER = (2.0, 5.0)


@dataclass(frozen=True)
class PollOptions:
    """How a sync is followed, in seconds; `timeout` and `wait_timeout` None are without end."""

    interval: float
    timeout: float | None
    cancel_on_termination: bool
    on_active_sync: OnActiveSync
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    wait_timeout: float | None = None
    outage_timeout: float = DEFAULT_OUTAGE_TIMEOUT

    @classmethod
    def of(cls, workspace: BaseAirbyteWorkspace) -> "PollOptions":
        return cls(
            interval=workspace.poll_interval,
            timeout=workspace.poll_timeout,
            cancel_on_termination=workspace.cancel_on_termination,
            on_active_sync=workspace.when_a_sync_is_active(),
            wait_timeout=workspace.wait_timeout,
            outage_timeout=workspace.outage_timeout,
        )


class TookTooLong(dg.Failure):
    """Raised if a job has not ended within `poll_timeout`, or `wait_timeout`."""


class JobIsGone(dg.Failure):
    """Raised if the number of a followed job is that of another one: Airbyte was restored."""


@dataclass
class Watch:
    """Looks at one job again and again, and says in the log how it goes, but not at each look.

    `limit` is the name of the setting that says for how long, since `begun`.
    """

    client: AirbyteClient
    options: PollOptions
    log: logging.Logger
    job: Job
    begun: float
    limit: Literal["poll_timeout", "wait_timeout"] = "poll_timeout"
    logged_at: float = field(init=False)
    is_warned: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.logged_at = self.options.clock()

    def until_it_ends(self, too_long: str) -> Job:
        """The finished job, with its counts by stream.

        Raises TookTooLong, with the sentence `too_long`, after the limit.
        """
        while not (self.job.is_finished and self._in_detail().is_finished):
            self._check_timeout(too_long)
            self._warn_of_unknown()
            self.options.sleep(self.options.interval)
            before = self.job
            self.job = self._ask(self.client.job_status)
            if self.job.status is not before.status or self._is_due():
                self._log_progress()
        self._warn_of_unknown()
        return self.job

    def _in_detail(self) -> Job:
        self.job = self._ask(self.client.job)
        return self.job

    def _is_due(self) -> bool:
        return self.options.clock() - self.logged_at >= _LOG_EVERY

    def _log_progress(self) -> None:
        if not self.job.is_finished and not self._in_detail().is_finished:
            self.logged_at = self.options.clock()
            self.log.info(how_it_goes(self.job, self.client.server_time()))

    def _warn_of_unknown(self) -> None:
        """Airbyte may use words that this version does not know; once a job that is said."""
        words = self.job.unknown_words
        if words and not self.is_warned:
            self.is_warned = True
            self.log.warning(
                "Airbyte job %s: this version of dagster-airbyte-sync does not know %s. It is"
                " followed until its status is one of %s.",
                self.job.id,
                " and ".join(words),
                ", ".join(status.value for status in JobStatus if status.is_finished),
            )

    def _check_timeout(self, too_long: str) -> None:
        is_followed = self.limit == "poll_timeout"
        limit = self.options.timeout if is_followed else self.options.wait_timeout
        if limit is not None and self.options.clock() - self.begun > limit:
            raise TookTooLong(too_long, metadata={**_about(self.job), self.limit: limit})

    def _ask(self, question: Callable[[int], Job]) -> Job:
        """What Airbyte answers, however often it must be asked until `outage_timeout`.

        While Airbyte or a gateway restarts, 401, 403 and 404 are seen, too.
        """
        heard = self.options.clock()
        complained: float | None = None
        while True:
            try:
                return _same(question(self.job.id), self.job)
            except AirbyteError as error:
                # Where everything is refused, the workspace seems to be missing: not only requests
                # fail, the settings look wrong.
                now = self.options.clock()
                if now - heard > self.options.outage_timeout:
                    raise _unheard(self.job, error) from error
                if complained is None or now - complained >= _LOG_EVERY:
                    self.log.warning(
                        "Airbyte does not answer; the sync itself continues: %s", error
                    )
                    complained = now
            self.options.sleep(self.options.interval)


def _same(shown: Job, job: Job) -> Job:
    """What Airbyte shows under the job's number, if it is that job."""
    if shown.connection_id == job.connection_id and shown.ref.is_same(job.ref):
        return shown
    raise JobIsGone(
        "Airbyte no longer knows the sync: it was restored from a backup, and its id now belongs"
        " to another job",
        metadata=_about(job),
    )


def follow(client: AirbyteClient, job: Job, options: PollOptions, log: logging.Logger) -> Job:
    """The job when it has finished, with its counts by stream.

    Raises dg.Failure on a timeout, or if Airbyte does not answer until `outage_timeout`: then
    nothing is known of the sync, and it is left alone.
    """
    watch = Watch(client, options, log, job, begun=options.clock())
    finished = watch.until_it_ends("The Airbyte sync took longer than poll_timeout")
    log.info(how_it_goes(finished, client.server_time()))
    return finished


@contextmanager
def cancelled_if_interrupted(
    client: AirbyteClient, job: Job, options: PollOptions, log: logging.Logger
) -> Iterator[None]:
    """Cancels the job, if that is wanted, when its run is terminated or it takes too long."""
    try:
        yield
    except BaseException as end:
        # An interrupt is no Exception. Any other end says nothing about the sync.
        is_meant = isinstance(end, TookTooLong) or not isinstance(end, Exception)
        if is_meant and options.cancel_on_termination:
            try_to_cancel(client, job, options, log)
        raise


def try_to_cancel(
    client: AirbyteClient, job: Job, options: PollOptions, log: logging.Logger
) -> None:
    """Cancel the job if it is still the one that runs. A line in the log says if that failed."""
    try:
        _cancel_in_some_tries(client, job, options, log)
    except AirbyteError as error:
        # What ended the following is the news; this must not stand in its place.
        log.warning("Airbyte job %s could not be cancelled: %s", job.id, error)


def _cancel_in_some_tries(
    client: AirbyteClient, job: Job, options: PollOptions, log: logging.Logger
) -> None:
    for pause in _CANCEL_AGAIN_AFTER:
        try:
            return _cancel_if_current(client, job, log)
        except AirbyteUnavailable:
            options.sleep(pause)
    return _cancel_if_current(client, job, log)


def _cancel_if_current(client: AirbyteClient, job: Job, log: logging.Logger) -> None:
    # Airbyte cancels what it finds running. So each try looks, and may follow one that was lost.
    running = running_job(client, job.connection_id)
    if running is not None and running.ref.is_same(job.ref):
        client.cancel(job.id)
        log.info("Cancelled Airbyte job %s", job.id)


def refuse_failed(job: Job, job_url: str, details: JobDetails | None = None) -> None:
    """Raise dg.Failure if the finished job did not succeed.

    The description is always the same, so that error trackers group it; what differs is metadata.
    """
    if job.succeeded:
        return
    counts = {
        keys.ATTEMPTS: job.attempts,
        keys.RECORDS_SYNCED: job.rows,
        keys.BYTES_SYNCED: job.bytes,
    }
    raise dg.Failure(
        description=f"The Airbyte {job.type.value} {job.status.value}",
        metadata={
            **_about(job),
            keys.JOB_URL: dg.MetadataValue.url(job_url),
            **{key: count for key, count in counts.items() if count is not None},
            **failure_metadata(job),
            **details_metadata(details or JobDetails()),
        },
    )


def _unheard(job: Job, error: AirbyteError) -> dg.Failure:
    return dg.Failure(
        description="Airbyte did not answer for minutes; the sync was left running",
        metadata={**_about(job), keys.FAILURE_REASON: str(error)},
    )


def _about(job: Job) -> dict[str, keys.Entry]:
    return {
        keys.JOB_ID: job.id,
        keys.JOB_TYPE: job.type.value,
        keys.CONNECTION_ID: job.connection_id,
    }
