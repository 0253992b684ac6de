"""What to do if a connection is busy as a sync is to start: follow what runs, wait, or fail."""

import logging
from collections.abc import Callable

import dagster as dg

from dagster_airbyte_sync.assets import metadata as keys
from dagster_airbyte_sync.assets.following import Following, Watch
from dagster_airbyte_sync.assets.starting import AlreadyRunning, start_new
from dagster_airbyte_sync.resources import AirbyteClient, Job

# How long Airbyte may say that something runs while no such job is listed, in seconds.
_ENDING_LIMIT = 120.0

_BUSY = "Airbyte is already running a job on this connection"
_WAITED_TOO_LONG = "What ran on the Airbyte connection before did not end within poll_timeout"


def start_or_attach(
    client: AirbyteClient,
    connection_id: str,
    how: Following,
    log: logging.Logger,
    *,
    is_own: Callable[[Job], bool],
    link: Callable[[Job], str],
) -> tuple[Job, bool]:
    """The job to follow, and whether this run started it.

    `is_own` tells whether this run, or one that it repeats, started a job that runs: such a job is
    followed in any case. Raises dg.Failure if something runs that may be neither followed nor
    waited for.
    """
    begun = how.clock()
    while True:
        try:
            job = start_new(client, connection_id, log, clock=how.clock, sleep=how.sleep)
        except AlreadyRunning as conflict:
            running = conflict.running
            if running is not None and is_own(running):
                log.info("Airbyte job %s, which was started before, is still running", running.id)
                return running, True
            if running is not None and _may_follow(running, how):
                log.info("Airbyte job %s was running already", running.id)
                return running, False
            _wait(client, conflict, how, log, begun, link)
        else:
            return job, True


def _may_follow(running: Job, how: Following) -> bool:
    # A clear would not fill the tables.
    return how.on_active_sync == "attach" and running.type.writes_tables


def _wait(
    client: AirbyteClient,
    conflict: AlreadyRunning,
    how: Following,
    log: logging.Logger,
    begun: float,
    link: Callable[[Job], str],
) -> None:
    """Return when another start is worth a try; raise dg.Failure if none is."""
    running = conflict.running
    if running is None:
        if how.clock() - begun > _ENDING_LIMIT:
            raise _busy(conflict) from conflict
        how.sleep(how.interval)
    elif how.on_active_sync == "wait":
        log.info("Waiting for the end of Airbyte job %s: %s", running.id, link(running))
        Watch(client, how, log, running, begun).until_it_ends(_WAITED_TOO_LONG)
    else:
        raise _busy(conflict, link(running)) from conflict


def _busy(conflict: AlreadyRunning, url: str | None = None) -> dg.Failure:
    metadata: dict[str, keys.Entry] = {keys.CONNECTION_ID: conflict.connection_id}
    if conflict.running is not None and url is not None:
        metadata[keys.JOB_ID] = conflict.running.id
        metadata[keys.JOB_TYPE] = conflict.running.type.value
        metadata[keys.JOB_URL] = dg.MetadataValue.url(url)
    return dg.Failure(description=_BUSY, metadata=metadata)
