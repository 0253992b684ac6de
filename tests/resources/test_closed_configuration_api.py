"""Where the Configuration API is closed the public one is asked, and that is remembered a while."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteRefused,
    AirbyteUnavailable,
    TimeBudget,
)
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault

HOUR = timedelta(hours=1)
Connect = Callable[..., AirbyteClient]

LIST = "/api/v1/connections/list"
PUBLIC_LIST = "/api/public/v1/connections"
DESTINATIONS = "/api/public/v1/destinations"
TOKEN = "/api/public/v1/applications/token"


# A tick has no time to wait for what refuses.
def tick() -> TimeBudget:
    """As much time as a tick has; the clock runs from now on."""
    return TimeBudget(40)


def paths(airbyte: AirbyteSimulator) -> list[str]:
    return [request.path for request in airbyte.requests if request.path != TOKEN]


@pytest.mark.parametrize("status", [401, 403, 404, 501])
def test_a_closed_configuration_api_is_remembered(
    airbyte: AirbyteSimulator, connect: Connect, status: int
) -> None:
    airbyte.add_connection("shop")
    client = connect(airbyte)
    airbyte.add_fault(Fault.status(status), path="/api/v1/", times=None)
    client.catalog()
    airbyte.forget_requests()
    client.catalog(fresh=True)
    assert paths(airbyte) == [PUBLIC_LIST, DESTINATIONS]


def test_a_closed_configuration_api_is_tried_again_after_ten_minutes(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    now = 1000.0
    airbyte.add_connection("shop")
    client = AirbyteClient(connect(airbyte).settings, clock=lambda: now)
    airbyte.add_fault(Fault.status(403), path="/api/v1/")
    client.catalog(tick())
    now += 599
    client.catalog(fresh=True)
    assert paths(airbyte).count(LIST) == 1
    now += 1
    client.catalog(fresh=True)
    assert paths(airbyte).count(LIST) == 2


def test_a_configuration_api_that_stumbles_is_not_taken_for_closed(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    airbyte.add_connection("shop")
    client = connect(airbyte, request_max_retries=0)
    airbyte.add_fault(Fault.status(502), path=LIST)
    with pytest.raises(AirbyteUnavailable):
        client.catalog()
    client.catalog()
    assert PUBLIC_LIST not in paths(airbyte)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_was_answered_a_moment_ago_is_not_taken_for_closed_at_once(
    airbyte: AirbyteSimulator, connect: Connect, status: int
) -> None:
    """A gateway that restarts; and the public API does not report as much."""
    airbyte.add_connection("shop")
    client = connect(airbyte)
    client.catalog()
    airbyte.add_fault(Fault.status(status), path=LIST, times=2 if status == 401 else 1)
    with pytest.raises(AirbyteRefused):
        client.catalog(tick(), fresh=True)
    client.catalog(tick(), fresh=True)
    assert PUBLIC_LIST not in paths(airbyte)


def test_what_refuses_for_two_minutes_is_closed(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    now = 1000.0
    airbyte.add_connection("shop")
    client = AirbyteClient(connect(airbyte).settings, clock=lambda: now)
    client.catalog()
    airbyte.add_fault(Fault.status(403), path="/api/v1/", times=None)
    with pytest.raises(AirbyteRefused):
        client.catalog(fresh=True)
    now += 119
    with pytest.raises(AirbyteRefused):
        client.catalog(fresh=True)
    now += 1
    assert len(client.catalog(fresh=True).connections) == 1


@pytest.mark.parametrize("fault", [Fault.status(503), Fault.slow(3)], ids=str)
def test_an_instance_that_does_not_answer_costs_a_tick_one_request_in_ten_minutes(
    airbyte: AirbyteSimulator, connect: Connect, fault: Fault
) -> None:
    job = airbyte.run_sync(airbyte.add_connection("shop"))
    airbyte.add_fault(Fault.status(403), path="/jobs/list_for_workspaces", times=None)
    airbyte.add_fault(fault, path="/instance_configuration", times=None)
    client = connect(airbyte)
    client.catalog()
    for requests in (5, 2, 2):
        airbyte.forget_requests()
        found = client.finished_jobs(airbyte.now - HOUR, TimeBudget(4))
        assert [reported.id for reported in found] == [job.job_id]
        assert len(paths(airbyte)) == requests


def test_what_may_not_be_asked_closes_what_may_be_only_after_it_was_asked(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    """Somebody may list connections but not jobs: that is no outage to wait for."""
    shop = airbyte.add_connection("shop")
    job = airbyte.run_sync(shop)
    client = connect(airbyte)
    client.catalog()
    airbyte.add_fault(Fault.status(403), path="/list_for_workspaces", times=None)
    assert [reported.id for reported in client.finished_jobs(airbyte.now - HOUR)] == [job.job_id]
