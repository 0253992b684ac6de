"""What an earlier try of a run has sent already: a refresh or clear is not sent once more."""

from datetime import datetime, timedelta, timezone

import dagster as dg

from dagster_airbyte_sync.assets.event_log.claims import claimed_before
from dagster_airbyte_sync.assets.event_log.sync_claim import ClaimStatus, StoredClaim
from dagster_airbyte_sync.resources import AirbyteClient, Job, JobRequest, JobType

# Airbyte's times are whole seconds, and its clock is known as well as that.
_SLACK = timedelta(seconds=2)


def sent_before(
    instance: dg.DagsterInstance, run: dg.DagsterRun, client: AirbyteClient, request: JobRequest
) -> tuple[Job, bool] | None:
    """The job of that kind that an earlier try of the run has started, and whether that is certain.

    A try that died may have said only that it starts one: then it is the first job since. None if
    it has started none, or one that failed or was cancelled: that is tried again. A sync, too, is
    started again, as it removes nothing. Raises AirbyteError if Airbyte does not list its jobs.
    """
    if request.type is JobType.SYNC:
        return None
    claim = claimed_before(instance, run).get(request.connection_id)
    if claim is None:
        return None
    since = _since(claim, client)
    for job in reversed(client.newest_jobs(request.connection_id)):
        if request.is_met_by(job) and _is_of(claim, job, since):
            is_in_vain = job.is_finished and not job.succeeded
            is_certain = claim.claim.status is ClaimStatus.STARTED
            return None if is_in_vain else (client.job(job.id), is_certain)
    return None


def _since(claim: StoredClaim, client: AirbyteClient) -> datetime:
    """When the claim was stored, by Airbyte's clock."""
    skew = client.server_time() - datetime.now(timezone.utc)
    return datetime.fromtimestamp(claim.stored_at, timezone.utc) + skew - _SLACK


def _is_of(claim: StoredClaim, job: Job, since: datetime) -> bool:
    if claim.claim.job is not None:
        return job.ref.is_same(claim.claim.job)
    return job.created_at is not None and job.created_at >= since
