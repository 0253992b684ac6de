"""A sync is followed to its end: what is no end, how it ends, and what is cancelled."""

import logging
from contextlib import AbstractContextManager

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.sync.follow import (
    TookTooLong,
    cancelled_if_interrupted,
    follow,
    refuse_failed,
    try_to_cancel,
)
from dagster_airbyte_sync.resources import AirbyteClient, AirbyteSettings, Job, JobStatus, JobType
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    RecordedRequest,
    SimulatedConnection,
    SimulatedJob,
    SimulatedStream,
)
from helpers.airbyte_time import Log, client_of, poll_options

STREAMS = [
    SimulatedStream("orders", sync_mode="incremental", rows=1_200_000),
    SimulatedStream("users", rows=50_000),
]


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=STREAMS, sync_seconds=300)


def record_of(airbyte: AirbyteSimulator, job: SimulatedJob) -> Job:
    return client_of(airbyte).job(job.job_id)


def followed(airbyte: AirbyteSimulator, job: SimulatedJob, log: Log, **changes: object) -> Job:
    record = record_of(airbyte, job)
    return follow(client_of(airbyte), record, poll_options(airbyte, **changes), log.logger)


# What is no end


def test_a_status_that_airbyte_adds_is_followed_and_said_once(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    airbyte.update_connection(shop, sync_seconds=600)
    job = airbyte.begin(airbyte.start_sync(shop, unattended=True))
    airbyte.speak_of(job, status="resting")
    airbyte.on_sync_succeeded(lambda job: airbyte.speak_of(job))
    assert followed(airbyte, job, log).status is JobStatus.SUCCEEDED
    [warning] = log.lines(logging.WARNING)
    assert warning == (
        "Airbyte job 1: this version of dagster-airbyte-sync does not know the status 'resting'."
        " It is followed until its status is one of failed, succeeded, cancelled."
    )


def test_a_type_that_airbyte_adds_is_followed_and_said_once(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    job = airbyte.begin(airbyte.start_sync(shop, unattended=True))
    airbyte.speak_of(job, type="backfill")
    assert followed(airbyte, job, log).type is JobType.UNKNOWN
    [warning] = log.lines(logging.WARNING)
    assert "does not know the type 'backfill'" in warning


def test_an_incomplete_job_is_not_an_end(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    airbyte.plan(shop, failing_attempts=2)
    job = followed(airbyte, airbyte.start_sync(shop, unattended=True), log)
    assert (job.status, job.attempts) == (JobStatus.SUCCEEDED, 3)


BLINKS = [
    *(Fault.status(code) for code in (401, 403, 404, 409, 500, 502, 503)),
    *(Fault.drop(), Fault.html(), Fault.half_json(), Fault.rate_limited()),
]


@pytest.mark.parametrize("blink", BLINKS, ids=lambda fault: str(fault.name))
def test_an_api_that_blinks_does_not_end_the_following(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, blink: Fault
) -> None:
    job = airbyte.begin(airbyte.start_sync(shop, unattended=True))
    airbyte.add_fault(blink, path="/jobs/", times=20, after=2)
    assert followed(airbyte, job, log).status is JobStatus.SUCCEEDED
    assert 1 <= len(log.lines(logging.WARNING)) <= 5


@pytest.mark.parametrize("code", [403, 404])
def test_a_gateway_that_refuses_everything_for_a_while_does_not_end_the_following(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, code: int
) -> None:
    """Not even when it lets it seem that there is no such workspace."""
    job = airbyte.begin(airbyte.start_sync(shop, unattended=True))
    for path in ("/jobs/get_without_logs", "/workspaces/"):
        airbyte.add_fault(Fault.status(code), path=path, times=10, after=path.startswith("/jobs"))
    assert followed(airbyte, job, log).status is JobStatus.SUCCEEDED
    assert any("has no workspace" in line for line in log.lines(logging.WARNING))


def test_an_api_that_is_gone_for_good_ends_the_following_and_leaves_the_sync_alone(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    job = airbyte.begin(airbyte.start_sync(shop))
    record = record_of(airbyte, job)
    airbyte.add_fault(Fault.status(503), path="/jobs/", times=None)
    begun = airbyte.now

    with pytest.raises(dg.Failure) as failure, cancelling(airbyte, record, log):
        follow(client_of(airbyte), record, poll_options(airbyte), log.logger)

    assert failure.value.description == (
        "Airbyte did not answer for minutes; the sync was left running"
    )
    assert failure.value.metadata["dagster-airbyte/job_id"].value == job.job_id
    # outage_timeout
    assert 900 <= (airbyte.now - begun).total_seconds() <= 1000
    assert airbyte.job(job.job_id).status == "running"


# How it ends


def test_a_failed_sync_is_reported_with_airbyte_s_own_reason(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    job = airbyte.start_sync(shop)
    airbyte.fail_attempt(job, reason="the first reason")
    airbyte.begin(job)
    airbyte.fail(job, reason="password expired", type="config_error", rows={"orders": 7})
    finished = followed(airbyte, job, log)

    with pytest.raises(dg.Failure) as failure:
        refuse_failed(finished, "http://airbyte.test/job")

    assert failure.value.description == "The Airbyte sync failed"
    shown = {key: entry.value for key, entry in failure.value.metadata.items()}
    assert shown == {
        "dagster-airbyte/job_id": job.job_id,
        "dagster-airbyte/job_type": "sync",
        "dagster-airbyte/connection_id": shop.connection_id,
        "dagster-airbyte/job_url": "http://airbyte.test/job",
        "dagster-airbyte/attempts": 2,
        "dagster-airbyte/records_synced": 7,
        "dagster-airbyte/bytes_synced": 700,
        "dagster-airbyte/failure_reason": "password expired",
        "dagster-airbyte/failure_origin": "source",
        "dagster-airbyte/failure_type": "config_error",
    }


def test_what_airbyte_does_not_say_of_a_failed_sync_is_left_out(log: Log) -> None:
    with AirbyteSimulator(configuration_api=False) as airbyte:
        job = airbyte.start_sync(airbyte.add_connection("shop"))
        airbyte.fail(job)
        finished = followed(airbyte, job, log)

    with pytest.raises(dg.Failure) as failure:
        refuse_failed(finished, "http://airbyte.test/job")

    assert "dagster-airbyte/attempts" not in failure.value.metadata


# What is cancelled


def cancelling(
    airbyte: AirbyteSimulator, job: Job, log: Log, **changes: object
) -> AbstractContextManager[None]:
    return cancelled_if_interrupted(
        client_of(airbyte), job, poll_options(airbyte, **changes), log.logger
    )


def test_a_sync_that_takes_longer_than_poll_timeout_is_cancelled(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    job = airbyte.begin(airbyte.start_sync(shop))
    record = record_of(airbyte, job)
    with pytest.raises(TookTooLong) as failure, cancelling(airbyte, record, log):
        follow(client_of(airbyte), record, poll_options(airbyte, timeout=60), log.logger)

    assert failure.value.description == "The Airbyte sync took longer than poll_timeout"
    assert failure.value.metadata["poll_timeout"].value == 60
    assert airbyte.job(job.job_id).status == "cancelled"


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit, TookTooLong])
def test_another_job_that_runs_meanwhile_is_not_cancelled(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, end: type[BaseException]
) -> None:
    record = record_of(airbyte, airbyte.run_sync(shop))
    other = airbyte.begin(airbyte.start_sync(shop))
    with pytest.raises(end), cancelling(airbyte, record, log):
        raise end
    assert airbyte.job(other.job_id).status == "running"
    assert not cancels(airbyte.requests)


def test_without_cancel_on_termination_nothing_is_cancelled(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    job = airbyte.begin(airbyte.start_sync(shop))
    record = record_of(airbyte, job)
    with (
        pytest.raises(KeyboardInterrupt),
        cancelling(airbyte, record, log, cancel_on_termination=False),
    ):
        raise KeyboardInterrupt
    assert not cancels(airbyte.requests)


def test_an_airbyte_that_cannot_cancel_does_not_hide_the_interrupt(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    job = airbyte.begin(airbyte.start_sync(shop))
    record = record_of(airbyte, job)
    airbyte.add_fault(Fault.status(503), method="DELETE", times=None)
    with pytest.raises(KeyboardInterrupt), cancelling(airbyte, record, log):
        raise KeyboardInterrupt
    assert len(cancels(airbyte.requests)) == 3
    (line,) = log.lines(logging.WARNING)
    assert line.startswith(f"Airbyte job {job.job_id} could not be cancelled: ")


def test_a_job_that_could_not_be_cancelled_at_first_is_cancelled_in_the_end(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    job = airbyte.begin(airbyte.start_sync(shop))
    record = record_of(airbyte, job)
    airbyte.add_fault(Fault.status(502), method="DELETE", times=2)
    with pytest.raises(KeyboardInterrupt), cancelling(airbyte, record, log):
        raise KeyboardInterrupt
    assert airbyte.job(job.job_id).status == "cancelled"
    assert log.lines() == [f"Cancelled Airbyte job {job.job_id}"]


def test_a_cancel_whose_answer_is_lost_cancels_nothing_that_comes_after_it(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    record = record_of(airbyte, airbyte.begin(airbyte.start_sync(shop)))
    airbyte.add_fault(Fault.gateway_timeout(), method="DELETE")

    def start_the_next(seconds: float) -> None:
        airbyte.start_sync(shop)

    with (
        pytest.raises(KeyboardInterrupt),
        cancelling(airbyte, record, log, sleep=start_the_next),
    ):
        raise KeyboardInterrupt
    assert [job.status for job in airbyte.jobs] == ["cancelled", "pending"]


def test_a_cancel_that_airbyte_puts_off_looks_again_for_what_runs_before_it_is_repeated(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    """While it waits the job ends, and somebody else's begins."""
    job = airbyte.begin(airbyte.start_sync(shop))
    record = record_of(airbyte, job)
    airbyte.add_fault(Fault.rate_limited(retry_after=0), method="DELETE")
    settings = AirbyteSettings(**airbyte.workspace_config(), request_retry_delay=0)

    def next_job_begins(request: RecordedRequest) -> None:
        if request.method == "DELETE" and not job.is_finished:
            airbyte.succeed(job)
            airbyte.start_sync(shop)

    airbyte.on_request(next_job_begins)
    try_to_cancel(AirbyteClient(settings), record, poll_options(airbyte), log.logger)

    assert [job.status for job in airbyte.jobs] == ["succeeded", "pending"]
    assert len(cancels(airbyte.requests)) == 1


def cancels(requests: list[RecordedRequest]) -> list[RecordedRequest]:
    return [request for request in requests if request.method == "DELETE"]
