"""Starts a sync that has waited, and tells whether one that could not be started may be later."""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import dagster as dg

from dagster_airbyte_sync.assets.sync.start import AlreadyRunning, newest_jobs, start_new
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.resources import (
    DEFAULT_OUTAGE_TIMEOUT,
    AirbyteClient,
    AirbyteError,
    AirbyteForbidden,
    AirbyteNotFound,
    AirbyteUnavailable,
    Job,
    JobRequest,
)

# Airbyte's times are whole seconds, and its clock is known as well as that.
_SLACK = timedelta(seconds=2)


class StillWaits(AirbyteError):
    """Raised if Airbyte has not started the sync, as far as it says, and may do so later."""


def start_queued(
    client: AirbyteClient,
    request: JobRequest,
    log: logging.Logger,
    since: float | None = None,
    outage_timeout: float = DEFAULT_OUTAGE_TIMEOUT,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Job, bool]:
    """Start the sync; its job, and whether it is known to be this start's.

    `since` is when an earlier run began to start it (Dagster's clock, epoch seconds) and said no
    more: then the first job since is that one's. Raises AlreadyRunning, dg.Failure if Airbyte says
    that the connection is gone or not active, AirbyteUnavailable if nothing was started as Airbyte
    is not there, and StillWaits for whatever else is in the way.
    """
    try:
        if since is not None and (job := _first_since(client, request, since)):
            return job, False
        return start_new(client, request, log, sleep=sleep, outage_timeout=outage_timeout)
    except (AlreadyRunning, AirbyteUnavailable):
        raise
    except dg.Failure as failure:
        if _is_final(client, request.connection_id, failure):
            raise
        raise StillWaits(why_failed(failure)) from failure
    except AirbyteError as error:
        raise StillWaits(str(error)) from error


def why_failed(failure: dg.Failure) -> str:
    """What a log of one line can hold: Airbyte's own reason, too."""
    reason = keys.text_in(failure.metadata, keys.FAILURE_REASON)
    return f"{failure.description} ({reason})" if reason else failure.description or ""


def _first_since(client: AirbyteClient, request: JobRequest, since: float) -> Job | None:
    skew = client.server_time() - datetime.now(timezone.utc)
    earliest = datetime.fromtimestamp(since, timezone.utc) + skew - _SLACK
    return next(
        (
            job
            for job in reversed(newest_jobs(client, request.connection_id))
            if request.is_met_by(job) and job.created_at and job.created_at >= earliest
        ),
        None,
    )


def _is_final(client: AirbyteClient, connection_id: str, failure: dg.Failure) -> bool:
    """Whether Airbyte itself says so, which a gateway that restarts does not."""
    if keys.text_in(failure.metadata, keys.CONNECTION_STATUS):
        return True
    if not isinstance(failure.__cause__, AirbyteForbidden | AirbyteNotFound):
        return False
    try:
        connection = client.connections_with(connection_id).connections.get(connection_id)
    except AirbyteError:
        return False
    return connection is None or not connection.is_active
