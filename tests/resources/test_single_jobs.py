"""One job at a time: looking at it, starting it, cancelling it, and where to see it."""

from collections.abc import Callable

import pytest

from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteConflict,
    AirbyteForbidden,
    AirbyteRefused,
    AirbyteSettings,
    AirbyteUnavailable,
    JobStatus,
    StreamId,
)
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault

Connect = Callable[..., AirbyteClient]

JOBS = "/api/public/v1/jobs"


# Looking


def test_a_job_is_reported_with_its_streams(airbyte: AirbyteSimulator, connect: Connect) -> None:
    done = airbyte.run_sync(airbyte.add_connection("shop", ["orders"]), rows=3)
    job = connect(airbyte).job(done.job_id)
    assert job.status is JobStatus.SUCCEEDED
    assert job.streams is not None
    assert job.streams[StreamId("orders")].records_committed == 3


def test_where_the_configuration_api_is_closed_a_job_is_reported_with_totals(
    connect: Connect,
) -> None:
    with AirbyteSimulator(configuration_api=False) as airbyte:
        done = airbyte.run_sync(airbyte.add_connection("shop"), rows=3)
        job = connect(airbyte).job(done.job_id)
    assert (job.rows, job.streams) == (3, None)


def test_a_status_is_the_public_api_s_and_costs_one_request(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    running = airbyte.begin(airbyte.start_sync(airbyte.add_connection("shop")))
    client = connect(airbyte)
    client.check_workspace()
    airbyte.forget_requests()
    assert client.job_status(running.job_id).status is JobStatus.RUNNING
    assert [request.path for request in airbyte.requests] == [f"{JOBS}/{running.job_id}"]


@pytest.mark.parametrize(("admin", "kind"), [(True, AirbyteConflict), (False, AirbyteForbidden)])
def test_an_unknown_job_is_refused(
    connect: Connect, admin: bool, kind: type[AirbyteRefused]
) -> None:
    with AirbyteSimulator(admin=admin) as airbyte, pytest.raises(kind):
        connect(airbyte).job_status(999)


@pytest.mark.parametrize("admin", [True, False])
def test_an_unknown_job_is_not_taken_for_a_closed_configuration_api(
    connect: Connect, admin: bool
) -> None:
    with AirbyteSimulator(admin=admin) as airbyte:
        done = airbyte.run_sync(airbyte.add_connection("shop"))
        client = connect(airbyte)
        with pytest.raises(AirbyteRefused):
            client.job(999)
        assert client.job(done.job_id).streams is not None


def test_the_newest_jobs_come_first_running_ones_too(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    shop = airbyte.add_connection("shop")
    for _ in range(3):
        airbyte.run_sync(shop)
        airbyte.advance(1)
    airbyte.start_sync(shop)
    newest = connect(airbyte).newest_jobs(shop.connection_id, limit=2)
    assert [(job.id, job.is_finished) for job in newest] == [(4, False), (3, True)]


# Starting and cancelling


def test_a_sync_is_started(airbyte: AirbyteSimulator, connect: Connect) -> None:
    shop = airbyte.add_connection("shop")
    job = connect(airbyte).start_sync(shop.connection_id)
    assert (job.id, job.connection_id, job.is_finished) == (1, shop.connection_id, False)


def test_a_second_sync_is_a_conflict_that_may_pass(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    shop = airbyte.add_connection("shop")
    airbyte.start_sync(shop)
    with pytest.raises(AirbyteConflict, match="A sync is already running") as refused:
        connect(airbyte).start_sync(shop.connection_id)
    assert refused.value.title == "try-again-later"
    assert len(airbyte.jobs) == 1


def test_a_sync_of_an_inactive_connection_is_another_conflict(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    shop = airbyte.add_connection("shop", status="inactive")
    with pytest.raises(AirbyteConflict) as refused:
        connect(airbyte).start_sync(shop.connection_id)
    assert refused.value.title == "state-conflict"


@pytest.mark.parametrize(
    "fault", [Fault.drop_after(), Fault.half_json(), Fault.status(502)], ids=lambda f: str(f.name)
)
def test_a_start_whose_answer_was_lost_is_not_sent_again(
    airbyte: AirbyteSimulator, connect: Connect, fault: Fault
) -> None:
    shop = airbyte.add_connection("shop")
    airbyte.add_fault(fault, path=JOBS, method="POST")
    with pytest.raises(AirbyteUnavailable):
        connect(airbyte).start_sync(shop.connection_id)
    assert sum(request.path == JOBS for request in airbyte.requests) == 1


def test_a_rate_limited_start_is_sent_again(airbyte: AirbyteSimulator, connect: Connect) -> None:
    shop = airbyte.add_connection("shop")
    airbyte.add_fault(Fault.rate_limited(retry_after=0), path=JOBS, method="POST", times=2)
    assert connect(airbyte).start_sync(shop.connection_id).id == 1


def test_a_job_is_cancelled(airbyte: AirbyteSimulator, connect: Connect) -> None:
    job = airbyte.start_sync(airbyte.add_connection("shop"))
    client = connect(airbyte)
    client.cancel(job.job_id)
    assert client.job(job.job_id).status is JobStatus.CANCELLED


def test_a_cancel_whose_answer_was_lost_is_not_sent_again(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    # By then the connection may run another job, which it would cancel.
    job = airbyte.start_sync(airbyte.add_connection("shop"))
    airbyte.add_fault(Fault.drop_after(), path=JOBS, method="DELETE")
    with pytest.raises(AirbyteUnavailable):
        connect(airbyte).cancel(job.job_id)
    assert sum(request.method == "DELETE" for request in airbyte.requests) == 1


# The server


def test_the_ui_is_where_airbyte_says(connect: Connect) -> None:
    with AirbyteSimulator(airbyte_url="https://airbyte.test/") as airbyte:
        client = connect(airbyte)
        assert client.ui_url() == client.ui_url() == "https://airbyte.test"
        assert sum("instance_configuration" in r.path for r in airbyte.requests) == 1


def test_where_airbyte_does_not_say_the_ui_is_beside_its_api(connect: Connect) -> None:
    with AirbyteSimulator(configuration_api=False) as airbyte:
        assert connect(airbyte).ui_url() == airbyte.url


def test_a_page_instead_of_the_instance_costs_nothing(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    airbyte.add_fault(Fault.html(), path="instance_configuration", times=None)
    assert connect(airbyte).ui_url() == airbyte.url


def test_an_instance_that_does_not_answer_is_asked_again_later(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    now = 1000.0
    airbyte.add_fault(Fault.status(503), path="instance_configuration")
    client = AirbyteClient(connect(airbyte, request_max_retries=1).settings, clock=lambda: now)
    for later, asked in ((0, 1), (599, 1), (1, 2), (601, 2)):
        now += later
        assert client.ui_url() == airbyte.url
        assert sum("instance_configuration" in r.path for r in airbyte.requests) == asked


def test_the_ui_of_cloud_is_known_without_asking(
    settings: Callable[..., AirbyteSettings],
) -> None:
    cloud = settings(configuration_api_base_url="https://cloud.airbyte.com/api/v1")
    assert AirbyteClient(cloud).ui_url() == "https://cloud.airbyte.com"


def test_airbyte_s_clock_is_asked_for_if_it_is_not_known(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    client = connect(airbyte)
    client.server_time()
    first = len(airbyte.requests)
    client.server_time()
    assert (first, len(airbyte.requests)) == (2, 2)
