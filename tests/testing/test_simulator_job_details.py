"""The Configuration API: what it knows of a job beside its counts, which is as odd as Airbyte's."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    LogEntry,
    SimulatedConnection,
    SimulatedUser,
    SimulatorError,
)
from helpers.simulated import Client

Ask = Callable[..., Any]
ANNA = SimulatedUser.named("Anna", "anna@example.com")


def states(ask: Ask, airbyte: AirbyteSimulator, job_id: int) -> set[tuple[str, int, str]]:
    page = {"pageSize": 50, "rowOffset": 0}
    body = {"workspaceId": airbyte.workspace_id, "jobId": job_id, "pagination": page}
    rows = ask("/stream_statuses/list", **body)["streamStatuses"]
    return {(row["streamName"], row["attemptNumber"], row["runState"]) for row in rows}


def test_a_stream_that_was_complete_has_no_row_in_later_attempts(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, ask: Ask
) -> None:
    job = airbyte.start_sync(shop)
    airbyte.fail_attempt(job, completed=["orders"])
    airbyte.fail(airbyte.begin(job))
    assert states(ask, airbyte, job.job_id) == {
        ("orders", 0, "COMPLETE"),
        ("users", 0, "INCOMPLETE"),
        ("users", 1, "INCOMPLETE"),
    }


def test_a_platform_that_dies_leaves_streams_running(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, ask: Ask
) -> None:
    job = airbyte.begin(airbyte.start_sync(shop))
    airbyte.restart()
    airbyte.set_stream_state(job, "orders", "PENDING")
    assert states(ask, airbyte, job.job_id) == {("orders", 0, "PENDING"), ("users", 0, "RUNNING")}


def test_pages_of_stream_statuses_have_no_order(airbyte: AirbyteSimulator, client: Client) -> None:
    job = airbyte.run_sync(airbyte.add_connection("wide", [f"t{n}" for n in range(40)]))
    names = []
    for offset in (0, 20):
        page = {"pageSize": 20, "rowOffset": offset}
        body = {"workspaceId": airbyte.workspace_id, "jobId": job.job_id, "pagination": page}
        rows = client.configuration("/stream_statuses/list", body).json()["streamStatuses"]
        names += [row["streamName"] for row in rows]
    assert len(names) == 40
    assert len(set(names)) < 40


def test_the_start_of_a_job_is_written_late_twice_and_with_its_user(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, ask: Ask
) -> None:
    airbyte.delay_timeline(5)
    first = airbyte.start_sync(shop)
    of_shop = {"connectionId": shop.connection_id}
    assert ask("/connections/events/list", **of_shop)["events"] == []
    airbyte.advance(5)
    assert len(ask("/connections/events/list", **of_shop)["events"]) == 1
    airbyte.say_who_started(first, ANNA, None, after=timedelta(seconds=3))
    airbyte.add_to_timeline(shop, "SCHEMA_UPDATE")
    events = ask("/connections/events/list", **of_shop)["events"]
    seen = [(each["eventType"], each.get("user", {}).get("name")) for each in events]
    assert seen == [("SCHEMA_UPDATE", "Default"), ("SYNC_STARTED", "Anna"), ("SYNC_STARTED", None)]
    airbyte.say_who_started(first)
    assert len(ask("/connections/events/list", **of_shop)["events"]) == 1


def test_a_deleted_user_has_no_name(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, ask: Ask
) -> None:
    airbyte.say_who_started(airbyte.start_sync(shop), SimulatedUser(is_deleted=True))
    [event] = ask("/connections/events/list", connectionId=shop.connection_id)["events"]
    assert event["user"] == {"isDeleted": True}


@pytest.mark.parametrize(("version", "kind"), [("2.1.0", "structured"), ("1.1.0", None)])
def test_the_log_of_an_attempt_is_of_events_or_of_coloured_text(
    version: str, kind: str | None
) -> None:
    with AirbyteSimulator(version=version) as airbyte:
        job = airbyte.fail(airbyte.start_sync(airbyte.add_connection("shop")))
        airbyte.write_log(job, [LogEntry("no space", "error", "destination", "java.lang.Error")])
        body = {"jobId": job.job_id, "attemptNumber": 0}
        answer = Client(airbyte).configuration("/attempt/get_for_job", body).json()
        assert (answer["attempt"]["status"], answer.get("logType")) == ("failed", kind)
        if kind:
            [event] = answer["logs"]["events"]
            assert (event["message"], event["logSource"]) == ("no space", "destination")
        else:
            [line] = answer["logs"]["logLines"]
            assert line.endswith("\x1b[43mdestination\x1b[0m > no space\njava.lang.Error")


@pytest.mark.parametrize(("admin", "status"), [(True, 404), (False, 403)])
def test_an_attempt_that_is_not_there_is_refused(admin: bool, status: int) -> None:
    with AirbyteSimulator(admin=admin) as airbyte:
        job = airbyte.run_sync(airbyte.add_connection("shop"))
        for body in ({"jobId": job.job_id, "attemptNumber": 1}, {"jobId": 9, "attemptNumber": 0}):
            answer = Client(airbyte).configuration("/attempt/get_for_job", body)
            assert answer.status_code == status
        with pytest.raises(SimulatorError, match="has no attempt 1"):
            airbyte.write_log(job, [], attempt=1)
