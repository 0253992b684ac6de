"""Runs claim the jobs of their syncs. Of those that claim one job, the first reports it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import dagster as dg

from dagster_airbyte_sync.assets.event_log.at_once import answers
from dagster_airbyte_sync.assets.event_log.records import BEFORE_ALL, observations_since, run_events
from dagster_airbyte_sync.assets.event_log.sync_claim import ClaimStatus, StoredClaim
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import NO_LIMIT, Job, TimeBudget

# How long a step may take, in seconds, from a look at its run to what it stores after it. The step
# of a run that is over may live on, until it looks.
GRACE = 30.0

# A step after one of these stores nothing more, or begins anew.
STEP_ENDS = frozenset(
    (
        dg.DagsterEventType.STEP_UP_FOR_RETRY,
        dg.DagsterEventType.STEP_SUCCESS,
        dg.DagsterEventType.STEP_FAILURE,
        dg.DagsterEventType.STEP_SKIPPED,
    )
)


def claims_of(
    instance: dg.DagsterInstance, table: dg.AssetKey, jobs: Iterable[Job]
) -> Mapping[int, Sequence[StoredClaim]]:
    """The claims on each of the jobs, which are of the table's connection: by job id, first to
    last."""
    wanted = {job.id: job for job in jobs}
    claims: dict[int, list[StoredClaim]] = {job_id: [] for job_id in wanted}
    if wanted:
        since = min(job.created_at or BEFORE_ALL for job in wanted.values())
        for record in observations_since(instance, table, since):
            stored = StoredClaim.from_record(record)
            claimed = stored.claim.job if stored else None
            job = wanted.get(claimed.id) if claimed else None
            if stored and claimed and job and claimed.is_same(job.ref):
                claims[job.id].insert(0, stored)
    return claims


@dataclass(frozen=True)
class Reporter:
    """A run that reports a job before another one may.

    `is_over` if Dagster holds the run for over. Its step may live on all the same: the step process
    of a killed run does, until it looks.
    """

    run_id: str
    is_over: bool


def other_reporter(
    instance: dg.DagsterInstance, claims: Sequence[StoredClaim], run_id: str
) -> Reporter | None:
    """The run that reports the job instead of this one: the first that still follows it."""
    own = max((each.storage_id for each in claims if each.run_id == run_id), default=0)
    earlier = [each for each in claims if each.run_id != run_id and each.storage_id < own]
    reporters = [reporter for each in earlier if (reporter := _reporter(instance, each))]
    return min(reporters, key=lambda reporter: reporter.is_over, default=None)


def _reporter(instance: dg.DagsterInstance, claim: StoredClaim) -> Reporter | None:
    """The run of the claim, unless its step has ended or it leaves its syncs to the sensor."""
    run = instance.get_run_by_id(claim.run_id)
    if run is None or keys.STARTS_SYNCS_TAG in run.tags:
        return None
    # What succeeded has had all its steps end.
    if run.status is dg.DagsterRunStatus.SUCCESS or _step_has_ended(instance, claim):
        return None
    return Reporter(run.run_id, run.is_finished)


def _step_has_ended(instance: dg.DagsterInstance, claim: StoredClaim) -> bool:
    for record in run_events(instance, claim.run_id, STEP_ENDS, newest_first=True):
        if record.storage_id < claim.storage_id:
            return False
        if record.event_log_entry.step_key == claim.step_key:
            return True
    return False


def starter_of(claims: Sequence[StoredClaim]) -> str | None:
    """The run that started the job, or None if it was found running."""
    started = (each.run_id for each in claims if each.claim.status is ClaimStatus.STARTED)
    return next(started, None)


@dataclass(frozen=True)
class Followers:
    """The run that started a job, and a run that followed it and is over, but may still write.

    The latter is none whose step has ended, too.
    """

    started_by: str | None = None
    orphan: str | None = None


def followers_of(
    instance: dg.DagsterInstance, jobs: Iterable[tuple[Table, Job]], budget: TimeBudget = NO_LIMIT
) -> Mapping[int, Followers]:
    """Who follows the jobs, by job id, as far as time allows; one look-up for each connection, a
    few at once.

    A run claims its job on all tables of a connection: any of them will do.
    """
    tables: dict[str, dg.AssetKey] = {}
    by_connection: dict[str, list[Job]] = {}
    for table, job in jobs:
        tables[job.connection_id] = table.key
        by_connection.setdefault(job.connection_id, []).append(job)

    def of(connection_id: str) -> Mapping[int, Followers]:
        if budget.is_spent:
            return {}
        claims = claims_of(instance, tables[connection_id], by_connection[connection_id])
        return {
            job_id: Followers(starter_of(own), _orphan(instance, own))
            for job_id, own in claims.items()
        }

    return dict(chain.from_iterable(each.items() for each in answers(of, tables)))


def _orphan(instance: dg.DagsterInstance, claims: Sequence[StoredClaim]) -> str | None:
    reporters = (_reporter(instance, claim) for claim in claims)
    return next((each.run_id for each in reporters if each and each.is_over), None)


def started_before(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dict[str, str]:
    """The connections that earlier tries of a run have started, each with the run that did it.

    Earlier tries are those of its step, and the runs it repeats: on their failure, or by itself.
    To run all once more by hand is to start all once more.
    """
    started: dict[str, str] = {}
    for each in _tries(instance, run):
        own = (stored.claim for stored in _claims_by(instance, each.run_id))
        ids = (claim.connection_id for claim in own if claim.status is ClaimStatus.STARTED)
        started |= dict.fromkeys(ids, each.run_id)
    return started


@dataclass(frozen=True)
class ClaimedBefore:
    """What earlier tries of a run have claimed of one connection, oldest first.

    `jobs` are claims that name one; `open` are starts since then of which no job is known: a try
    died before it could say, or Airbyte postponed the refresh.
    """

    jobs: tuple[StoredClaim, ...] = ()
    open: tuple[StoredClaim, ...] = ()

    def and_then(self, stored: StoredClaim) -> "ClaimedBefore":
        """With what a try has said next."""
        job = stored.claim.job
        if job is not None:
            # A job is claimed on each table.
            is_known = any(each.claim.job and each.claim.job.is_same(job) for each in self.jobs)
            return ClaimedBefore(self.jobs if is_known else (*self.jobs, stored))
        if stored.claim.status is not ClaimStatus.NOT_STARTED:
            return replace(self, open=(*self.open, stored))
        starts = (
            place
            for place, each in enumerate(self.open)
            if each.claim.status is ClaimStatus.STARTING and each.run_id == stored.run_id
        )
        return replace(self, open=self.open[: max(starts, default=len(self.open))])


def claimed_before(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Mapping[str, ClaimedBefore]:
    """The claims of earlier tries by connection, without what they have taken back."""
    claimed: dict[str, ClaimedBefore] = {}
    for each in reversed([*_tries(instance, run)]):
        for stored in _claims_by(instance, each.run_id):
            known = claimed.get(stored.claim.connection_id, ClaimedBefore())
            claimed[stored.claim.connection_id] = known.and_then(stored)
    return claimed


def _tries(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Iterator[dg.DagsterRun]:
    """The run, and those that it repeats, newest first."""
    parent: dg.DagsterRun | None = run
    while parent is not None:
        yield parent
        is_repeat = not _REPEATS.isdisjoint(parent.tags)
        parent = instance.get_run_by_id(parent.parent_run_id or "") if is_repeat else None


def is_retried_by_itself(run: dg.DagsterRun) -> bool:
    """Whether nobody asked for the run but Dagster's daemon."""
    return _RETRIED in run.tags


# Dagster's tags of a run retried by the daemon, and of one re-executed "from failure".
_RETRIED = "dagster/retry_number"
_REPEATS = frozenset({_RETRIED, "dagster/is_resume_retry"})


def _claims_by(instance: dg.DagsterInstance, run_id: str) -> Iterator[StoredClaim]:
    for record in run_events(instance, run_id, {dg.DagsterEventType.ASSET_OBSERVATION}):
        stored = StoredClaim.from_record(record)
        if stored:
            yield stored
