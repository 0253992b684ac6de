"""What to do if a connection is busy as a sync is to start: follow what runs, wait, or fail."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg

from dagster_airbyte_sync.assets.sync.follow import PollOptions, Watch, try_to_cancel
from dagster_airbyte_sync.assets.sync.start import AlreadyRunning, start_new
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.resources import AirbyteClient, Job

# How long Airbyte may say that something runs while no such job is listed, in seconds.
_ENDING_LIMIT = 120.0

_BUSY = "Airbyte is already running a job on this connection"
_WAITED_TOO_LONG = "What ran on the Airbyte connection before did not end within poll_timeout"


def start_or_attach(
    client: AirbyteClient,
    connection_id: str,
    options: PollOptions,
    log: logging.Logger,
    *,
    is_own: Callable[[Job], bool],
    link: Callable[[Job], str],
    before_late_start: Callable[[], object] = lambda: None,
) -> tuple[Job, bool]:
    """The job to follow, and whether it is known that this run started it.

    Before a start that had to wait for its turn, `before_late_start` is called.
    `is_own` says whether this run, or one that it repeats, started a job that runs: such a job is
    followed in any case. Raises dg.Failure if something runs that may be neither followed nor
    waited for.
    """

    def cancel(job: Job) -> None:
        try_to_cancel(client, job, options, log)

    turn = _Turn(client, options, log, link, begun=options.clock())
    while True:
        try:
            return start_new(
                client,
                connection_id,
                log,
                clock=options.clock,
                sleep=options.sleep,
                if_interrupted=cancel if options.cancel_on_termination else None,
            )
        except AlreadyRunning as conflict:
            running = conflict.running
            if running is not None and is_own(running):
                log.info("Airbyte job %s, which was started before, is still running", running.id)
                return running, True
            if running is not None and _may_follow(running, options):
                log.info("Airbyte job %s was running already", running.id)
                return running, False
            turn.wait_for(conflict)
            before_late_start()


def _may_follow(running: Job, options: PollOptions) -> bool:
    # A clear would not fill the tables.
    return options.on_active_sync == "attach" and running.type.writes_tables


@dataclass
class _Turn:
    """Waits for what runs; `ending_since` is when nothing that runs was listed any more."""

    client: AirbyteClient
    options: PollOptions
    log: logging.Logger
    link: Callable[[Job], str]
    begun: float
    ending_since: float | None = None

    def wait_for(self, conflict: AlreadyRunning) -> None:
        """Return when another start is worth a try; raise dg.Failure if none is."""
        running = conflict.running
        if running is None:
            self._wait_for_the_last_of_it(conflict)
        elif self.options.on_active_sync == "wait":
            self._wait_for_its_end(running)
        else:
            raise _busy(conflict, self.link(running)) from conflict

    def _wait_for_the_last_of_it(self, conflict: AlreadyRunning) -> None:
        now = self.options.clock()
        if self.ending_since is None:
            self.ending_since = now
        if now - self.ending_since > _ENDING_LIMIT:
            raise _busy(conflict) from conflict
        self.options.sleep(self.options.interval)

    def _wait_for_its_end(self, running: Job) -> None:
        self.ending_since = None
        self.log.info("Waiting for the end of Airbyte job %s: %s", running.id, self.link(running))
        watch = Watch(self.client, self.options, self.log, running, self.begun)
        watch.until_it_ends(_WAITED_TOO_LONG)


def _busy(conflict: AlreadyRunning, url: str | None = None) -> dg.Failure:
    metadata: dict[str, keys.Entry] = {keys.CONNECTION_ID: conflict.connection_id}
    if conflict.running is not None and url is not None:
        metadata[keys.JOB_ID] = conflict.running.id
        metadata[keys.JOB_TYPE] = conflict.running.type.value
        metadata[keys.JOB_URL] = dg.MetadataValue.url(url)
    return dg.Failure(description=_BUSY, metadata=metadata)
