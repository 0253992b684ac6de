"""Workspaces and connections that clients make, change and delete, through either API."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    SimulatedConnection,
    SimulatedSource,
    SimulatedStream,
)
from helpers.simulated import Client

ORDERS, USERS = "orders", "users"
OVERWRITTEN = (True, "full_refresh", "overwrite")
INCREMENTAL = {"syncMode": "incremental", "destinationSyncMode": "append", "cursorField": ["id"]}


@pytest.fixture
def crm(airbyte: AirbyteSimulator) -> SimulatedSource:
    return airbyte.add_source("crm", [ORDERS, SimulatedStream(USERS, namespace="audit")])


@pytest.fixture
def to_warehouse(airbyte: AirbyteSimulator, crm: SimulatedSource) -> dict[str, str]:
    """What a new connection needs in either API."""
    destination = airbyte.add_destination("warehouse")
    return {"sourceId": crm.source_id, "destinationId": destination.destination_id}


def modes(connection: SimulatedConnection) -> dict[str, tuple[bool, str, str]]:
    return {
        each.name: (each.selected, each.sync_mode, each.writes_as) for each in connection.streams
    }


def test_a_new_connection_overwrites_all_streams_and_is_named_after_both_ends(
    airbyte: AirbyteSimulator, client: Client, to_warehouse: dict[str, str]
) -> None:
    made = client.post("/connections", to_warehouse).json()
    assert made["name"] == "crm <> warehouse"
    assert (made["status"], made["namespaceDefinition"]) == ("active", "destination")
    (connection,) = airbyte.connections
    assert connection.connection_id == made["connectionId"]
    assert modes(connection) == dict.fromkeys((ORDERS, USERS), OVERWRITTEN)
    assert client.get(f"/connections/{made['connectionId']}").json() == made


def test_a_connection_that_was_made_syncs(
    airbyte: AirbyteSimulator, client: Client, to_warehouse: dict[str, str]
) -> None:
    made = client.post("/connections", {**to_warehouse, "name": "shop"}).json()
    client.post("/jobs", {"connectionId": made["connectionId"], "jobType": "sync"})
    airbyte.advance(60)
    (job,) = airbyte.jobs
    assert (job.status, job.rows) == ("succeeded", 20)


def test_only_streams_that_are_configured_are_selected(
    airbyte: AirbyteSimulator, client: Client, to_warehouse: dict[str, str]
) -> None:
    stream = {"name": USERS, "syncMode": "incremental_append", "cursorField": ["id"]}
    body = {**to_warehouse, "configurations": {"streams": [stream]}}
    assert client.post("/connections", body).status_code == 200
    (connection,) = airbyte.connections
    assert modes(connection)[USERS] == (True, "incremental", "append")
    assert not modes(connection)[ORDERS][0]


def test_a_patch_leaves_what_it_does_not_name(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    before = shop.streams
    patch = {"name": "store", "prefix": "raw_", "status": "inactive"}
    answer = client.patch(f"/connections/{shop.connection_id}", patch).json()
    assert {key: answer[key] for key in patch} == patch
    assert (shop.streams, shop.schedule.type) == (before, "manual")


@pytest.mark.parametrize(
    ("stream", "why"),
    [
        ({"name": "nothing"}, "Invalid stream found"),
        ({"name": ORDERS, "syncMode": "incremental_append"}, "No default cursor field"),
        (
            {
                "name": ORDERS,
                "syncMode": "incremental_deduped_history",
                "cursorField": ["id"],
            },
            "No default primary key",
        ),
        ({"name": ORDERS, "selectedFields": []}, "No fields selected"),
    ],
)
def test_streams_that_cannot_be_are_refused(
    shop: SimulatedConnection, client: Client, stream: dict[str, Any], why: str
) -> None:
    body = {"configurations": {"streams": [stream]}}
    answer = client.patch(f"/connections/{shop.connection_id}", body)
    assert answer.status_code == 400
    assert why in answer.json()["data"]["message"]


def test_a_deleted_connection_is_listed_no_more_and_its_sync_is_cancelled(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    job = airbyte.start_sync(shop)
    answer = client.delete(f"/connections/{shop.connection_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (job.status, shop.status) == ("cancelled", "deprecated")
    assert client.get("/connections").json()["data"] == []


def test_the_public_api_makes_renames_and_deletes_a_workspace(
    airbyte: AirbyteSimulator, client: Client
) -> None:
    made = client.post("/workspaces", {"name": "finance"}).json()
    path = f"/workspaces/{made['workspaceId']}"
    assert client.patch(path, {"name": "money"}).json()["name"] == "money"
    assert client.get(path).json()["name"] == "money"
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert [each.is_deleted for each in airbyte.workspaces] == [False, True]


def test_a_connection_is_made_with_its_catalog(
    airbyte: AirbyteSimulator, ask: Callable[..., Any], to_warehouse: dict[str, str]
) -> None:
    catalog = {"streams": [in_catalog(ORDERS, **INCREMENTAL)]}
    made = ask("/connections/create", **to_warehouse, status="active", syncCatalog=catalog)
    (connection,) = airbyte.connections
    assert (connection.name, connection.namespace_definition) == ("crm <> warehouse", "source")
    assert modes(connection)[ORDERS] == (True, "incremental", "append")
    assert not modes(connection)[USERS][0]
    assert ask("/connections/get", connectionId=made["connectionId"]) == made


def test_an_update_takes_a_catalog_as_it_was_read(
    shop: SimulatedConnection, ask: Callable[..., Any]
) -> None:
    before = {each.key: each for each in shop.streams}
    read = ask("/connections/get", connectionId=shop.connection_id)
    updated = ask(
        "/connections/update", connectionId=shop.connection_id, syncCatalog=read["syncCatalog"]
    )
    assert updated == read
    assert {each.key: (each.selected, each.rows) for each in shop.streams} == {
        key: (each.selected, each.rows) for key, each in before.items()
    }


@pytest.mark.parametrize("path", ["/connections/update", "/web_backend/connections/update"])
def test_an_update_changes_what_it_names(
    shop: SimulatedConnection, ask: Callable[..., Any], path: str
) -> None:
    change = {"namespaceDefinition": "customformat", "namespaceFormat": "x", "name": "store"}
    answer = ask(path, connectionId=shop.connection_id, **change)
    assert {key: answer[key] for key in change} == change
    assert (shop.namespace_definition, shop.status) == ("custom_format", "active")


def test_the_configuration_api_deletes_a_connection(
    shop: SimulatedConnection, client: Client
) -> None:
    answer = client.configuration("/connections/delete", {"connectionId": shop.connection_id})
    assert (answer.status_code, shop.status) == (204, "deprecated")


def test_the_configuration_api_makes_renames_and_deletes_a_workspace(
    airbyte: AirbyteSimulator, client: Client, ask: Callable[..., Any]
) -> None:
    made = ask("/workspaces/create", name="finance", organizationId=airbyte.workspace_id)
    one = {"workspaceId": made["workspaceId"]}
    assert ask("/workspaces/update_name", **one, name="money")["name"] == "money"
    assert ask("/workspaces/update", **one)["name"] == "money"
    assert client.configuration("/workspaces/delete", one).status_code == 204
    assert airbyte.workspaces[-1].is_deleted


@pytest.mark.parametrize(
    "write",
    [
        lambda c, s: c.post("/workspaces", {"name": "x"}),
        lambda c, s: c.patch(f"/connections/{s.connection_id}", {"name": "x"}),
        lambda c, s: c.delete(f"/connections/{s.connection_id}"),
        lambda c, s: c.delete(f"/workspaces/{s.workspace_id}"),
        lambda c, s: c.configuration("/connections/update", of(s)),
        lambda c, s: c.configuration("/connections/delete", of(s)),
        lambda c, s: c.configuration("/workspaces/update", {"workspaceId": s.workspace_id}),
    ],
)
def test_who_may_only_sync_writes_nothing(
    write: Callable[[Client, SimulatedConnection], requests.Response],
) -> None:
    with AirbyteSimulator(editor=False) as airbyte:
        shop = airbyte.add_connection("shop")
        assert write(Client(airbyte), shop).status_code == 403
        assert (shop.name, shop.status) == ("shop", "active")


@pytest.mark.parametrize(("version", "status"), [("2.0.0", 200), ("2.1.0", 409)])
def test_a_locked_connection_is_changed_no_more_since_2_1(version: str, status: int) -> None:
    with AirbyteSimulator(version=version) as airbyte:
        shop = airbyte.add_connection("shop", status="locked")
        client = Client(airbyte)
        patched = client.patch(f"/connections/{shop.connection_id}", {"name": "a"})
        updated = client.configuration("/connections/update", {**of(shop), "name": "b"})
        assert (patched.status_code, updated.status_code) == (status, status)


def of(connection: SimulatedConnection) -> dict[str, str]:
    return {"connectionId": connection.connection_id}


def in_catalog(name: str, **config: object) -> dict[str, object]:
    return {"stream": {"name": name}, "config": {"selected": True, **config}}
