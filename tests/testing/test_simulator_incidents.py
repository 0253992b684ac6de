"""What happens to a whole Airbyte: restarts, bursts, backups, wrong clocks, gaps, new words."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    RealClock,
    SimulatedClock,
    SimulatedConnection,
    SimulatedStream,
    SimulatorError,
)
from dagster_airbyte_sync.testing.wire.payload import JsonObject
from helpers.simulated import Client

HOUR = timedelta(hours=1)
HISTORY = "/jobs/list_for_workspaces"
ALL = ["sync", "refresh", "reset_connection", "clear"]


def numbers(airbyte: AirbyteSimulator) -> list[int]:
    return [job.job_id for job in airbyte.jobs]


def listed(client: Client, **asked: object) -> list[dict[str, Any]]:
    body = {"configTypes": ALL, "orderByMethod": "ASC", **asked}
    return [row["job"] for row in client.configuration(HISTORY, body).json()["jobs"]]


@pytest.fixture
def hourly(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> list[int]:
    """Syncs 1 to 5, one at the end of each hour, of which the last has just ended."""
    return [airbyte.run_sync(shop).job_id for _ in range(5) if airbyte.advance(HOUR)]


# Restarts and bursts


def test_a_restart_fails_every_unfinished_job_at_one_moment(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    done = airbyte.run_sync(shop)
    airbyte.start_sync(shop)
    airbyte.begin(airbyte.start_sync(airbyte.add_connection("b")))
    airbyte.fail_attempt(airbyte.start_sync(airbyte.add_connection("c")))
    airbyte.start_sync(airbyte.add_connection("d"), unattended=True)
    failed = airbyte.restart()
    assert [job.job_id for job in failed] == [2, 3, 4, 5]
    assert {(job.status, job.updated_at) for job in failed} == {("failed", airbyte.now)}
    assert done.status == "succeeded"
    assert airbyte.restart() == []
    assert airbyte.start_sync(shop).status == "pending"


def test_a_burst_ends_in_one_moment_in_the_order_of_its_numbers(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    jobs = airbyte.burst(shop, 100)
    assert [job.job_id for job in jobs] == list(range(1, 101))
    assert {(job.status, job.updated_at) for job in jobs} == {("failed", airbyte.now)}
    assert sorted(jobs, key=lambda job: job.created_at) == jobs
    assert len({job.created_at for job in jobs}) == 100


def test_a_burst_may_take_its_time(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> None:
    jobs = airbyte.burst(shop, 4, status="succeeded", apart=20, rows=3)
    ends = [(airbyte.now - job.updated_at).total_seconds() for job in jobs]
    assert (ends, jobs[0].rows) == ([60, 40, 20, 0], 6)
    at = airbyte.now - HOUR
    assert [job.updated_at for job in airbyte.burst(shop, 2, at=at, apart=1)] == [
        at, at + timedelta(seconds=1)
    ]  # fmt: skip


def test_ties_fall_otherwise_each_time_a_page_is_asked_for(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    airbyte.burst(shop, 40)
    page = {"pageSize": 10, "rowOffset": 10}
    by_end = {"orderByField": "updatedAt", "pagination": page}
    readings = [[job["id"] for job in listed(client, **by_end)] for _ in range(2)]
    assert readings[0] != readings[1]
    public = [client.jobs(orderBy="updatedAt|ASC", limit="10") for _ in range(2)]
    assert public[0] != public[1]


# Backups


def test_a_restore_takes_later_jobs_away_and_gives_their_numbers_again(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client, hourly: list[int]
) -> None:
    lost = airbyte.jobs[3:]
    airbyte.restore(airbyte.now - HOUR - timedelta(seconds=1))
    assert (numbers(airbyte), airbyte.forgotten_jobs) == ([1, 2, 3], lost)
    airbyte.advance(60)
    again = airbyte.run_sync(shop)
    assert again.job_id == lost[0].job_id
    assert again.created_at > lost[1].created_at
    assert [job["id"] for job in listed(client)] == [1, 2, 3, 4]
    assert [job["jobId"] for job in client.jobs()] == [1, 2, 3, 4]
    assert client.get("/jobs/5").status_code == 409


def test_a_job_that_ran_at_the_time_of_the_backup_fails_after_it(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    job = airbyte.begin(airbyte.start_sync(shop))
    airbyte.advance(HOUR)
    airbyte.succeed(job)
    airbyte.advance(HOUR)
    airbyte.restore(airbyte.now - HOUR - timedelta(seconds=1))
    [restored] = airbyte.jobs
    assert (restored.status, restored.updated_at) == ("failed", airbyte.now)
    assert (restored.job_id, restored.created_at) == (job.job_id, job.created_at)
    # What was seen of it is known still.
    assert airbyte.forgotten_jobs == [job]
    assert job.status == "succeeded"


@pytest.mark.parametrize("seconds", [-1, 5, 15, 25])
def test_a_job_may_be_what_it_was(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, seconds: int
) -> None:
    start = airbyte.advance(60)
    job = airbyte.start_sync(shop)
    airbyte.advance(5)
    airbyte.begin(job)
    airbyte.advance(10)
    airbyte.fail_attempt(job)
    # The next attempt begins with that.
    airbyte.advance(9)
    airbyte.advance(10)
    airbyte.succeed(job, rows=3)
    airbyte.restore(start + timedelta(seconds=seconds), fail_unfinished=False)
    # The one that was incomplete has tried again meanwhile.
    was = {-1: [], 5: [("running", 1)], 15: [("running", 2)], 25: [("running", 2)]}
    assert [(each.status, len(each.attempts)) for each in airbyte.jobs] == was[seconds]
    if airbyte.jobs:
        assert airbyte.succeed(airbyte.jobs[0], rows=4).rows == 8
    assert airbyte.forgotten_jobs == [job]


def test_an_end_that_was_not_committed_is_not_in_a_backup(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    job = airbyte.run_sync(shop)
    airbyte.commit_late(job, by=60)
    airbyte.advance(120)
    airbyte.restore(airbyte.now - timedelta(seconds=90), fail_unfinished=False)
    assert [(each.status, each.committed_at) for each in airbyte.jobs] == [("running", None)]


def test_a_restore_to_now_changes_nothing(airbyte: AirbyteSimulator, hourly: list[int]) -> None:
    before = airbyte.jobs
    airbyte.restore(airbyte.now)
    assert (airbyte.jobs, airbyte.forgotten_jobs) == (before, [])


def test_the_sequence_of_numbers_is_restored_with_its_gaps(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, hourly: list[int]
) -> None:
    airbyte.skip_job_ids(10)
    after_gap = airbyte.advance(60)
    airbyte.advance(60)
    airbyte.run_sync(shop)
    assert numbers(airbyte)[-1] == 16
    airbyte.restore(after_gap)
    assert airbyte.run_sync(shop).job_id == 16
    airbyte.restore(after_gap - HOUR)
    assert airbyte.run_sync(shop).job_id == 5


def test_a_number_that_is_still_in_use_is_never_given_again(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    """Jobs of the past have numbers that the sequence did not have at their time."""
    airbyte.burst(shop, 5, at=airbyte.now - HOUR)
    airbyte.restore(airbyte.now - timedelta(minutes=1))
    assert airbyte.run_sync(shop).job_id == 6


def test_a_schedule_goes_on_after_a_restore(airbyte: AirbyteSimulator) -> None:
    airbyte.add_connection("hourly", schedule=HOUR)
    airbyte.advance(5.5 * HOUR)
    before = {job.created_at for job in airbyte.jobs}
    airbyte.restore(airbyte.now - 3 * HOUR)
    airbyte.advance(2 * HOUR)
    assert numbers(airbyte) == sorted(numbers(airbyte))
    assert len({job.created_at for job in airbyte.jobs} - before) >= 2


def test_a_time_without_a_zone_is_no_time_of_a_backup(airbyte: AirbyteSimulator) -> None:
    with pytest.raises(SimulatorError, match="time zone"):
        airbyte.restore(datetime(2026, 8, 1))


# Clocks


def test_a_clock_that_is_ahead_is_set_right(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    right = airbyte.now
    airbyte.set_clock(right + HOUR)
    ahead = airbyte.start_sync(shop)
    airbyte.set_clock(right)
    airbyte.succeed(ahead)
    job = airbyte.run_sync(shop)
    shown = parsedate_to_datetime(client.get("/health").headers["Date"])
    assert (airbyte.now, shown, job.updated_at) == (right, right, right)
    [first, second] = client.jobs(orderBy="createdAt|DESC")
    assert (first["jobId"], first["duration"]) == (ahead.job_id, "PT-1H")
    assert second["jobId"] == job.job_id


def test_only_a_simulated_clock_can_be_set() -> None:
    clock = SimulatedClock()
    with pytest.raises(SimulatorError, match="time zone"):
        clock.set(datetime(2026, 8, 1))
    with pytest.raises(SimulatorError, match="real clock"):
        AirbyteSimulator(clock=RealClock()).set_clock(clock.now())


# Numbers, names, widths, words


def test_other_workspaces_use_numbers_of_the_same_sequence(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    for gap in (0, 1, 1000):
        airbyte.skip_job_ids(gap)
        airbyte.run_sync(shop)
    assert numbers(airbyte) == [1, 3, 1004]


def test_a_connection_may_be_deleted_and_made_again_under_its_name(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    airbyte.run_sync(shop)
    airbyte.delete_connection(shop)
    again = airbyte.add_connection("shop", ["orders"])
    airbyte.run_sync(again)
    assert again.connection_id != shop.connection_id
    assert airbyte.connection("shop") is again
    listed = client.get("/connections").json()["data"]
    assert [each["connectionId"] for each in listed] == [again.connection_id]
    of = [each["connectionId"] for each in client.jobs()]
    assert sorted(of) == sorted([shop.connection_id, again.connection_id])


def test_a_connection_of_two_thousand_wide_tables_is_made_and_listed_in_seconds(
    airbyte: AirbyteSimulator, client: Client
) -> None:
    columns: JsonObject = {f"column_{n}": {"type": ["null", "string"]} for n in range(240)}
    schema: JsonObject = {"type": "object", "properties": columns}
    begun = time.monotonic()
    wide = airbyte.add_connection(
        "wide", [SimulatedStream(f"table_{n}", json_schema=schema) for n in range(2000)]
    )
    airbyte.run_sync(wide)
    answer = client.configuration("/connections/list", {"workspaceId": airbyte.workspace_id})
    [found] = answer.json()["connections"]
    assert len(found["syncCatalog"]["streams"]) == 2000
    assert len(found["syncCatalog"]["streams"][-1]["stream"]["jsonSchema"]["properties"]) == 240
    # It takes one second, and a machine may be busy.
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("ended", [True, False])
def test_a_job_is_spoken_of_in_words_of_an_airbyte_to_come(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client, ended: bool
) -> None:
    job = airbyte.run_sync(shop) if ended else airbyte.begin(airbyte.start_sync(shop))
    airbyte.speak_of(job, status="resting", type="backfill")
    read = client.get(f"/jobs/{job.job_id}").json()
    assert (read["status"], read["jobType"]) == ("resting", "backfill")
    assert "lastUpdatedAt" not in read
    read = client.configuration("/jobs/get_without_logs", {"id": job.job_id}).json()["job"]
    assert (read["status"], read["configType"]) == ("resting", "backfill")
    assert client.jobs() == []
    assert listed(client, statuses=["succeeded", "failed", "cancelled"]) == []
    airbyte.speak_of(job)
    assert [each["status"] for each in client.jobs()] == [job.status]


def test_the_words_of_a_test_are_those_of_every_answer(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    job = airbyte.run_sync(shop)
    asks: list[Callable[[], Any]] = [
        lambda: client.get(f"/jobs/{job.job_id}").json()["status"],
        lambda: client.jobs()[0]["status"],
        lambda: listed(client)[0]["status"],
    ]
    airbyte.speak_of(job, status="resting")
    assert [ask() for ask in asks] == ["resting"] * 3
