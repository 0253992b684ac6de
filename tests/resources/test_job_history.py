"""The job history: every job that finished, each once, oldest end first, in few requests."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from dagster_airbyte_sync.resources import AirbyteClient, JobStatus, JobType, StreamId, StreamStats
from dagster_airbyte_sync.resources.records.jobs import JobFailure
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    SimulatedStream,
)

Connect = Callable[..., AirbyteClient]

HISTORY = "/api/v1/jobs/list_for_workspaces"
PUBLIC_HISTORY = "/api/public/v1/jobs"
TOKEN = "/api/public/v1/applications/token"
HOUR = timedelta(hours=1)


def ids(client: AirbyteClient, since: datetime) -> list[int]:
    return [job.id for job in client.finished_jobs(since)]


def paths(airbyte: AirbyteSimulator) -> list[str]:
    return [request.path for request in airbyte.requests if request.path != TOKEN]


# Which jobs


def test_only_finished_jobs_are_reported(either: AirbyteSimulator, connect: Connect) -> None:
    start = either.now
    done = either.run_sync(either.add_connection("done"))
    failed = either.fail(either.start_sync(either.add_connection("failed")))
    cancelled = either.cancel(either.start_sync(either.add_connection("cancelled")))
    either.start_sync(either.add_connection("pending"))
    either.begin(either.start_sync(either.add_connection("running")))
    either.fail_attempt(either.start_sync(either.add_connection("incomplete")))
    reported = {job.id: job.status for job in connect(either).finished_jobs(start)}
    assert reported == {
        done.job_id: JobStatus.SUCCEEDED,
        failed.job_id: JobStatus.FAILED,
        cancelled.job_id: JobStatus.CANCELLED,
    }


def test_all_types_are_reported_each_once(either: AirbyteSimulator, connect: Connect) -> None:
    start, shop = either.now, either.add_connection("shop")
    for run in (either.run_sync, either.run_refresh, either.run_clear, either.run_sync):
        either.advance(10)
        run(shop)
    reported = [(job.id, job.type) for job in connect(either).finished_jobs(start)]
    assert reported == [
        (1, JobType.SYNC),
        (2, JobType.REFRESH),
        (3, JobType.CLEAR),
        (4, JobType.SYNC),
    ]


def test_the_oldest_end_comes_first_whichever_started_first(
    either: AirbyteSimulator, connect: Connect
) -> None:
    slow, quick = either.add_connection("slow"), either.add_connection("quick")
    start, first = either.now, either.start_sync(slow)
    either.advance(10)
    second = either.run_sync(quick)
    either.advance(10)
    either.succeed(first)
    assert ids(connect(either), start) == [second.job_id, first.job_id]


def test_only_jobs_that_ended_since_then_are_reported(
    either: AirbyteSimulator, connect: Connect
) -> None:
    shop = either.add_connection("shop")
    either.run_sync(shop)
    either.advance(60)
    since = either.now
    later = either.run_sync(shop)
    assert ids(connect(either), since) == [later.job_id]


def test_jobs_of_a_deleted_connection_are_reported(
    either: AirbyteSimulator, connect: Connect
) -> None:
    start, shop = either.now, either.add_connection("shop")
    job = either.run_sync(shop)
    either.delete_connection(shop)
    assert ids(connect(either), start) == [job.job_id]


def test_ids_may_be_larger_than_31_bits(either: AirbyteSimulator, connect: Connect) -> None:
    either.job_ids_from(2**31 + 7)
    start, shop = either.now, either.add_connection("shop")
    either.run_sync(shop)
    client = connect(either)
    assert ids(client, start) == [2**31 + 7]
    assert client.job(2**31 + 7).id == 2**31 + 7


# What is reported of a job


def test_a_job_is_reported_with_rows_and_bytes_of_each_stream(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    shop = airbyte.add_connection("shop", ["orders", SimulatedStream("users", namespace="audit")])
    start = airbyte.now
    airbyte.run_sync(
        shop, rows={"orders": 3, ("users", "audit"): 4}, bytes={"orders": 30, "users": 40},
        rejected={"orders": 1},
    )  # fmt: skip
    (job,) = connect(airbyte).finished_jobs(start)
    assert (job.rows, job.bytes, job.attempts) == (6, 60, 1)
    assert job.streams == {
        StreamId("orders"): StreamStats(2, 20, 3, 30, 1),
        StreamId("users", "audit"): StreamStats(4, 40, 4, 40, 0),
    }
    assert job.enabled_streams == frozenset({StreamId("orders"), StreamId("users", "audit")})


def test_the_public_api_gives_totals_only(connect: Connect) -> None:
    with AirbyteSimulator(configuration_api=False) as airbyte:
        start = airbyte.now
        airbyte.run_sync(airbyte.add_connection("shop", ["a", "b"]), rows=3)
        (job,) = connect(airbyte).finished_jobs(start)
    assert (job.rows, job.streams, job.enabled_streams) == (6, None, None)


def test_a_job_is_reported_with_its_times(either: AirbyteSimulator, connect: Connect) -> None:
    shop = either.add_connection("shop")
    start = either.advance(timedelta(microseconds=-either.now.microsecond % 1_000_000))
    job = either.start_sync(shop)
    either.begin(job)
    either.advance(90)
    either.succeed(job)
    (reported,) = connect(either).finished_jobs(start)
    assert (reported.began_at, reported.ended_at) == (start, either.now)
    assert reported.duration == timedelta(seconds=90)


def test_a_failed_job_is_reported_with_its_reason(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    start, job = airbyte.now, airbyte.start_sync(airbyte.add_connection("shop"))
    airbyte.fail_attempt(job, reason="first")
    airbyte.advance(60)
    airbyte.fail(job, reason="disk full", origin="destination", type="system_error")
    (reported,) = connect(airbyte).finished_jobs(start)
    assert reported.failure == JobFailure("disk full", "destination", "system_error")
    assert reported.attempts == 2


# How many requests, to which API


def test_an_idle_look_costs_one_request_for_any_number_of_connections(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    for n in range(50):
        airbyte.add_connection(f"c{n}")
    client = connect(airbyte)
    client.check_workspace()
    airbyte.forget_requests()
    assert ids(client, airbyte.now - HOUR) == []
    assert [request.path for request in airbyte.requests] == [HISTORY]


@pytest.mark.parametrize("status", [401, 403, 404, 501])
def test_a_closed_configuration_api_is_found_out_once(
    airbyte: AirbyteSimulator, connect: Connect, status: int
) -> None:
    start, job = airbyte.now, airbyte.run_sync(airbyte.add_connection("shop"))
    airbyte.add_fault(Fault.status(status), path=HISTORY, times=None)
    client = connect(airbyte)
    assert ids(client, start) == [job.job_id]
    airbyte.forget_requests()
    assert ids(client, start) == [job.job_id]
    assert paths(airbyte) == [PUBLIC_HISTORY]


@pytest.mark.parametrize(("version", "requests"), [("2.0.0", 2), ("2.1.0", 1), ("dev", 2)])
def test_refreshes_are_asked_for_where_the_public_list_hides_them(
    connect: Connect, version: str, requests: int
) -> None:
    with AirbyteSimulator(version=version) as airbyte:
        start = airbyte.now
        shop = airbyte.add_connection("shop")
        jobs = [airbyte.run_sync(shop).job_id, airbyte.run_refresh(shop).job_id]
        airbyte.add_fault(Fault.status(404), path=HISTORY, times=None)
        client = connect(airbyte)
        assert sorted(ids(client, start)) == jobs
        airbyte.forget_requests()
        ids(client, start)
        assert paths(airbyte) == [PUBLIC_HISTORY] * requests
