"""What an earlier try of a run has sent already: a refresh or clear is not sent once more."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TypeVar

import dagster as dg

from dagster_airbyte_sync.assets.asked.may_start import failure, refuse_if_down
from dagster_airbyte_sync.assets.asked.until_steady import UntilSteady
from dagster_airbyte_sync.assets.event_log.claims import (
    ClaimedBefore,
    claimed_before,
    claims_of,
    is_retried_by_itself,
    starter_of,
)
from dagster_airbyte_sync.assets.event_log.sync_claim import ClaimStatus, StoredClaim
from dagster_airbyte_sync.assets.tables.matching import match
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteConflict,
    AirbyteError,
    AirbyteForbidden,
    AirbyteNotFound,
    AirbyteUnavailable,
    Job,
    JobRef,
    JobRequest,
    JobType,
)

# Airbyte's times are whole seconds, and its clock is known as well as that.
CLOCK_KNOWN_TO = timedelta(seconds=2)
# How long after a try said that it starts one its job may still come up while Airbyte lists jobs,
# and how often to look, in seconds: Airbyte itself may take over a minute to make it.
_MAY_COME = 120.0
_LOOK_EVERY = 5.0

Answer = TypeVar("Answer")


def answered(ready: UntilSteady, ask: Callable[[], Answer]) -> Answer:
    """What Airbyte says of earlier tries, asked again while it is away, as a start is.

    Raises NotSteady after the limit, and what `ask` does if Airbyte is there.
    """
    while True:
        ready.wait()
        try:
            return _asked(ready.client, ask)
        except AirbyteUnavailable as problem:
            if not ready.may_try_again(problem):
                raise


def _asked(client: AirbyteClient, ask: Callable[[], Answer]) -> Answer:
    try:
        return ask()
    except (dg.Failure, AirbyteError) as refusal:
        # A gateway that restarts knows no job.
        refuse_if_down(client, refusal)
        raise


def sent_before(
    instance: dg.DagsterInstance,
    run: dg.DagsterRun,
    client: AirbyteClient,
    request: JobRequest,
    before: ClaimedBefore | None = None,
    *,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Job, bool] | None:
    """The job that an earlier try of the run has started, and whether that is certain.

    A try that died may have said only that it starts one. Then it is the first job since that is of
    the same kind and streams, and that no run says it has started; it is looked for until Airbyte
    would have made it: what it was sent as it went away it may work off when it is back. None if
    there is none, or one that failed or was cancelled: that is tried again. A sync, too, is started
    again, as it removes nothing.

    Raises dg.Failure if the job is gone, or may not be sent again unless somebody asks for it, and
    AirbyteError if Airbyte does not list its jobs.
    `before` is what the tries claimed, if that is known. `clock` is Dagster's, in epoch seconds.
    """
    if request.type is JobType.SYNC:
        return None
    before = before or claimed_before(instance, run).get(request.connection_id, ClaimedBefore())
    if before.open:
        search = _Search(instance, client, request, before.open, clock, sleep)
        if job := search.found():
            return job, False
        _refuse_unanswered(before, run, request)
    for claim in reversed(before.jobs):
        job = _claimed(client, claim, request)
        if request.is_met_by(job):
            return None if _is_in_vain(job) else (job, claim.claim.status is ClaimStatus.STARTED)
    return None


def stored_before(client: AirbyteClient, request: JobRequest, before: ClaimedBefore) -> int | None:
    """The newest job's number as Airbyte stored the refresh of an earlier try, which has not become
    a job yet. None if there is none, or it is not stored any more."""
    if request.type is not JobType.REFRESH:
        return None
    stored = [each for each in before.open if each.claim.status is ClaimStatus.STORED]
    if not stored:
        return None
    since = by_airbytes_clock(stored[-1].stored_at, client) + CLOCK_KNOWN_TO
    jobs = client.newest_jobs(request.connection_id)
    later = [job for job in jobs if job.created_at is not None and job.created_at > since]
    # Airbyte would have made it of this one: somebody has taken it back, or it is done.
    if any(job.type.writes_tables for job in later):
        return None
    return max((job.id for job in jobs if job not in later), default=0)


@dataclass(frozen=True)
class _Search:
    """Looks for the job of tries that could not say which it is; `open` is what they did say,
    oldest first."""

    instance: dg.DagsterInstance
    client: AirbyteClient
    request: JobRequest
    open: Sequence[StoredClaim]
    clock: Callable[[], float]
    sleep: Callable[[float], None]

    def found(self) -> Job | None:
        listed_since: float | None = None
        while True:
            # The first try that said so may have sent it, whatever later ones said.
            jobs = [*self._since(self.open[0])]
            alive = [job for job in jobs if not _is_in_vain(job)]
            if alive:
                # Airbyte adds what it has stored to what was asked for.
                return min(alive, key=lambda job: (not _is_exactly(self.request, job), job.id))
            listed_since = self.clock() if listed_since is None else listed_since
            if not self._may_come(jobs, listed_since):
                return None
            self.sleep(_LOOK_EVERY)

    def _may_come(self, in_vain: Iterable[Job], listed_since: float) -> bool:
        """Whether the job of the last try may still come up. How long Airbyte was there before the
        first look is not known."""
        last = self.open[-1]
        since = by_airbytes_clock(last.stored_at, self.client) - CLOCK_KNOWN_TO
        is_over = any(job.created_at is not None and job.created_at >= since for job in in_vain)
        is_at_it = last.claim.status is ClaimStatus.STARTING and not is_over
        return is_at_it and self.clock() - max(last.stored_at, listed_since) < _MAY_COME

    def _since(self, claim: StoredClaim) -> Iterator[Job]:
        since = by_airbytes_clock(claim.stored_at, self.client) - CLOCK_KNOWN_TO
        jobs = [
            job
            for job in self.client.newest_jobs(self.request.connection_id)
            if self.request.is_met_by(job)
            and job.created_at is not None
            and job.created_at >= since
        ]
        claims = claims_of(self.instance, claim.table, jobs)
        for job in jobs:
            if starter_of(claims[job.id]) is None:
                detailed = self.client.job(job.id)
                if names_streams_of(self.request, detailed):
                    yield detailed


def is_meant(client: AirbyteClient, request: JobRequest, job: Job) -> bool:
    """Whether a job from a list is of the kind, and of the streams, that are asked for."""
    if not request.is_met_by(job):
        return False
    # Who lists jobs does not say of which streams they are.
    return request.type is JobType.SYNC or names_streams_of(request, client.job(job.id))


def names_streams_of(request: JobRequest, job: Job) -> bool:
    """Whether the refresh or clear names all streams that are asked for, as far as is known."""
    if job.named_streams is None:
        return True
    if request.streams is None:
        # A clear always has names: those that were confirmed.
        return job.type is JobType.CLEAR
    return len(match(request.streams, job.named_streams).pairs) == len(request.streams)


def _is_exactly(request: JobRequest, job: Job) -> bool:
    if request.streams is None or job.named_streams is None:
        return request.streams is None and job.named_streams is None
    return len(request.streams) == len(job.named_streams)


def _claimed(client: AirbyteClient, claim: StoredClaim, request: JobRequest) -> Job:
    """The job that the claim names, as it is now."""
    ref = claim.claim.job
    assert ref is not None
    try:
        job = client.job(ref.id)
    except (AirbyteForbidden, AirbyteNotFound, AirbyteConflict) as refusal:
        # The public API answers 409 to a number that it does not know.
        raise _gone(ref, request, str(refusal)) from refusal
    if not job.ref.is_same(ref) or job.connection_id != request.connection_id:
        raise _gone(ref, request, f"job {ref.id} is a different one now")
    return job


def _refuse_unanswered(before: ClaimedBefore, run: dg.DagsterRun, request: JobRequest) -> None:
    """Raise if Airbyte did not answer an earlier try, and nobody has asked for another one: what
    may have been sent may remove rows, also those that a sync has brought since."""
    unanswered = [each for each in before.open if each.claim.status is ClaimStatus.UNANSWERED]
    if any(each.run_id == run.run_id or is_retried_by_itself(run) for each in unanswered):
        kind = request.type.value
        raise failure(
            f"An earlier try of this run requested a {kind}; Airbyte did not answer, and no such"
            " job was found. It is not sent again automatically: start a new run if the"
            f" {kind} is still needed.",
            request.connection_id,
            "",
            is_final=True,
        )


def _gone(ref: JobRef, request: JobRequest, reason: str) -> dg.Failure:
    return failure(
        f"An earlier try of this run started Airbyte job {ref.id}, which Airbyte no longer has (it"
        " may have been restored from a backup). How that job ended is unknown, and no"
        f" {request.type.value} was sent. Look at the tables, and start a new run if it is still"
        " needed: a new run does not look for the job.",
        request.connection_id,
        reason,
    )


def by_airbytes_clock(stored_at: float, client: AirbyteClient) -> datetime:
    """A time of Dagster's clock, in epoch seconds."""
    skew = client.server_time() - datetime.now(timezone.utc)
    return datetime.fromtimestamp(stored_at, timezone.utc) + skew


def _is_in_vain(job: Job) -> bool:
    return job.is_finished and not job.succeeded
