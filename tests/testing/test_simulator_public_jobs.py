"""The public API's jobs, with Airbyte's peculiarities."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlparse

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedClock, SimulatedConnection
from helpers.simulated import Client


def ids(rows: list[dict[str, object]]) -> list[object]:
    return [row["jobId"] for row in rows]


@pytest.fixture
def every_minute(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> Callable[[int], list[int]]:
    """Run so many syncs, one each minute."""

    def run(times: int) -> list[int]:
        return [airbyte.run_sync(shop).job_id for _ in range(times) if airbyte.advance(60)]

    return run


def test_the_twenty_oldest_jobs_come_first_by_default(
    every_minute: Callable[[int], list[int]], client: Client
) -> None:
    assert every_minute(30)[:20] == ids(client.jobs())


def test_order_by_one_of_two_fields(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    other = airbyte.add_connection("other")
    slow = airbyte.start_sync(shop)
    airbyte.advance(1)
    quick = airbyte.run_sync(other)
    airbyte.advance(1)
    airbyte.succeed(slow)
    assert ids(client.jobs(orderBy="createdAt|DESC")) == [quick.job_id, slow.job_id]
    assert ids(client.jobs(orderBy="updatedAt|ASC")) == [quick.job_id, slow.job_id]
    assert ids(client.jobs(orderBy="updatedat|DESC")) == [slow.job_id, quick.job_id]


@pytest.mark.parametrize("order", ["updatedAt", "updatedAt|desc", "jobId|ASC"])
def test_another_order_is_refused(client: Client, order: str) -> None:
    refused = client.get(f"/jobs?orderBy={order}")
    assert refused.status_code == 400
    assert refused.json()["data"] == {"message": "Invalid order by clause provided"}


def test_bounds_are_inclusive_to_the_microsecond(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    airbyte.advance(timedelta(microseconds=500))
    job = airbyte.run_sync(shop)
    exact = job.updated_at.isoformat()
    for start, end in itertools.product(["updatedAtStart", "createdAtStart"], ["updatedAtEnd"]):
        assert ids(client.jobs(**{start: exact, end: exact})) == [job.job_id]
    whole_second = job.updated_at.replace(microsecond=0).isoformat()
    assert client.jobs(updatedAtEnd=whole_second) == []
    assert ids(client.jobs(updatedAtStart=whole_second)) == [job.job_id]


@pytest.mark.parametrize("text", ["2026-08-01T00:00Z", "2026-08-01T02:00:00.000000001%2B02:00"])
def test_times_need_an_offset_and_may_lack_seconds(client: Client, text: str) -> None:
    assert client.get(f"/jobs?updatedAtStart={text}").status_code == 200


@pytest.mark.parametrize("text", ["1687450500000", "2026-08-01T00:00:00", "yesterday"])
def test_other_times_are_refused(client: Client, text: str) -> None:
    assert client.get(f"/jobs?updatedAtStart={text}").status_code == 400


@pytest.mark.parametrize("query", ["status=failed,succeeded", "status=done", "jobType=copy"])
def test_one_status_and_one_type_at_most(client: Client, query: str) -> None:
    assert client.get(f"/jobs?{query}").status_code == 400


@pytest.mark.parametrize(
    ("version", "expected"), [("2.0.0", ["sync", "reset"]), ("2.1.0", ["sync", "refresh", "reset"])]
)
def test_refreshes_are_hidden_by_default_before_2_1(version: str, expected: list[str]) -> None:
    with AirbyteSimulator(version=version) as airbyte:
        shop, client = airbyte.add_connection("shop"), Client(airbyte)
        for run in (airbyte.run_sync, airbyte.run_refresh, airbyte.run_clear):
            run(shop)
            airbyte.advance(1)
        assert [job["jobType"] for job in client.jobs()] == expected
        assert len(client.jobs(jobType="refresh")) == 1
        assert client.jobs(jobType="clear") == []


def test_a_connection_wins_over_workspaces(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    airbyte.run_sync(shop)
    elsewhere = "00000000-0000-0000-0000-000000000001"
    assert client.jobs(workspaceIds=elsewhere) == []
    assert len(client.jobs(workspaceIds=elsewhere, connectionId=shop.connection_id)) == 1
    assert len(client.jobs(workspaceIds=f"{elsewhere},{airbyte.workspace_id}")) == 1


def test_links_lead_nowhere(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    airbyte.run_sync(shop)
    page = client.get(
        f"/jobs?connectionId={shop.connection_id}&status=succeeded&jobType=sync"
        "&orderBy=updatedAt%7CDESC&limit=5"
    ).json()
    assert page["previous"] == ""
    link = urlparse(page["next"])
    assert link.hostname == "localhost"
    # There is no such page, and the question is half forgotten.
    assert parse_qs(link.query) == {
        "connectionId": [shop.connection_id],
        "jobType": ["sync"],
        "limit": ["5"],
        "offset": ["5"],
    }
    beyond = client.get("/jobs?limit=5&offset=5").json()
    assert (beyond["data"], beyond["next"]) == ([], "")
    assert parse_qs(urlparse(beyond["previous"]).query)["limit"] == ["5", "5"]


def test_jobs_of_one_moment_have_no_order_between_pages(
    airbyte: AirbyteSimulator, client: Client
) -> None:
    for number in range(12):
        airbyte.run_sync(airbyte.add_connection(f"c{number}"))
    pages = [client.jobs(limit="3", offset=str(offset)) for offset in range(0, 12, 3)]
    assert len({job["jobId"] for page in pages for job in page}) < 12


def test_times_are_whole_seconds_without_zero_seconds(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    airbyte.advance(timedelta(microseconds=900_000))
    job = airbyte.start_sync(shop)
    airbyte.advance(timedelta(hours=30, seconds=7))
    airbyte.succeed(job)
    [row] = client.jobs()
    assert row["startTime"] == "2026-08-01T01:30Z"
    assert row["lastUpdatedAt"] == "2026-08-02T07:30:07Z"
    assert row["duration"] == "PT30H7S"


def test_an_unfinished_job_has_no_last_update(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    job = airbyte.start_sync(shop)
    [pending] = client.jobs()
    assert "duration" not in pending
    airbyte.advance(5)
    airbyte.begin(job)
    airbyte.advance(5)
    [running] = client.jobs()
    assert running["duration"] == "PT5S"
    for row in (pending, running):
        assert "lastUpdatedAt" not in row
        assert (row["rowsSynced"], row["bytesSynced"]) == (0, 0)


def test_counts_are_of_committed_rows(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    job = airbyte.run_sync(shop, rows=10, rejected=1)
    assert client.get(f"/jobs/{job.job_id}").json()["rowsSynced"] == 18


def test_a_late_commit_is_seen_as_running_and_then_with_its_old_time(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    job = airbyte.run_sync(shop)
    airbyte.commit_late(job, by=30)
    seen = airbyte.now.isoformat()
    assert [row["status"] for row in client.jobs()] == ["running"]
    assert client.get(f"/jobs/{job.job_id}").json()["status"] == "running"
    airbyte.advance(30)
    [row] = client.jobs(updatedAtEnd=seen)
    assert row["status"] == "succeeded"


def test_late_statistics_do_not_touch_the_time(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    job = airbyte.fail(airbyte.start_sync(shop))
    [before] = client.jobs()
    airbyte.advance(60)
    airbyte.correct_rows(job, rows=4)
    assert client.jobs() == [{**before, "rowsSynced": 8, "bytesSynced": 800}]


# Starting and cancelling


def start(client: Client, connection: SimulatedConnection, kind: str = "sync") -> dict[str, object]:
    answer = client.post("/jobs", {"connectionId": connection.connection_id, "jobType": kind})
    return {"code": answer.status_code, **answer.json()}


@pytest.mark.parametrize(("version", "status"), [("2.1.0", "running"), ("2.2.0", "pending")])
def test_a_started_job_is_awaited_until_2_1(version: str, status: str) -> None:
    with AirbyteSimulator(version=version) as airbyte:
        shop, client = airbyte.add_connection("shop"), Client(airbyte)
        started = start(client, shop)
        assert (started["code"], started["status"]) == (200, status)
        assert "rowsSynced" not in started
        airbyte.advance(shop.sync_seconds)
        [row] = client.jobs()
        assert (row["jobId"], row["status"]) == (started["jobId"], "succeeded")
        assert row["duration"] == "PT10S"


def test_two_different_conflicts(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    start(client, shop)
    busy = start(client, shop)
    assert (busy["code"], busy["title"]) == (409, "try-again-later")
    assert busy["data"] == {"message": f"A sync is already running for: {shop.connection_id}"}
    airbyte.update_connection(shop, status="inactive")
    inactive = start(client, shop)
    assert (inactive["code"], inactive["title"]) == (409, "state-conflict")
    assert inactive["data"] == {"message": "Could not fulfill request"}


@pytest.mark.parametrize("kind", ["reset", "clear"])
def test_a_reset_through_the_api_cancels_the_running_sync(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client, kind: str
) -> None:
    sync = airbyte.start_sync(shop)
    assert start(client, shop, kind)["jobType"] == "reset"
    assert sync.status == "cancelled"


def test_a_refresh_through_the_api_is_refused(shop: SimulatedConnection, client: Client) -> None:
    refused = start(client, shop, "refresh")
    assert (refused["code"], refused["title"]) == (422, "unprocessable-entity")


def test_cancelling_an_old_job_cancels_the_one_that_runs(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    old, running = airbyte.run_sync(shop), airbyte.start_sync(shop)
    answer = client.delete(f"/jobs/{old.job_id}")
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")
    assert running.status == "cancelled"
    assert client.delete(f"/jobs/{old.job_id}").status_code == 200


def test_an_unknown_job_is_a_conflict_for_an_administrator(client: Client) -> None:
    unknown = client.get("/jobs/99")
    assert (unknown.status_code, unknown.json()["title"]) == (409, "state-conflict")
    assert unknown.json()["data"] == {"message": "Job is not currently running"}


def test_unknown_ids_are_forbidden_for_anybody_else() -> None:
    nobody = "00000000-0000-0000-0000-000000000001"
    with AirbyteSimulator(admin=False) as airbyte:
        client = Client(airbyte)
        paths = ["/jobs/99", f"/connections/{nobody}", f"/jobs?workspaceIds={nobody}"]
        assert [client.get(path).status_code for path in paths] == [403] * 3


def test_polling_moves_a_clock_that_steps() -> None:
    with AirbyteSimulator(clock=SimulatedClock(step=1)) as airbyte:
        client, shop = Client(airbyte), airbyte.add_connection("shop")
        job = start(client, shop)
        polls = itertools.takewhile(
            lambda status: status == "running",
            (client.get(f"/jobs/{job['jobId']}").json()["status"] for _ in range(100)),
        )
        assert len(list(polls)) == 9
