"""Pages of the job history: rows move between two requests, and yet none is missed."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from dagster_airbyte_sync.resources import AirbyteClient, AirbyteForbidden
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    RecordedRequest,
    SimulatedConnection,
)

Connect = Callable[..., AirbyteClient]

HISTORY = "/api/v1/jobs/list_for_workspaces"
PUBLIC_HISTORY = "/api/public/v1/jobs"
HOUR = timedelta(hours=1)


def ids(client: AirbyteClient, since: datetime) -> list[int]:
    return [job.id for job in client.finished_jobs(since)]


def history(airbyte: AirbyteSimulator, shop: SimulatedConnection, *seconds: float) -> list[int]:
    """A sync for each number, which ended so many seconds after the start of an hour."""
    start = airbyte.now.replace(minute=0, second=0, microsecond=0) - HOUR
    return [
        airbyte.add_finished_job(
            shop, created_at=start - HOUR, updated_at=start + timedelta(seconds=second)
        ).job_id
        for second in seconds
    ]


def test_pages_of_three_report_every_job_once_and_in_order(
    either: AirbyteSimulator, connect: Connect
) -> None:
    reported = history(either, either.add_connection("shop"), *range(20))
    assert ids(connect(either, max_items_per_page=3), either.now - 3 * HOUR) == reported


def test_a_whole_page_may_have_ended_within_one_second(
    either: AirbyteSimulator, connect: Connect
) -> None:
    moments = [0, *(5 + n / 10 for n in range(10)), 6, 7]
    reported = history(either, either.add_connection("shop"), *moments)
    assert ids(connect(either, max_items_per_page=3), either.now - 3 * HOUR) == reported


@pytest.mark.parametrize("count", [2, 3, 4, 6, 7])
def test_no_page_size_loses_the_last_jobs(
    either: AirbyteSimulator, connect: Connect, count: int
) -> None:
    reported = history(either, either.add_connection("shop"), *range(count))
    assert ids(connect(either, max_items_per_page=3), either.now - 3 * HOUR) == reported


def test_a_page_is_asked_for_only_when_it_is_needed(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    history(airbyte, airbyte.add_connection("shop"), *range(9))
    jobs = connect(airbyte, max_items_per_page=3).finished_jobs(airbyte.now - 3 * HOUR)
    assert airbyte.requests == []
    # The last second of a full page may go on on the next.
    assert [next(jobs).id for _ in range(2)] == [1, 2]
    assert sum(request.path == HISTORY for request in airbyte.requests) == 1


def test_a_job_that_ends_between_two_pages_is_not_missed(
    either: AirbyteSimulator, connect: Connect
) -> None:
    reported = history(either, either.add_connection("shop"), *range(7))
    running = either.start_sync(either.add_connection("running"))
    jobs = connect(either, max_items_per_page=3).finished_jobs(either.now - 3 * HOUR)
    seen = [next(jobs).id for _ in range(2)]
    either.succeed(running)
    seen += [job.id for job in jobs]
    assert seen == [*reported, running.job_id]


@pytest.mark.parametrize("either", ["public", "public of 2.0"], indirect=True)
@pytest.mark.parametrize("count", [2, 3, 4, 5, 6])
def test_a_running_job_that_ends_between_two_pages_hides_no_other(
    either: AirbyteSimulator, connect: Connect, count: int
) -> None:
    """Only the public API lists running jobs as well. This one lies before a finished job, and
    moves behind it: what follows moves up by one row."""
    start = either.now
    running = [either.start_sync(either.add_connection(f"r{n}")) for n in range(count)]
    either.advance(10)
    done = either.run_sync(either.add_connection("done"))
    either.advance(10)
    pages: list[RecordedRequest] = []

    def one_ends(request: RecordedRequest) -> None:
        pages.extend([request] if request.path == PUBLIC_HISTORY else [])
        if len(pages) == 2 and not running[0].is_finished:
            either.succeed(running[0])

    client = connect(either, max_items_per_page=3)
    ids(client, start)
    either.on_request(one_ends)
    assert done.job_id in ids(client, start)
    assert len(pages) == (3 if count == 2 else 5)
    assert running[0].is_finished


def test_the_public_list_is_read_by_status_only_where_its_rows_may_move(connect: Connect) -> None:
    with AirbyteSimulator(configuration_api=False) as airbyte:
        start = airbyte.now
        reported = history(airbyte, airbyte.add_connection("shop"), *range(7))
        running = airbyte.start_sync(airbyte.add_connection("r1"))
        client = connect(airbyte, max_items_per_page=3)
        assert ids(client, start - 3 * HOUR) == reported
        assert statuses_asked_for(airbyte) == []
        # Three rows that cannot be kept apart by time fill a page now.
        airbyte.start_sync(airbyte.add_connection("r2"))
        airbyte.start_sync(airbyte.add_connection("r3"))
        airbyte.succeed(running)
        assert ids(client, start) == [running.job_id]
        assert statuses_asked_for(airbyte) == ["succeeded", "failed", "cancelled"]


def statuses_asked_for(airbyte: AirbyteSimulator) -> list[str]:
    return [status for request in airbyte.requests for status in request.query.get("status", ())]


def test_a_late_commit_is_reported_when_it_is_there(
    either: AirbyteSimulator, connect: Connect
) -> None:
    start, shop = either.now, either.add_connection("shop")
    late = either.run_sync(shop)
    either.commit_late(late, by=30)
    either.advance(10)
    other = either.run_sync(either.add_connection("other"))
    client = connect(either)
    assert ids(client, start) == [other.job_id]
    either.advance(30)
    assert ids(client, start) == [late.job_id, other.job_id]


def test_a_late_commit_between_two_pages_repeats_and_hides_nothing(
    either: AirbyteSimulator, connect: Connect
) -> None:
    reported = history(either, either.add_connection("shop"), *range(8))
    either.commit_late(either.job(reported[1]), by=2 * HOUR)
    jobs = connect(either, max_items_per_page=3).finished_jobs(either.now - 3 * HOUR)
    seen = [next(jobs).id for _ in range(2)]
    either.advance(3 * HOUR)
    seen += [job.id for job in jobs]
    assert [job for job in seen if job != reported[1]] == [reported[0], *reported[2:]]


def test_a_configuration_api_that_closes_on_the_way_is_not_left_for_the_public_one_at_once(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    """It was open a moment ago, and the public one reports less of each job."""
    reported = history(airbyte, airbyte.add_connection("shop"), *range(8))
    airbyte.add_fault(Fault.status(403), path=HISTORY, after=1)
    client = connect(airbyte, max_items_per_page=3)
    with pytest.raises(AirbyteForbidden):
        ids(client, airbyte.now - 3 * HOUR)
    assert ids(client, airbyte.now - 3 * HOUR) == reported


def test_ten_jobs_in_the_window_cost_an_idle_tick_one_request_from_the_second_time_on(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    reported = history(airbyte, airbyte.add_connection("shop"), *range(10))
    client = connect(airbyte)
    for requests in (2, 1, 1):
        airbyte.forget_requests()
        assert ids(client, airbyte.now - 3 * HOUR) == reported
        assert [each.path for each in airbyte.requests].count(HISTORY) == requests
