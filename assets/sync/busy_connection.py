"""What to do if a connection is busy as a job is to start: follow what runs, wait, or fail."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import dagster as dg

from dagster_airbyte_sync.assets.asked.sent_before import is_meant
from dagster_airbyte_sync.assets.asked.until_steady import UntilSteady
from dagster_airbyte_sync.assets.event_log.sync_claim import ClaimStatus
from dagster_airbyte_sync.assets.sync.follow import (
    PollOptions,
    Watch,
    refuse_failed,
    try_to_cancel,
)
from dagster_airbyte_sync.assets.sync.progress import duration_text
from dagster_airbyte_sync.assets.sync.start import AlreadyRunning, RefreshStored, start_new
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteError,
    AirbyteUnavailable,
    Job,
    JobRequest,
    JobType,
)

# How long Airbyte may say that something runs while no such job is listed, in seconds.
_ENDING_LIMIT = 120.0
# Airbyte notes who started a sync some seconds after it began.
_NOTED_AFTER = timedelta(minutes=1)

# What people see begins with one of these, so that error trackers can group it.
_BUSY = "Airbyte is already running a job on this connection"
_WAITED_TOO_LONG = "What was running on the Airbyte connection did not end within wait_timeout"


def start_or_attach(
    client: AirbyteClient,
    request: JobRequest,
    options: PollOptions,
    log: logging.Logger,
    *,
    is_own: Callable[[Job], bool],
    link: Callable[[Job], str],
    name: str = "",
    started_by: Callable[[Job], str | None] = lambda job: None,
    is_seen_to: Callable[[Job], bool] = lambda job: False,
    say: Callable[[ClaimStatus], object] = lambda status: None,
    stored_after: int | None = None,
    ready: UntilSteady | None = None,
) -> tuple[Job, bool]:
    """The job to follow, and whether it is known that this run started it.

    `is_own` says whether this run, or one that it repeats, started a job that runs: such a job is
    followed in any case. So is one that began after this run had waited for another: of all runs
    that wait, one starts the next sync. That one may have ended already, if `is_seen_to` says that
    others report it. `name` is the connection's, and `started_by` gives the run that started a job,
    if one did. Raises dg.Failure if something runs that may be neither followed nor waited for.

    All of that is so for a sync. Of a refresh or clear that somebody else started Airbyte does not
    say whether it is the same one, so it is not followed; only a refresh is that Airbyte has stored
    for this run. A clear that Airbyte makes of a sync, because it had one stored, is waited for.

    `say` is called with STARTING just before a refresh or clear is sent, or a sync that had to wait
    for its turn, and then with what became of that: see `start_new`. `stored_after` is that of a
    refresh which Airbyte has stored for an earlier try: see `_Turn`. `ready` is what the run has
    waited for already, of whose limit some may be gone.
    """

    def cancel(job: Job) -> None:
        try_to_cancel(client, job, options, log)

    def say_of_start(status: ClaimStatus) -> None:
        # Of a sync that starts at once the beginning of its step says as much.
        if request.type is not JobType.SYNC or turn.is_late:
            say(status)

    words = _Words(client, request, name, link, started_by)
    begun = options.clock()
    turn = _Turn(client, request, options, log, words, begun, stored_after=stored_after)
    ready = ready or until_steady(client, options, log)
    while True:
        if ready.wait():
            turn.is_late = True
        try:
            if ended := turn.ended_meanwhile(is_seen_to):
                log.info("Airbyte job %s was all that this run waited to start", ended.id)
                return ended, False
            job, is_ours = start_new(
                client,
                turn.next_start,
                log,
                clock=options.clock,
                sleep=options.sleep,
                if_interrupted=cancel if options.cancel_on_termination else None,
                outage_timeout=options.outage_timeout,
                say=say_of_start,
            )
            if request.is_met_by(job):
                return job, is_ours
            turn.wait_for_stored(job)
        except AirbyteUnavailable as problem:
            turn.is_late = True
            if not ready.may_try_again(problem):
                raise
            continue
        except AlreadyRunning as conflict:
            running = conflict.running
            if running is not None and is_own(running) and is_meant(client, request, running):
                log.info("Airbyte job %s, which was started before, is still running", running.id)
                return running, True
            if running is not None and turn.may_follow(running):
                log.info("Airbyte job %s was running already", running.id)
                return running, False
            turn.wait_for(conflict)
        ready.note_answer()
        turn.is_late = True


def until_steady(client: AirbyteClient, options: PollOptions, log: logging.Logger) -> UntilSteady:
    return UntilSteady(client, options.outage_timeout, log, options.clock, options.sleep)


@dataclass(frozen=True)
class _Words:
    """Sentences about what runs on a connection, for whoever has to do something about it."""

    client: AirbyteClient
    request: JobRequest
    name: str
    link: Callable[[Job], str]
    started_by: Callable[[Job], str | None]

    def busy(self, running: Job | None) -> str:
        if running is None:
            what = f"{self._connection}. Airbyte does not list that job"
            return f"{_BUSY}: {what}. Materialize again in some minutes."
        return f"{_BUSY}: {self._described(running)}\n{_choices(running, self.request.type)}"

    def waited_too_long(self, running: Job, *, is_stored: bool = False) -> str:
        first = f"{_WAITED_TOO_LONG}: {self._described(running)}\n"
        if is_stored:
            return f"{first}Airbyte postponed the refresh: the connection's next job is a refresh."
        return (
            f"{first}No {self.request.type.value} was started. Cancel that job in Airbyte if it"
            " hangs, or give wait_timeout more seconds, and materialize again."
        )

    @property
    def _connection(self) -> str:
        connection_id = self.request.connection_id
        return f"{self.name!r} ({connection_id})" if self.name else connection_id

    def _described(self, job: Job) -> str:
        what = f"job {job.id}, a {_KINDS[job.type]}" if job.type in _KINDS else f"job {job.id}"
        parts = [self._connection, what, self._since(job), self._who(job)]
        return f"{', '.join(filter(None, parts))}. {self.link(job)}"

    def _since(self, job: Job) -> str | None:
        if job.began_at is None:
            return None
        ago = duration_text(self.client.server_time() - job.began_at)
        return f"since {job.began_at:%Y-%m-%d %H:%M} UTC ({ago} ago)"

    def _who(self, job: Job) -> str | None:
        run_id = self.started_by(job)
        if run_id is not None:
            return f"started by Dagster's run {run_id}"
        asked = self.client.was_asked_for(job) if job.type is JobType.SYNC else None
        if asked:
            return "started in Airbyte or by its API"
        began = job.began_at
        is_noted = began is not None and self.client.server_time() - began > _NOTED_AFTER
        return "started by Airbyte's schedule" if asked is False and is_noted else None


_KINDS = {JobType.SYNC: "sync", JobType.REFRESH: "refresh", JobType.CLEAR: "clear"}


def _choices(running: Job, kind: JobType) -> str:
    if kind is not JobType.SYNC:
        # "attach" does not help: nobody knows whether it is the same one.
        return (
            f"With on_active_sync='wait' on the workspace a run starts its {kind.value} when it has"
            " ended. Or materialize again after its end."
        )
    if not running.type.writes_tables:
        # Why "attach" does not help here.
        first = "It leaves the tables empty, so no run follows it: with"
    else:
        first = "With on_active_sync='attach' on the workspace a run follows it; with"
    return (
        f"{first} on_active_sync='wait' a run syncs when it has ended. Or materialize again after"
        " its end."
    )


@dataclass
class _Turn:
    """Waits for what runs; `ending_since` is when nothing that runs was listed any more, and
    `first` the job that ran as this run asked for a sync. Of a refresh that Airbyte has stored,
    `stored_after` is the number of the newest job before that."""

    client: AirbyteClient
    request: JobRequest
    options: PollOptions
    log: logging.Logger
    words: _Words
    begun: float
    ending_since: float | None = None
    first: Job | None = None
    stored_after: int | None = None
    is_late: bool = False

    @property
    def next_start(self) -> JobRequest:
        """Airbyte makes of a sync the refresh that it has stored, which is not sent again."""
        if self.stored_after is None:
            return self.request
        return JobRequest(self.request.connection_id)

    def may_follow(self, running: Job) -> bool:
        if self.request.type is not JobType.SYNC:
            return self._is_stored_refresh(running)
        # A clear would not fill the tables. What came after the job that this run waited for is as
        # good as a sync of its own, whoever started it.
        is_next = self.first is not None and self.first.ref.precedes(running.ref)
        is_meant = self.options.on_active_sync == "attach" or is_next
        return is_meant and running.type.writes_tables

    def ended_meanwhile(self, is_seen_to: Callable[[Job], bool]) -> Job | None:
        """The newest sync that began and ended since this run asked for one, and is seen to.

        Or the refresh that Airbyte had stored for this run.
        """
        if self.request.type is not JobType.SYNC:
            if self.stored_after is None:
                return None
            newest = self.client.newest_jobs(self.request.connection_id)
            return next(filter(self._is_stored_refresh, reversed(newest)), None)
        if self.first is None:
            return None
        try:
            newest = self.client.newest_jobs(self.first.connection_id)
            wrote = (job for job in newest if job.wrote_tables)
            job = next((job for job in wrote if self.first.ref.precedes(job.ref)), None)
            return job if job and is_seen_to(job) else None
        except AirbyteError as error:
            self.log.warning("What ended meanwhile cannot be known: %s", error)
            return None

    def wait_for(self, conflict: AlreadyRunning) -> None:
        """Return when another start is worth a try; raise dg.Failure if none is."""
        running = conflict.running
        if isinstance(conflict, RefreshStored):
            self.stored_after = conflict.before
            self.log.warning("%s This run waits for that.", conflict)
        if running is None:
            self._wait_for_the_last_of_it(conflict)
        elif self.options.on_active_sync == "wait" or self.stored_after is not None:
            self.first = self.first or running
            self._wait_for_its_end(running)
        else:
            raise self._busy(conflict) from conflict

    def wait_for_stored(self, job: Job) -> None:
        """Return when a job has ended that Airbyte started in the place of what was asked for.

        Raises dg.Failure if another start would come to the same.
        """
        kind, url = self.request.type.value, self.words.link(job)
        if job.type is not JobType.CLEAR:
            raise dg.Failure(
                f"Airbyte has started job {job.id}, a {job.type.value}, instead of the {kind}:"
                f" {url}",
                metadata={keys.JOB_ID: job.id, keys.JOB_TYPE: job.type.value},
                allow_retries=False,
            )
        self.log.warning(
            "Airbyte had postponed a clear of the connection, and has started that instead of the"
            " %s: job %s. The %s starts when the clear has ended.",
            *(kind, job.id, kind),
        )
        if self.request.type is JobType.REFRESH:
            # Airbyte has stored that as well, before it looked at what comes first.
            self.stored_after = job.id
        ended = self._wait_for_its_end(job)
        # It stays stored until it succeeds.
        refuse_failed(ended, url)

    def _is_stored_refresh(self, job: Job) -> bool:
        is_new = self.stored_after is not None and job.id > self.stored_after
        return is_new and self.request.is_met_by(job)

    def _wait_for_the_last_of_it(self, conflict: AlreadyRunning) -> None:
        now = self.options.clock()
        if self.ending_since is None:
            self.ending_since = now
        if now - self.ending_since > _ENDING_LIMIT:
            raise self._busy(conflict) from conflict
        self.options.sleep(self.options.interval)

    def _wait_for_its_end(self, running: Job) -> Job:
        self.ending_since = None
        url = self.words.link(running)
        self.log.info("Waiting for the end of Airbyte job %s: %s", running.id, url)
        watch = Watch(self.client, self.options, self.log, running, self.begun, "wait_timeout")
        is_stored = self.stored_after is not None
        return watch.until_it_ends(self.words.waited_too_long(running, is_stored=is_stored))

    def _busy(self, conflict: AlreadyRunning) -> dg.Failure:
        metadata: dict[str, keys.Entry] = {keys.CONNECTION_ID: conflict.connection_id}
        running = conflict.running
        if running is not None:
            metadata[keys.JOB_ID] = running.id
            metadata[keys.JOB_TYPE] = running.type.value
            metadata[keys.JOB_URL] = dg.MetadataValue.url(self.words.link(running))
        return dg.Failure(description=self.words.busy(running), metadata=metadata)
