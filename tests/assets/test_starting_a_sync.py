"""A sync is started once, whatever Airbyte answers, and each refusal has its own sentence."""

import logging
from typing import Literal

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.sync.start import AlreadyRunning, start_new
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteSettings,
    AirbyteUnavailable,
    Job,
    JobRequest,
    JobType,
)
from dagster_airbyte_sync.resources.errors import AirbyteUnauthorized
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    RecordedRequest,
    SimulatedConnection,
)

JOBS = "/api/public/v1/jobs"
LOG = logging.getLogger(__name__)


class Time:
    """A clock that moves when somebody sleeps, and lets something happen meanwhile."""

    def __init__(self, airbyte: AirbyteSimulator, shop: SimulatedConnection) -> None:
        self.now = 0.0
        self.starts_at: float | None = None
        self.by_schedule = False
        self._airbyte = airbyte
        self._shop = shop

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.starts_at is not None and self.now >= self.starts_at:
            self.starts_at = None
            self._airbyte.start_sync(self._shop, scheduled=self.by_schedule)


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop")


@pytest.fixture
def time(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> Time:
    return Time(airbyte, shop)


def client_of(airbyte: AirbyteSimulator) -> AirbyteClient:
    return AirbyteClient(AirbyteSettings(**airbyte.workspace_config(), request_retry_delay=0))


def start_in(time: Time, airbyte: AirbyteSimulator, shop: SimulatedConnection) -> tuple[Job, bool]:
    return start_new(
        client_of(airbyte), JobRequest(shop.connection_id), LOG, clock=time.clock, sleep=time.sleep
    )


def starts_sent(airbyte: AirbyteSimulator) -> int:
    return sum((r.method, r.path) == ("POST", JOBS) for r in airbyte.requests)


def conflict(title: str) -> Fault:
    return Fault.status(409, {"title": title, "data": {"message": "Could not fulfill request"}})


def refused(airbyte: AirbyteSimulator, connection_id: str) -> dg.Failure:
    with pytest.raises(dg.Failure) as failure:
        start_new(client_of(airbyte), JobRequest(connection_id), LOG)
    return failure.value


def test_a_sync_is_started(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> None:
    job, is_ours = start_new(client_of(airbyte), JobRequest(shop.connection_id), LOG)
    assert is_ours
    assert [(job.id, job.type)] == [(j.job_id, JobType.SYNC) for j in airbyte.jobs]


LOST = [Fault.drop_after(), Fault.half_json(), Fault.gateway_timeout()]


@pytest.mark.parametrize("lost", LOST, ids=lambda fault: str(fault.name))
def test_a_start_whose_answer_is_lost_is_found_and_not_sent_again(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, lost: Fault
) -> None:
    airbyte.run_sync(shop)
    airbyte.add_fault(lost, path=JOBS, method="POST")

    job, _ = start_new(client_of(airbyte), JobRequest(shop.connection_id), LOG)

    assert job.id == airbyte.jobs[-1].job_id
    assert (len(airbyte.jobs), starts_sent(airbyte)) == (2, 1)


@pytest.mark.parametrize("scheduled", [True, False])
def test_a_job_that_is_only_found_is_ours_if_no_schedule_started_it(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, time: Time, scheduled: bool
) -> None:
    """Airbyte never got the request, and its own schedule starts a sync seconds later."""
    airbyte.add_fault(Fault.drop(), path=JOBS, method="POST")
    time.starts_at, time.by_schedule = 5, scheduled

    start = start_in(time, airbyte, shop)

    assert (start[0].id, start[1]) == (1, not scheduled)


def test_that_somebody_asked_for_a_job_may_be_noted_seconds_after_it_is_found(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, time: Time
) -> None:
    airbyte.add_fault(Fault.drop_after(), path=JOBS, method="POST")
    airbyte.add_fault(Fault.status(200, {"events": []}), path="/connections/events/list")

    _, is_ours = start_in(time, airbyte, shop)

    assert (is_ours, time.now > 0) == (True, True)


def test_where_airbyte_does_not_say_who_asked_a_found_job_is_not_taken_for_ours(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, time: Time
) -> None:
    airbyte.add_fault(Fault.drop_after(), path=JOBS, method="POST")
    airbyte.add_fault(Fault.status(403), path="/api/v1/", times=None)

    job, is_ours = start_in(time, airbyte, shop)

    assert (job.id, is_ours, time.now) == (1, False, 0)


def test_a_sync_that_appears_only_minutes_after_its_start_was_given_up_is_found(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, time: Time
) -> None:
    airbyte.add_fault(Fault.drop(), path=JOBS, method="POST")
    time.starts_at = 100

    job, _ = start_in(time, airbyte, shop)

    assert (job.id, starts_sent(airbyte)) == (airbyte.jobs[0].job_id, 1)


def test_airbyte_giving_up_its_own_start_of_an_active_connection_is_no_refusal(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, time: Time
) -> None:
    airbyte.add_fault(conflict("state-conflict"), path=JOBS, method="POST")
    time.starts_at = 10

    job, _ = start_in(time, airbyte, shop)

    assert (job.id, starts_sent(airbyte)) == (airbyte.jobs[0].job_id, 1)


@pytest.mark.parametrize("code", [403, 503])
def test_nor_is_it_one_if_the_connection_cannot_be_read(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, time: Time, code: int
) -> None:
    airbyte.add_fault(conflict("state-conflict"), path=JOBS, method="POST")
    path = f"/api/public/v1/connections/{shop.connection_id}"
    airbyte.add_fault(Fault.status(code), path=path, times=None)
    time.starts_at = 10

    job, _ = start_in(time, airbyte, shop)

    assert (job.id, starts_sent(airbyte)) == (airbyte.jobs[0].job_id, 1)


def test_an_airbyte_that_is_silent_while_it_is_searched_is_asked_again(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, time: Time
) -> None:
    airbyte.add_fault(Fault.drop_after(), path=JOBS, method="POST")
    airbyte.add_fault(Fault.status(503), path=JOBS, method="GET", times=8, after=1)

    job, _ = start_in(time, airbyte, shop)

    assert (job.id, time.now > 0) == (1, True)


@pytest.mark.parametrize("code", [401, 403, 404])
def test_an_airbyte_that_refuses_while_it_is_searched_is_asked_again(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, time: Time, code: int
) -> None:
    """As a gateway does whose Airbyte is being restarted."""
    airbyte.add_fault(Fault.drop_after(), path=JOBS, method="POST")
    airbyte.add_fault(Fault.status(code), path=JOBS, method="GET", times=4, after=1)

    job, _ = start_in(time, airbyte, shop)

    assert (job.id, time.now > 0) == (1, True)


def test_a_refused_start_that_leaves_no_trace_is_reported_as_refused(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, time: Time
) -> None:
    airbyte.add_fault(conflict("state-conflict"), path=JOBS, method="POST")

    with pytest.raises(dg.Failure) as failure:
        start_in(time, airbyte, shop)

    assert failure.value.description == (
        "Airbyte refused to start the sync, and no new job was found"
    )


def test_a_start_that_leaves_no_trace_is_given_up_in_minutes(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, time: Time
) -> None:
    old = airbyte.run_sync(shop)
    airbyte.add_fault(Fault.drop(), path=JOBS, method="POST")

    with pytest.raises(dg.Failure) as failure:
        start_in(time, airbyte, shop)

    assert failure.value.description == (
        "Airbyte did not answer the start of the sync, and no new job was found"
    )
    assert (time.now, starts_sent(airbyte), airbyte.jobs) == (120, 1, [old])


def test_a_clear_that_is_all_that_began_meanwhile_is_given_as_what_it_is_and_not_at_once(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, time: Time
) -> None:
    airbyte.add_fault(Fault.drop(), path=JOBS, method="POST")

    def clear_instead(request: RecordedRequest) -> None:
        if (request.method, request.path) == ("POST", JOBS):
            airbyte.start_clear(shop)

    airbyte.on_request(clear_instead)
    job, _ = start_in(time, airbyte, shop)
    assert (job.type, time.now) == (JobType.CLEAR, 120)
    assert starts_sent(airbyte) == 1


def test_what_never_reached_airbyte_is_not_searched_for(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, time: Time
) -> None:
    airbyte.add_fault(Fault.rate_limited(), path=JOBS, method="POST", times=None)
    with pytest.raises(AirbyteUnavailable):
        start_in(time, airbyte, shop)
    assert time.now == 0


def test_wrong_credentials_are_named_as_such(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    airbyte.add_fault(Fault.unauthorized(), path=JOBS, method="POST", times=None)
    with pytest.raises(AirbyteUnauthorized):
        start_new(client_of(airbyte), JobRequest(shop.connection_id), LOG)


@pytest.mark.parametrize("version", ["2.0.0", "2.1.0"])
@pytest.mark.parametrize("kind", ["sync", "refresh", "reset"])
def test_what_runs_already_is_named_whatever_it_is(version: str, kind: str) -> None:
    with AirbyteSimulator(version=version) as airbyte:
        shop = airbyte.add_connection("shop")
        running = getattr(airbyte, f"start_{kind}")(shop)
        with pytest.raises(AlreadyRunning) as found:
            start_new(client_of(airbyte), JobRequest(shop.connection_id), LOG)

    assert found.value.running is not None
    assert found.value.running.id == running.job_id
    assert str(found.value) == (
        f"On the Airbyte connection {shop.connection_id} job {running.job_id} is already running."
    )


def test_what_ran_but_has_just_ended_is_not_named(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    airbyte.run_sync(shop)
    airbyte.add_fault(conflict("try-again-later"), path=JOBS, method="POST")
    with pytest.raises(AlreadyRunning, match="a job is already running") as found:
        start_new(client_of(airbyte), JobRequest(shop.connection_id), LOG)
    assert found.value.running is None


REFUSALS = {
    "inactive": "The Airbyte connection is inactive: enable it in Airbyte to sync it",
    "deprecated": "The Airbyte connection was deleted: reload the definitions",
    "locked": "The Airbyte connection is locked: Airbyte lets it sync again once it is unlocked",
}


@pytest.mark.parametrize("status", ["inactive", "locked"])
def test_a_connection_that_may_not_sync_is_refused_in_a_sentence_of_its_own(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    status: Literal["inactive", "locked"],
) -> None:
    airbyte.update_connection(shop, status=status)
    failure = refused(airbyte, shop.connection_id)
    assert failure.description == REFUSALS[status]
    assert failure.metadata["dagster-airbyte/connection_id"].value == shop.connection_id
    assert failure.metadata["dagster-airbyte/connection_status"].value == status
    assert failure.allow_retries is False


def test_a_deleted_connection_is_refused_in_a_sentence_of_its_own(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    airbyte.delete_connection(shop)
    assert refused(airbyte, shop.connection_id).description == REFUSALS["deprecated"]


@pytest.mark.parametrize("admin", [True, False])
def test_a_connection_that_is_gone_altogether_is_named_as_such(admin: bool) -> None:
    gone = "0123abcd-0123-4567-89ab-0123456789ab"
    with AirbyteSimulator(admin=admin) as airbyte:
        failure = refused(airbyte, gone)
    assert failure.description == ("These credentials can see no such Airbyte connection")
    assert failure.metadata["dagster-airbyte/connection_id"].value == gone
