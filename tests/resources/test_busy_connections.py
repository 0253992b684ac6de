"""How many connections are busy: counted to the end of the list, which moves as jobs end."""

from collections.abc import Callable

import pytest

from dagster_airbyte_sync.resources import AirbyteClient
from dagster_airbyte_sync.testing import AirbyteSimulator, RecordedRequest, SimulatedJob

PAGE = 5
LISTS = ("/api/v1/jobs/list_for_workspaces", "/api/public/v1/jobs")

Connect = Callable[..., AirbyteClient]


def start_many(airbyte: AirbyteSimulator, count: int, *, apart: float) -> list[SimulatedJob]:
    """Jobs that run, created so many seconds after one another."""
    jobs = []
    for number in range(count):
        connection = airbyte.add_connection(f"connection {number}", streams=[f"table_{number}"])
        jobs.append(airbyte.begin(airbyte.start_sync(connection)))
        airbyte.advance(apart)
    return jobs


def lists(airbyte: AirbyteSimulator) -> list[RecordedRequest]:
    return [each for each in airbyte.requests if each.path in LISTS]


@pytest.mark.parametrize("apart", [2, 0])
@pytest.mark.parametrize("count", [0, 3, PAGE, PAGE + 1, 4 * PAGE, 4 * PAGE + 3])
def test_all_are_counted_whatever_their_number(
    either: AirbyteSimulator, connect: Connect, count: int, apart: float
) -> None:
    """Also those that were created within one second."""
    jobs = start_many(either, count, apart=apart)
    client = connect(either, max_items_per_page=PAGE)
    for _ in range(2):
        found = client.busy_connections(100)
        assert len(found) == count
        assert found.ids <= {job.connection_id for job in jobs}
        assert apart == 0 or len(found.ids) == count


def test_no_more_is_read_than_is_needed(airbyte: AirbyteSimulator, connect: Connect) -> None:
    start_many(airbyte, 4 * PAGE, apart=2)
    client = connect(airbyte, max_items_per_page=PAGE)

    assert len(client.busy_connections(PAGE)) == PAGE
    assert len(lists(airbyte)) == 1
    assert len(client.busy_connections(PAGE + 1)) > PAGE
    assert len(lists(airbyte)) == 3


def test_a_list_that_ends_with_a_full_page_is_read_on_once(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    """From then on a page of that size is known to be all."""
    start_many(airbyte, 10, apart=2)
    client = connect(airbyte, max_items_per_page=50)
    client.busy_connections(20)
    assert len(lists(airbyte)) == 2
    airbyte.forget_requests()

    client.busy_connections(20)

    assert len(lists(airbyte)) == 1


def test_jobs_that_end_between_two_pages_hide_no_others(
    either: AirbyteSimulator, connect: Connect
) -> None:
    jobs = start_many(either, 4 * PAGE, apart=2)
    client = connect(either, max_items_per_page=PAGE)
    client.busy_connections(PAGE + 1)
    until_second_page = len(lists(either))
    either.forget_requests()

    def end_the_first_page(request: RecordedRequest) -> None:
        if len(lists(either)) == until_second_page and not jobs[0].is_finished:
            for job in jobs[:PAGE]:
                either.succeed(job)

    either.on_request(end_the_first_page)

    assert client.busy_connections(100).ids >= {job.connection_id for job in jobs[PAGE:]}
    assert jobs[0].is_finished


def test_a_job_that_changes_its_status_between_two_answers_is_counted(
    connect: Connect,
) -> None:
    """The public API lists one status at a time."""
    with AirbyteSimulator(configuration_api=False) as closed:
        (job,) = start_many(closed, 1, apart=0)
        closed.fail_attempt(job)
        client = connect(closed)
        client.busy_connections(1)
        closed.on_request(lambda request: _try_again(closed, job, request))

        assert client.busy_connections(5).ids == {job.connection_id}


def _try_again(airbyte: AirbyteSimulator, job: SimulatedJob, request: RecordedRequest) -> None:
    """Once those that run were listed, and before those that have failed an attempt."""
    if request.query.get("status") == ["incomplete"] and job.status == "incomplete":
        airbyte.begin(job)
