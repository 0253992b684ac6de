"""The newest jobs of all connections, in as few requests as there can be."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from dagster_airbyte_sync.resources import AirbyteClient, AirbyteSettings, LatestJobs
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection

AGES = timedelta(days=30)


@pytest.fixture(params=[True, False], ids=["configuration", "public"])
def airbyte(request: pytest.FixtureRequest) -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(configuration_api=request.param) as airbyte:
        yield airbyte


def added(airbyte: AirbyteSimulator, count: int) -> list[SimulatedConnection]:
    return [airbyte.add_connection(f"c{place}", ["orders"]) for place in range(count)]


def read(
    airbyte: AirbyteSimulator,
    connections: list[SimulatedConnection],
    *,
    page: int = 100,
    asks_alone: bool = True,
) -> tuple[LatestJobs, int]:
    """What is found, and in how many requests for jobs, without the one for refreshes alone.

    The public API hides those before Airbyte 2.1, and a closed Airbyte does not say what it is.
    """
    settings = AirbyteSettings(**airbyte.workspace_config(), max_items_per_page=page)
    client = AirbyteClient(settings, sleep=lambda seconds: None)
    ids = [each.connection_id for each in connections]
    # Whether the Configuration API is closed is known then.
    client.latest_jobs([], airbyte.now)
    airbyte.forget_requests()
    found = client.latest_jobs(ids, airbyte.now - AGES, asks_alone=asks_alone)
    asked = [each for each in airbyte.requests if "/jobs" in each.path]
    return found, sum(each.query.get("jobType") != ["refresh"] for each in asked)


def last_of(found: LatestJobs) -> dict[str, int]:
    """The last finished job of each connection."""
    finished = [job for job in found.jobs if job.is_finished]
    return {job.connection_id: job.id for job in reversed(finished)}


def test_one_request_has_the_last_job_of_each_connection_and_what_runs(
    airbyte: AirbyteSimulator,
) -> None:
    connections = added(airbyte, 6)
    last = {}
    for each in connections:
        airbyte.run_sync(each)
        airbyte.advance(60)
        last[each.connection_id] = airbyte.fail(airbyte.start_sync(each)).job_id
    running = airbyte.begin(airbyte.start_sync(connections[0]))
    found, requests = read(airbyte, connections)
    assert last_of(found) == last
    assert [job.id for job in found.jobs if not job.is_finished] == [running.job_id]
    assert requests == 1
    assert not found.unknown


def test_pages_that_begin_amid_a_second_lose_no_last_job(airbyte: AirbyteSimulator) -> None:
    """Airbyte orders jobs of one second differently for each request. An older job of a connection
    must not pass for its last one."""
    connections = added(airbyte, 12)
    for each in connections:
        airbyte.run_sync(each)
        airbyte.advance(60)
    last = {each.connection_id: airbyte.run_sync(each).job_id for each in connections[:8]}
    airbyte.advance(1)
    last |= {each.connection_id: airbyte.run_sync(each).job_id for each in connections[8:]}
    for _ in range(3):
        found, _ = read(airbyte, connections, page=5)
        assert last_of(found) == last


def test_who_did_not_sync_for_long_is_asked_about_alone(airbyte: AirbyteSimulator) -> None:
    old, *others = added(airbyte, 5)
    last = airbyte.run_sync(old).job_id
    airbyte.advance(AGES + timedelta(days=1))
    for each in others:
        airbyte.run_sync(each)
    found, requests = read(airbyte, [old, *others])
    assert last_of(found)[old.connection_id] == last
    assert requests == 2
    found, requests = read(airbyte, [old, *others], asks_alone=False)
    assert old.connection_id not in last_of(found)
    assert requests == 1


def test_a_workspace_in_which_nothing_syncs_is_asked_about_so_often_and_no_more(
    airbyte: AirbyteSimulator,
) -> None:
    connections = added(airbyte, 34)
    found, requests = read(airbyte, connections)
    assert requests == 31
    assert found.unknown == {each.connection_id for each in connections[30:]}


def test_a_busy_connection_does_not_hide_the_others_behind_its_pages(
    airbyte: AirbyteSimulator,
) -> None:
    busy, *others = added(airbyte, 7)
    last = {each.connection_id: airbyte.run_sync(each).job_id for each in others}
    airbyte.advance(60)
    airbyte.burst(busy, 80, status="succeeded", apart=1)
    airbyte.advance(100)
    found, requests = read(airbyte, [busy, *others], page=10)
    assert {each: job for each, job in last_of(found).items() if each != busy.connection_id} == last
    assert requests == 5 + len(others)


def test_before_airbyte_2_1_the_public_api_is_asked_for_refreshes_too() -> None:
    with AirbyteSimulator(configuration_api=False, version="1.8.0") as airbyte:
        (shop,) = added(airbyte, 1)
        airbyte.run_sync(shop)
        airbyte.advance(60)
        refresh = airbyte.run_refresh(shop)
        found, requests = read(airbyte, [shop])
        assert last_of(found) == {shop.connection_id: refresh.job_id}
        assert requests == 1
