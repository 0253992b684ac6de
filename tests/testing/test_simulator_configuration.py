"""The Configuration API."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.simulated import Client

ALL_TYPES = ["sync", "refresh", "reset_connection"]
Ask = Callable[..., Any]


@pytest.fixture
def ask(client: Client) -> Ask:
    """Post a body, get the JSON that is answered."""

    def ask(path: str, **body: object) -> Any:
        answer = client.configuration(path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask


def job_ids(listing: Any) -> list[int]:
    return [row["job"]["id"] for row in listing["jobs"]]


# Connections and actors


def test_all_connections_with_their_schemas_in_one_answer(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, ask: Ask
) -> None:
    for number in range(150):
        airbyte.add_connection(f"c{number}")
    found = ask("/connections/list", workspaceId=airbyte.workspace_id)["connections"]
    assert len(found) == 151
    assert "workspaceId" not in found[0]
    streams = found[0]["syncCatalog"]["streams"]
    assert [(s["stream"]["name"], s["config"]["selected"]) for s in streams] == [
        ("orders", True),
        ("users", True),
        ("hidden", False),
    ]
    assert streams[0]["stream"]["jsonSchema"]["properties"]["id"] == {"type": "integer"}


def test_words_differ_from_the_public_api(airbyte: AirbyteSimulator, ask: Ask) -> None:
    shop = airbyte.add_connection(
        "shop",
        namespace_definition="custom_format",
        namespace_format="x_${SOURCE_NAMESPACE}",
        schedule=timedelta(hours=6),
    )
    found = ask("/connections/get", connectionId=shop.connection_id)
    assert found["namespaceDefinition"] == "customformat"
    assert found["schedule"] == {"units": 6, "timeUnit": "hours"}
    assert found["scheduleData"] == {"basicSchedule": {"units": 6, "timeUnit": "hours"}}
    assert found["created_at"] == int(airbyte.now.timestamp())


def test_deleted_connections_are_in_the_other_list(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, ask: Ask
) -> None:
    airbyte.delete_connection(shop)
    assert ask("/connections/list", workspaceId=airbyte.workspace_id) == {"connections": []}
    [found] = ask("/connections/list_all", workspaceId=airbyte.workspace_id)["connections"]
    assert found["status"] == "deprecated"


def test_a_connection_has_no_operations(shop: SimulatedConnection, ask: Ask) -> None:
    assert ask("/operations/list", connectionId=shop.connection_id) == {"operations": []}


@pytest.mark.parametrize(("version", "count"), [("1.7.0", 45), ("1.8.0", 20)])
def test_destinations_come_in_pages_since_1_8(version: str, count: int) -> None:
    with AirbyteSimulator(version=version) as airbyte:
        for number in range(45):
            airbyte.add_destination(f"d{number:02}")
        body = {"workspaceId": airbyte.workspace_id}
        answer = Client(airbyte).configuration("/destinations/list", body).json()
        assert len(answer["destinations"]) == count


def test_the_last_id_is_the_cursor_of_the_next_page(airbyte: AirbyteSimulator, ask: Ask) -> None:
    for number in range(45):
        airbyte.add_destination(f"d{number:02}")
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = ask("/destinations/list", workspaceId=airbyte.workspace_id, **cursor)["destinations"]
        if not page:
            break
        seen += [row["name"] for row in page]
        cursor = {"cursor": page[-1]["destinationId"]}
    assert seen == [f"d{number:02}" for number in range(45)]
    everything = ask("/destinations/list", workspaceId=airbyte.workspace_id, pageSize=100)
    assert len(everything["destinations"]) == 45


@pytest.mark.parametrize(("version", "code"), [("1.6.0", 200), ("1.7.0", 404)])
def test_the_list_of_workspaces_is_gone_since_1_7(version: str, code: int) -> None:
    with AirbyteSimulator(version=version) as airbyte:
        assert Client(airbyte).configuration("/workspaces/list", {}).status_code == code


@pytest.mark.parametrize(
    ("version", "keys"),
    [("2.0.0", {"errorId"}), ("1.8.0", {"message", "exceptionClassName", "exceptionStack"})],
)
def test_errors_say_nothing_since_2_0(version: str, keys: set[str]) -> None:
    with AirbyteSimulator(version=version) as airbyte:
        answer = Client(airbyte).configuration("/jobs/get_light", {"id": 7})
        assert answer.status_code == 404
        assert answer.json().keys() == keys


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


def test_the_timeline_tells_who_started_a_job(airbyte: AirbyteSimulator, ask: Ask) -> None:
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
