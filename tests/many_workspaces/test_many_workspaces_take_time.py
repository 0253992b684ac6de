"""Of many workspaces a list or a catalog takes time, in which nobody waits who need not."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dagster_airbyte_sync.resources import AirbyteClient, OutOfTime, TimeBudget
from dagster_airbyte_sync.testing import RecordedRequest
from helpers.deployment import ClientsTime
from helpers.workspaces import Company, paths

CONNECTIONS = "v1/connections/list"


@contextmanager
def while_reading(company: Company, client: AirbyteClient, path: str) -> Iterator[None]:
    """While another thread reads the catalog and Airbyte has not yet answered for `path`."""
    has_asked, may_answer = threading.Event(), threading.Event()

    def wait(request: RecordedRequest) -> None:
        if request.path.endswith(path) and not has_asked.is_set():
            has_asked.set()
            may_answer.wait(10)

    company.airbyte.on_request(wait)
    thread = threading.Thread(target=lambda: client.catalog(fresh=True))
    thread.start()
    try:
        assert has_asked.wait(10)
        yield
    finally:
        may_answer.set()
        thread.join()


@pytest.fixture
def client(company: Company) -> AirbyteClient:
    client = company.instance_of().get_client()
    client.catalog()
    return client


def test_what_is_remembered_is_at_hand_while_the_list_is_read(
    company: Company, client: AirbyteClient
) -> None:
    with while_reading(company, client, "v1/workspaces"):
        assert len(client.workspaces(TimeBudget(1))) == 3


def test_what_is_remembered_is_at_hand_while_the_catalog_is_read(
    company: Company, client: AirbyteClient
) -> None:
    with while_reading(company, client, CONNECTIONS):
        began = time.monotonic()
        assert client.catalog(TimeBudget(1)).connections
        assert client.known_connection(company.books.connection_id).name == "shop"
        assert time.monotonic() - began < 5


def test_who_waits_for_a_catalog_waits_no_longer_than_it_may(
    company: Company, client: AirbyteClient
) -> None:
    with while_reading(company, client, CONNECTIONS):
        began = time.monotonic()
        with pytest.raises(OutOfTime):
            client.catalog(TimeBudget(0.6), fresh=True)
        assert time.monotonic() - began < 5


def test_one_thread_looks_for_a_workspace_that_is_back(
    clients_time: ClientsTime, company: Company, client: AirbyteClient
) -> None:
    looking, may_answer = threading.Event(), threading.Event()

    def wait(request: RecordedRequest) -> None:
        looking.set()
        may_answer.wait(10)

    company.airbyte.forget_requests()
    company.airbyte.on_request(wait)
    clients_time.now += 660
    thread = threading.Thread(target=lambda: client.workspaces(TimeBudget(10), 600))
    thread.start()
    assert looking.wait(10)
    try:
        assert len(client.workspaces(TimeBudget(1), 600)) == 3
    finally:
        may_answer.set()
        thread.join()
    assert paths(company.airbyte) == ["v1/workspaces"]


def test_a_tick_goes_on_with_a_catalog_that_took_too_long(company: Company) -> None:
    for number in range(12):
        company.airbyte.add_workspace(f"No {number}")
    client = company.instance_of().get_client()
    now = [0.0]

    def take_a_second(request: RecordedRequest) -> None:
        now[0] += 1

    def of_a_tick() -> TimeBudget:
        return TimeBudget(10, clock=lambda: now[0])

    company.airbyte.on_request(take_a_second)
    with pytest.raises(OutOfTime):
        client.catalog(of_a_tick())
    assert len(client.catalog(of_a_tick()).connections) == 3
    assert paths(company.airbyte).count(CONNECTIONS) == 15
    # Who asks for a new one is not given what is older than the question.
    with pytest.raises(OutOfTime):
        client.catalog(of_a_tick(), fresh=True)
    company.airbyte.forget_requests()
    client.catalog(fresh=True)
    assert paths(company.airbyte).count(CONNECTIONS) == 15
