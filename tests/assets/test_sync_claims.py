"""What a run says of a sync before it has ended: as it is stored, it is read back."""

from collections.abc import Iterator
from dataclasses import replace

import dagster as dg
import pytest

from dagster_airbyte_sync import Job, JobStatus
from dagster_airbyte_sync.assets.event_log.claims import (
    Reporter,
    claims_of,
    other_reporter,
    starter_of,
)
from dagster_airbyte_sync.assets.event_log.sync_claim import ClaimStatus, StoredClaim, SyncClaim
from helpers.dagster_private import store_step_event
from helpers.finished_jobs import job

ORDERS = dg.AssetKey("orders")
RUNNING = replace(job(7, 1), status=JobStatus.RUNNING)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def run(instance: dg.DagsterInstance) -> dg.DagsterRun:
    return a_run(instance)


def a_run(instance: dg.DagsterInstance) -> dg.DagsterRun:
    @dg.job(name="syncs")
    def syncs() -> None: ...

    return instance.create_run_for_job(syncs, status=dg.DagsterRunStatus.STARTED)


def stored(instance: dg.DagsterInstance, run: dg.DagsterRun, claim: SyncClaim) -> StoredClaim:
    event = claim.to_observation(ORDERS, "https://airbyte.example/7")
    store_step_event(instance, run, "sync", event)
    (record,) = instance.fetch_observations(ORDERS, limit=1).records
    read = StoredClaim.from_record(record)
    assert read is not None
    return read


@pytest.mark.parametrize(
    "claim",
    [
        SyncClaim(ClaimStatus.STARTING, "shop"),
        SyncClaim(ClaimStatus.NOT_STARTED, "shop"),
        SyncClaim.of_job(RUNNING, started=True),
        SyncClaim.of_job(RUNNING, started=False),
        SyncClaim.of_job(replace(RUNNING, created_at=None), started=True),
    ],
)
def test_a_claim_is_read_as_it_was_said(
    instance: dg.DagsterInstance, run: dg.DagsterRun, claim: SyncClaim
) -> None:
    read = stored(instance, run, claim)

    assert read.claim == claim
    assert (read.table, read.run_id, read.step_key) == (ORDERS, run.run_id, "sync")


def test_other_observations_are_no_claims(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    ended: dict[str, int | str] = {
        "dagster-airbyte/job_id": 7,
        "dagster-airbyte/job_status": "succeeded",
    }
    others: list[dict[str, int | str]] = [{}, {"rows": 3}, ended]
    for metadata in others:
        store_step_event(instance, run, "sync", dg.AssetObservation(ORDERS, metadata=metadata))

    records = instance.fetch_observations(ORDERS, limit=9).records

    assert [StoredClaim.from_record(record) for record in records] == [None] * 3


def test_of_two_runs_that_claim_a_job_the_first_reports_it(instance: dg.DagsterInstance) -> None:
    first, second = a_run(instance), a_run(instance)
    stored(instance, first, SyncClaim.of_job(RUNNING, started=True))
    stored(instance, second, SyncClaim.of_job(RUNNING, started=False))

    claims = claims_of(instance, ORDERS, [RUNNING])[7]

    assert starter_of(claims) == first.run_id
    assert other_reporter(instance, claims, second.run_id) == Reporter(first.run_id, is_over=False)
    assert other_reporter(instance, claims, first.run_id) is None


@pytest.mark.parametrize(
    "end",
    [
        dg.DagsterEventType.STEP_SKIPPED,
        dg.DagsterEventType.STEP_UP_FOR_RETRY,
    ],
)
def test_a_run_whose_step_has_ended_reports_the_job_no_more(
    instance: dg.DagsterInstance, end: dg.DagsterEventType
) -> None:
    """How it does once its step has succeeded or failed, `test_two_runs_follow_one_sync.py` has."""
    first, second = a_run(instance), a_run(instance)
    stored(instance, first, SyncClaim.of_job(RUNNING, started=True))
    instance.report_dagster_event(
        dg.DagsterEvent(event_type_value=end.value, job_name="syncs", step_key="sync"),
        run_id=first.run_id,
    )
    stored(instance, second, SyncClaim.of_job(RUNNING, started=False))

    claims = claims_of(instance, ORDERS, [RUNNING])[7]

    assert other_reporter(instance, claims, second.run_id) is None


def test_a_claim_on_a_job_whose_number_was_given_again_is_no_claim_on_the_new_one(
    instance: dg.DagsterInstance, run: dg.DagsterRun
) -> None:
    stored(instance, run, SyncClaim.of_job(RUNNING, started=True))
    again: Job = replace(RUNNING, created_at=job(7, 90).created_at)

    assert claims_of(instance, ORDERS, [again])[7] == []
