"""Starts a sync that has waited, and finds out whether one that could not start may do so later."""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import dagster as dg

from dagster_airbyte_sync.assets.asked.sent_before import CLOCK_KNOWN_TO, by_airbytes_clock
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

# A run that began a start may have been held up, or its process replaced, and Airbyte may have been
# away (`outage_timeout`), before its job came. What came later is somebody else's.
_MAY_COME = timedelta(hours=1)


class StillWaits(AirbyteError):
    """Raised if Airbyte has not started the sync, as far as it says, and may do so later."""


def start_queued(
    client: AirbyteClient,
    request: JobRequest,
    log: logging.Logger,
    begun: Sequence[float] = (),
    outage_timeout: float = DEFAULT_OUTAGE_TIMEOUT,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Job, bool]:
    """Start the sync; its job, and whether it is known to be this start's.

    `begun` is when earlier runs began to start it (Dagster's clock, epoch seconds) and said no
    more: then the first job since is theirs, if it runs or has succeeded. Raises AlreadyRunning,
    dg.Failure if Airbyte says that the connection is gone or not active, AirbyteUnavailable if
    nothing was started as Airbyte is not there, and StillWaits for whatever else is in the way.
    """
    try:
        if begun and (job := _begun_before(client, request, begun, outage_timeout)):
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


def _begun_before(
    client: AirbyteClient, request: JobRequest, begun: Sequence[float], outage_timeout: float
) -> Job | None:
    starts = [by_airbytes_clock(each, client) - CLOCK_KNOWN_TO for each in begun]
    may_come = _MAY_COME + timedelta(seconds=outage_timeout)
    return next(
        (
            job
            for job in reversed(newest_jobs(client, request.connection_id))
            if request.is_met_by(job)
            and (job.succeeded or not job.is_finished)
            and any(job.created_at and at <= job.created_at <= at + may_come for at in starts)
        ),
        None,
    )


def _is_final(client: AirbyteClient, connection_id: str, failure: dg.Failure) -> bool:
    """Whether Airbyte itself says so, which a gateway that restarts does not."""
    if keys.text_in(failure.metadata, keys.CONNECTION_STATUS):
        return True
    if not isinstance(failure.__cause__, AirbyteForbidden | AirbyteNotFound):
        return False
    return is_gone(client, connection_id)


def is_gone(client: AirbyteClient, connection_id: str) -> bool:
    """Whether Airbyte says that it has no such connection, or that it is not active."""
    try:
        connection = client.connections_with(connection_id).connections.get(connection_id)
    except AirbyteError:
        return False
    return connection is None or not connection.is_active
