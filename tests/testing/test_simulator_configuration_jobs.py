"""The Configuration API: jobs, the statuses of their streams, and the timeline."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.simulated import Client

ALL_TYPES = ["sync", "refresh", "reset_connection"]
Ask = Callable[..., Any]


def job_ids(listing: Any) -> list[int]:
    return [row["job"]["id"] for row in listing["jobs"]]


# Jobs


def test_jobs_of_the_workspace_with_the_counts_of_each_stream(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, ask: Ask
) -> None:
    job = airbyte.run_sync(shop, rows={"orders": 3, ("users", "audit"): 4}, rejected={"orders": 1})
    airbyte.advance(60)
    airbyte.start_sync(shop)
    page = ask(
        "/jobs/list_for_workspaces",
        configTypes=ALL_TYPES,
        workspaceIds=[airbyte.workspace_id],
        statuses=["succeeded", "failed", "cancelled"],
        orderByField="updatedAt",
        orderByMethod="ASC",
        updatedAtStart=job.updated_at.isoformat(),
    )
    [row] = page["jobs"]
    assert (row["job"]["id"], row["job"]["configId"]) == (job.job_id, shop.connection_id)
    assert row["job"]["updatedAt"] == int(job.updated_at.timestamp())
    assert row["job"]["aggregatedStats"]["recordsCommitted"] == 6
    streams = row["job"]["streamAggregatedStats"]
    assert [
        (s["streamName"], s.get("streamNamespace"), s["recordsCommitted"]) for s in streams
    ] == [
        ("orders", None, 2),
        ("users", "audit", 4),
    ]
    assert streams[0]["recordsRejected"] == 1
    [attempt] = row["attempts"]
    assert attempt["status"] == "succeeded"
    assert "bytesCommitted" not in attempt["totalStats"]


def test_the_total_counts_this_page_only(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, ask: Ask
) -> None:
    for _ in range(5):
        airbyte.run_sync(shop)
        airbyte.advance(1)
    page = {"pageSize": 2, "rowOffset": 3}
    listing = ask("/jobs/list_for_workspaces", configTypes=ALL_TYPES, pagination=page)
    assert (job_ids(listing), listing["totalJobCount"]) == ([2, 1], 2)
    # The offset of the other listing is rounded down to a whole number of pages.
    listing = ask("/jobs/list", configTypes=ALL_TYPES, pagination=page)
    assert (job_ids(listing), listing["totalJobCount"]) == ([3, 2], 5)


def test_types_have_other_names_and_a_clear_is_a_reset(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, ask: Ask
) -> None:
    airbyte.run_refresh(shop, ["users"])
    airbyte.advance(1)
    airbyte.run_clear(shop, ["orders"])
    cleared = ask("/jobs/list", configTypes=["clear"])["jobs"]
    assert [row["job"]["configType"] for row in cleared] == ["reset_connection"]
    assert cleared[0]["job"]["resetConfig"] == {"streamsToReset": [{"name": "orders"}]}
    [refreshed] = ask("/jobs/list", configTypes=["refresh"])["jobs"]
    users = {"name": "users", "namespace": "audit"}
    assert refreshed["job"]["refreshConfig"] == {"streamsToRefresh": [users]}


def test_a_refresh_has_the_whole_catalog_enabled_and_counts_of_what_it_read(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, ask: Ask
) -> None:
    airbyte.run_refresh(shop, ["users"])
    airbyte.advance(1)
    airbyte.run_refresh(shop, ["users"], rest=True)
    both = ask("/jobs/list", configTypes=["refresh"])["jobs"]
    for row, read in zip(both, (["orders", "users"], ["users"]), strict=True):
        job = row["job"]
        assert [each["name"] for each in job["enabledStreams"]] == ["orders", "users"]
        assert [each["name"] for each in job["refreshConfig"]["streamsToRefresh"]] == ["users"]
        assert [each["streamName"] for each in job["streamAggregatedStats"]] == read


@pytest.mark.parametrize("by_request", [True, False])
def test_of_a_clear_only_what_is_still_configured_is_enabled(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, ask: Ask, by_request: bool
) -> None:
    names = ["orders", "hidden", "gone"]
    if by_request:
        streams = [{"streamName": name} for name in names]
        ask("/connections/clear/stream", connectionId=shop.connection_id, streams=streams)
    else:
        airbyte.start_clear(shop, names)
    [row] = ask("/jobs/list", configTypes=["clear"])["jobs"]
    assert row["job"]["enabledStreams"] == [{"name": "orders"}]
    assert [each["name"] for each in row["job"]["resetConfig"]["streamsToReset"]] == names


def test_a_page_of_nothing_divides_by_zero(client: Client) -> None:
    body = {"configTypes": ALL_TYPES, "pagination": {"pageSize": 0}}
    assert client.configuration("/jobs/list", body).status_code == 500


def test_a_failed_job_says_why(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, ask: Ask
) -> None:
    job = airbyte.fail(airbyte.start_sync(shop), reason="no network", origin="destination")
    [row] = ask("/jobs/list_for_workspaces", configTypes=ALL_TYPES)["jobs"]
    [failure] = row["attempts"][0]["failureSummary"]["failures"]
    assert (failure["failureOrigin"], failure["externalMessage"]) == ("destination", "no network")
    assert failure["timestamp"] == int(job.updated_at.timestamp() * 1000)


def test_one_job_with_different_details(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, ask: Ask
) -> None:
    job = airbyte.run_sync(shop)
    light, full, plain = (
        ask(path, id=job.job_id)
        for path in ("/jobs/get_light", "/jobs/get", "/jobs/get_without_logs")
    )
    assert light.keys() == {"job"}
    assert "aggregatedStats" not in light["job"].keys() | full["job"].keys()
    assert "logs" in full["attempts"][0]
    assert "logs" not in plain["attempts"][0]
    namespaces = [s.get("streamNamespace") for s in plain["job"]["streamAggregatedStats"]]
    assert namespaces == [None, "audit"]
    in_attempt = plain["attempts"][0]["attempt"]["streamStats"]
    assert all("streamNamespace" not in stream for stream in in_attempt)


def test_the_last_job_that_was_not_cancelled(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, ask: Ask
) -> None:
    of_shop = {"connectionId": shop.connection_id}
    assert ask("/jobs/get_last_replication_job", **of_shop) == {}
    job = airbyte.run_sync(shop)
    airbyte.cancel(airbyte.start_sync(shop))
    assert ask("/jobs/get_last_replication_job", **of_shop)["job"]["id"] == job.job_id


def test_starting_a_second_sync_is_refused_with_a_message(
    shop: SimulatedConnection, client: Client, ask: Ask
) -> None:
    of_shop = {"connectionId": shop.connection_id}
    assert ask("/connections/sync", **of_shop)["job"]["status"] == "running"
    refused = client.configuration("/connections/sync", of_shop)
    assert refused.status_code == 409
    assert refused.json()["message"] == f"A sync is already running for: {shop.connection_id}"
    assert ask("/connections/refresh", refreshMode="Merge", **of_shop) == {}


# Stream statuses and the timeline


def test_streams_of_a_failed_job_may_be_complete(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, ask: Ask
) -> None:
    job = airbyte.fail(airbyte.start_sync(shop), completed=["orders"])
    page = {"pageSize": 10, "rowOffset": 0}
    of_job = {"workspaceId": airbyte.workspace_id, "jobId": job.job_id, "pagination": page}
    rows = ask("/stream_statuses/list", **of_job)["streamStatuses"]
    assert {
        (row["streamName"], row["runState"], row.get("incompleteRunCause")) for row in rows
    } == {
        ("orders", "COMPLETE", None),
        ("users", "INCOMPLETE", "FAILED"),
    }
    orders = ask("/stream_statuses/list", streamName="orders", **of_job)["streamStatuses"]
    assert len(orders) == 1


@pytest.mark.parametrize("page", [None, {"pageSize": 10, "rowOffset": 5}, {"pageSize": 0}])
def test_stream_statuses_insist_on_whole_pages(
    airbyte: AirbyteSimulator, client: Client, page: object
) -> None:
    body = {"workspaceId": airbyte.workspace_id, "pagination": page}
    assert client.configuration("/stream_statuses/list", body).status_code == 400


def test_the_timeline_says_who_started_a_job(airbyte: AirbyteSimulator, ask: Ask) -> None:
    hourly = airbyte.add_connection("hourly", schedule=timedelta(hours=1))
    airbyte.advance(60)
    airbyte.run_sync(hourly)
    airbyte.advance(1)
    airbyte.fail(airbyte.start_sync(hourly, scheduled=True), rows=1)
    airbyte.advance(1)
    airbyte.cancel(airbyte.start_clear(hourly))
    events = ask("/connections/events/list", connectionId=hourly.connection_id)["events"]
    seen = [(event["eventType"], event["summary"]["jobId"], "user" in event) for event in events]
    assert sorted(seen) == [
        ("CLEAR_CANCELLED", 4, True),
        ("CLEAR_STARTED", 4, True),
        ("SYNC_INCOMPLETE", 3, False),
        ("SYNC_STARTED", 2, True),
        ("SYNC_SUCCEEDED", 1, False),
        ("SYNC_SUCCEEDED", 2, False),
    ]
    times = [event["createdAt"] for event in events]
    assert times == sorted(times, reverse=True)
    of_job = ask("/connections/events/list_for_job", id=2)["events"]
    assert {event["eventType"] for event in of_job} == {"SYNC_STARTED", "SYNC_SUCCEEDED"}


def test_the_timeline_blames_the_job_that_was_named(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, ask: Ask
) -> None:
    old = airbyte.run_sync(shop)
    airbyte.start_sync(shop)
    ask("/jobs/cancel", id=old.job_id)
    kinds = ["SYNC_CANCELLED"]
    of_shop = {"connectionId": shop.connection_id, "eventTypes": kinds}
    events = ask("/connections/events/list", **of_shop)["events"]
    assert sorted(event["summary"]["jobId"] for event in events) == [1, 2]
