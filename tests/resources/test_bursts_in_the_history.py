"""Many jobs that end within one second, as a restart of Airbyte leaves them, over real HTTP."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from dagster_airbyte_sync.resources import AirbyteClient, Job
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection, SimulatedJob
from dagster_airbyte_sync.testing.world.jobs import FinalStatus

Connect = Callable[..., AirbyteClient]

HISTORIES = ("/api/v1/jobs/list_for_workspaces", "/api/public/v1/jobs")
HOUR = timedelta(hours=1)
ENDS: tuple[FinalStatus, ...] = ("succeeded", "failed", "cancelled")


def read(client: AirbyteClient, since: datetime) -> list[int]:
    return [job.id for job in client.finished_jobs(since)]


def an_hour_ago(airbyte: AirbyteSimulator) -> datetime:
    return airbyte.now.replace(minute=0, second=0, microsecond=0) - HOUR


def ended(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    seconds: float,
    *,
    number: int = 0,
    created: float = 60,
) -> SimulatedJob:
    """A job of the past that ended so many seconds after the hour, each in another way."""
    at = an_hour_ago(airbyte) + timedelta(seconds=seconds)
    return airbyte.add_finished_job(
        shop,
        status=ENDS[number % 3],
        created_at=at - timedelta(seconds=created),
        updated_at=at,
    )


def listings(airbyte: AirbyteSimulator) -> int:
    return sum(request.path in HISTORIES for request in airbyte.requests)


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
def test_a_burst_in_one_second_does_not_end_the_history(
    either: AirbyteSimulator, connect: Connect, limit: int
) -> None:
    shop = either.add_connection("shop")
    burst = [ended(either, shop, 0, number=n).job_id for n in range(limit)]
    later = ended(either, shop, 60).job_id
    since = an_hour_ago(either) - timedelta(minutes=5)
    assert read(connect(either, max_items_per_page=limit), since) == [*burst, later]


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
@pytest.mark.parametrize("together", [True, False], ids=["created at once", "one by one"])
def test_a_burst_of_many_pages_is_read_completely(
    either: AirbyteSimulator, connect: Connect, limit: int, together: bool
) -> None:
    shop = either.add_connection("shop")
    count = min(3 * limit + 1, 250) + 5
    before = ended(either, shop, -60).job_id
    burst = [
        ended(either, shop, 0, number=n, created=60 if together else 600 - n).job_id
        for n in range(count)
    ]
    later = [ended(either, shop, 60 + n).job_id for n in range(3)]
    client = connect(either, max_items_per_page=limit)
    assert read(client, an_hour_ago(either) - 2 * HOUR) == [before, *burst, *later]


def test_syncs_and_refreshes_of_one_second_are_merged_in_order(
    either: AirbyteSimulator, connect: Connect
) -> None:
    shop, end = either.add_connection("shop"), an_hour_ago(either)
    reported = [
        either.add_finished_job(
            shop,
            type="refresh" if n % 2 else "sync",
            created_at=end - timedelta(minutes=9 - n),
            updated_at=end + timedelta(seconds=n // 5, milliseconds=900 - 100 * n),
        ).job_id
        for n in range(8)
    ]
    for limit in (1, 2, 3, 100):
        client = connect(either, max_items_per_page=limit)
        assert read(client, end - HOUR) == reported


def test_jobs_of_one_second_come_in_the_order_of_their_creation(
    either: AirbyteSimulator, connect: Connect
) -> None:
    shop, end = either.add_connection("shop"), an_hour_ago(either)
    first = either.add_finished_job(shop, created_at=end - HOUR, updated_at=end)
    earlier = either.add_finished_job(shop, created_at=end - 2 * HOUR, updated_at=end)
    same = either.add_finished_job(shop, created_at=end - HOUR, updated_at=end)
    reported = read(connect(either), end)
    assert reported == [earlier.job_id, first.job_id, same.job_id]


def test_jobs_that_run_hide_none_of_a_burst(either: AirbyteSimulator, connect: Connect) -> None:
    start = either.now.replace(microsecond=0)
    running = [either.start_sync(either.add_connection(f"r{n}")) for n in range(5)]
    burst = [either.run_sync(either.add_connection(f"c{n}")).job_id for n in range(7)]
    either.advance(60)
    later = either.run_sync(either.add_connection("later")).job_id
    assert read(connect(either, max_items_per_page=3), start) == [*burst, later]
    assert not any(job.is_finished for job in running)


def test_a_burst_that_is_behind_costs_nothing(airbyte: AirbyteSimulator, connect: Connect) -> None:
    shop = airbyte.add_connection("shop")
    for n in range(20):
        ended(airbyte, shop, 0, number=n)
    last = ended(airbyte, shop, 60)
    client = connect(airbyte, max_items_per_page=3)
    client.check_workspace()
    airbyte.forget_requests()
    assert read(client, last.updated_at) == [last.job_id]
    assert listings(airbyte) == 1


def test_a_burst_costs_a_request_a_page_and_one_that_finds_it(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    shop = airbyte.add_connection("shop")
    burst = [ended(airbyte, shop, 0, created=600 - n).job_id for n in range(10)]
    client = connect(airbyte, max_items_per_page=3)
    assert read(client, an_hour_ago(airbyte)) == burst
    # The page that is full of it, its four pages, and what comes after.
    assert listings(airbyte) == 6


def test_a_restart_that_fails_everything_at_once_does_not_end_the_history(
    either: AirbyteSimulator, connect: Connect
) -> None:
    start = either.now
    for n in range(105):
        either.begin(either.start_sync(either.add_connection(f"c{n}")))
    failed = [job.job_id for job in either.restart()]
    either.advance(60)
    later = either.run_sync(either.connection("c7")).job_id
    assert read(connect(either), start) == [*failed, later]


def test_a_number_that_is_given_again_while_it_is_read_is_another_job(
    either: AirbyteSimulator, connect: Connect
) -> None:
    start, shop = either.now, either.add_connection("shop")
    for _ in range(7):
        either.advance(60)
        either.run_sync(shop)
    jobs = connect(either, max_items_per_page=5).finished_jobs(start)
    seen = [next(jobs).id for _ in range(4)]
    either.restore(start + timedelta(seconds=200))
    either.advance(60)
    either.run_sync(shop)
    assert seen == [1, 2, 3, 4]
    assert [job.id for job in jobs] == [4]


def test_a_job_has_its_creation_as_well_as_its_number_for_a_name(
    either: AirbyteSimulator, connect: Connect
) -> None:
    start, shop = either.now, either.add_connection("shop")
    either.run_sync(shop)
    (job,) = connect(either).finished_jobs(start)
    assert isinstance(job, Job)
    assert job.identity == (1, start.replace(microsecond=0))
