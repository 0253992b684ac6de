"""Everything the simulator answers agrees with Airbyte's own description."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    LogEntry,
    SimulatedConnection,
    SimulatedStream,
    SimulatedUser,
)
from helpers.contract import contract_violations
from helpers.mappers import EVERY_MAPPER
from helpers.simulated import Client


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        yield airbyte


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    streams = [
        SimulatedStream("orders", sync_mode="incremental", primary_key=(("id",),)),
        SimulatedStream("users", namespace="audit", selected_fields=("id",), mappers=EVERY_MAPPER),
        SimulatedStream("drafts", selected=False),
    ]
    return airbyte.add_connection(
        "shop",
        streams,
        prefix="raw_",
        namespace_definition="custom_format",
        namespace_format="${SOURCE_NAMESPACE}_x",
        schedule=timedelta(hours=6),
        tags=("nightly",),
    )


@pytest.fixture
def client(airbyte: AirbyteSimulator) -> Client:
    return Client(airbyte)


@pytest.fixture
def history(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> None:
    """Jobs of every type and in every state."""
    airbyte.advance(timedelta(hours=1))
    other = airbyte.add_connection("other", schedule={"cron": "0 0 * * * ?", "timezone": "UTC"})
    airbyte.run_sync(shop, rejected=1)
    airbyte.run_refresh(shop, [("users", "audit")])
    airbyte.run_clear(shop)
    failed = airbyte.fail(airbyte.start_sync(shop), rows={"orders": 3}, completed=["orders"])
    airbyte.write_log(failed, ["text of before 1.2"], structured=False)
    cancelled = airbyte.cancel(airbyte.begin(airbyte.start_sync(shop)))
    airbyte.write_log(cancelled, [LogEntry("no", "error", "destination", "java.lang.Error: no")])
    airbyte.set_stream_state(cancelled, "orders", "RATE_LIMITED")
    deleted, unnamed = SimulatedUser(is_deleted=True), None
    airbyte.say_who_started(cancelled, SimulatedUser.named("Anna", "a@b.test"), deleted, unnamed)
    airbyte.add_to_timeline(shop, "SCHEMA_UPDATE")
    airbyte.fail_attempt(airbyte.start_sync(shop))
    airbyte.start_sync(other)


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(
    "path",
    [
        "/health",
        "/workspaces",
        "/workspaces/{workspace}",
        "/destinations",
        "/destinations/{destination}",
        "/sources",
        "/sources/{source}",
        "/tags",
        "/tags?workspaceIds={workspace}",
        "/connections?limit=1&offset=1&includeDeleted=true",
        "/connections/{connection}",
        "/streams?sourceId={source}",
        "/jobs",
        "/jobs?connectionId={connection}&orderBy=updatedAt%7CDESC&status=succeeded&jobType=sync",
        "/jobs?workspaceIds={workspace}&updatedAtStart=2020-01-01T00:00:00Z&limit=2&offset=2",
        "/jobs/1",
    ],
)
def test_public_listings_and_records(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client, path: str
) -> None:
    answer = client.get(path.format(**_ids(airbyte, shop)))
    assert answer.status_code == 200
    assert contract_violations(airbyte.exchanges) == []


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("path", ["/health", "/instance_configuration"])
def test_configuration_api_pages_for_everybody(airbyte: AirbyteSimulator, path: str) -> None:
    assert Client(airbyte).configuration_get(path).status_code == 200
    assert contract_violations(airbyte.exchanges) == []


JOBS = {"configTypes": ["sync", "reset_connection", "refresh"]}
BY_ID: dict[str, object] = {"id": 3}
OF_WORKSPACE = {"workspaceId": "{workspace}"}
OF_CONNECTION = {"connectionId": "{connection}"}


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/workspaces/get", OF_WORKSPACE),
        ("/connections/list", OF_WORKSPACE),
        ("/connections/list_all", OF_WORKSPACE),
        ("/connections/get", OF_CONNECTION),
        ("/connections/events/list", OF_CONNECTION),
        ("/connections/events/list_for_job", BY_ID),
        ("/destinations/list", OF_WORKSPACE),
        ("/destinations/get", {"destinationId": "{destination}"}),
        ("/sources/list", OF_WORKSPACE),
        ("/sources/get", {"sourceId": "{source}"}),
        ("/state/get", OF_CONNECTION),
        ("/web_backend/connections/get", OF_CONNECTION),
        ("/jobs/list", {**JOBS, "configId": "{connection}", "pagination": {"pageSize": 3}}),
        ("/jobs/list_for_workspaces", {**JOBS, "workspaceIds": ["{workspace}"]}),
        ("/jobs/get", BY_ID),
        ("/jobs/get", {"id": 5}),
        ("/jobs/get_without_logs", BY_ID),
        ("/jobs/get_without_logs", {"id": 5}),
        ("/jobs/get_light", BY_ID),
        ("/jobs/get_last_replication_job", OF_CONNECTION),
        ("/jobs/cancel", BY_ID),
        ("/connections/clear", OF_CONNECTION),
        ("/connections/reset", OF_CONNECTION),
        (
            "/connections/reset/stream",
            {**OF_CONNECTION, "streams": [{"streamName": "users", "streamNamespace": "audit"}]},
        ),
        ("/connections/refresh", {**OF_CONNECTION, "refreshMode": "Merge"}),
        ("/attempt/get_for_job", {"jobId": 5, "attemptNumber": 0}),
        ("/attempt/get_for_job", {"jobId": 6, "attemptNumber": 0}),
        (
            "/stream_statuses/list",
            {**OF_WORKSPACE, "pagination": {"pageSize": 50, "rowOffset": 0}},
        ),
    ],
)
def test_configuration_api_answers(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    client: Client,
    path: str,
    body: dict[str, object],
) -> None:
    answer = client.configuration(path, _filled(body, _ids(airbyte, shop)))
    assert answer.status_code == 200
    assert contract_violations(airbyte.exchanges) == []


def test_a_job_started_and_cancelled_through_either_api(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    airbyte.advance(60)
    of_shop = {"connectionId": shop.connection_id}
    job = client.post("/jobs", {**of_shop, "jobType": "sync"}).json()
    assert client.delete(f"/jobs/{job['jobId']}").json()["status"] == "cancelled"
    assert client.configuration("/connections/sync", of_shop).status_code == 200
    airbyte.advance(60)
    assert client.configuration("/connections/refresh", {**of_shop, "refreshMode": "Truncate"}).ok
    assert contract_violations(airbyte.exchanges) == []


def test_what_clients_of_the_public_api_write(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    workspace = client.post("/workspaces", {"name": "finance"}).json()
    color = {"name": "daily", "color": "FF0000"}
    tag = client.post("/tags", {**color, "workspaceId": airbyte.workspace_id}).json()
    client.patch(f"/tags/{tag['tagId']}", color)
    ends = {"sourceId": shop.source_id, "destinationId": shop.destination_id}
    made = client.post("/connections", {**ends, "tags": [tag]}).json()
    stream = {"name": "orders", "syncMode": "incremental_append", "cursorField": ["id"]}
    schedule = {"scheduleType": "cron", "cronExpression": "0 0 12 * * ?"}
    body = {"name": "other", "configurations": {"streams": [stream]}, "schedule": schedule}
    assert client.patch(f"/connections/{made['connectionId']}", body).status_code == 200
    client.patch(f"/workspaces/{workspace['workspaceId']}", {"name": "money"})
    for path in ("connections", "tags", "workspaces"):
        found = {"connections": made, "tags": tag, "workspaces": workspace}[path]
        answer = client.delete(f"/{path}/{found[f'{path[:-1]}Id']}")
        assert answer.status_code == 204
    assert contract_violations(airbyte.exchanges) == []


def test_what_clients_of_the_configuration_api_write(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    named = {"name": "finance", "organizationId": airbyte.workspace_id}
    workspace = {
        "workspaceId": client.configuration("/workspaces/create", named).json()["workspaceId"]
    }
    ends = {"sourceId": shop.source_id, "destinationId": shop.destination_id}
    of_shop = {"connectionId": shop.connection_id}
    catalog = client.configuration("/connections/get", of_shop).json()["syncCatalog"]
    new = {**ends, "status": "active", "syncCatalog": catalog}
    made = client.configuration("/connections/create", new).json()
    one = {"connectionId": made["connectionId"]}
    airbyte.advance(60)
    airbyte.run_refresh(shop, rest=True)
    state = client.configuration("/state/get", of_shop).json()
    assert state["stateType"] == "stream"
    written = {"connectionState": {**state, **one}, **one}
    for path, body in (
        ("/connections/update", {**one, "name": "other", "syncCatalog": catalog}),
        ("/web_backend/connections/update", {**one, "syncCatalog": catalog, "skipReset": True}),
        ("/state/create_or_update", written),
        ("/state/create_or_update_safe", written),
        ("/connections/delete", one),
        ("/workspaces/update", {**workspace, "name": "money"}),
        ("/workspaces/update_name", {**workspace, "name": "money"}),
        ("/workspaces/delete", workspace),
    ):
        assert client.configuration(path, body).ok, path
    assert contract_violations(airbyte.exchanges) == []


def test_a_request_that_is_not_described_is_a_violation(
    airbyte: AirbyteSimulator, client: Client
) -> None:
    client.get("/jobs?workspaceId=typo")
    client.configuration("/jobs/list_for_workspaces", {**JOBS, "orderBy": "typo"})
    client.get("/job")
    assert [line.partition(": ")[2] for line in contract_violations(airbyte.exchanges)] == [
        "query parameter workspaceId is not described",
        "request $: Additional properties are not allowed ('orderBy' was unexpected)",
        "not described",
    ]


def _ids(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> dict[str, str]:
    return {
        "workspace": airbyte.workspace_id,
        "connection": shop.connection_id,
        "destination": shop.destination_id,
        "source": shop.source_id,
    }


def _filled(body: dict[str, object], ids: dict[str, str]) -> dict[str, object]:
    return {key: _fill(value, ids) for key, value in body.items()}


def _fill(value: object, ids: dict[str, str]) -> object:
    if isinstance(value, list):
        return [_fill(item, ids) for item in value]
    return value.format(**ids) if isinstance(value, str) else value
