"""The Configuration API: connections, destinations, workspaces and errors."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.simulated import Client

Ask = Callable[..., Any]


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


def test_a_connection_can_be_gone_without_a_trace(airbyte: AirbyteSimulator) -> None:
    shop, crm = (airbyte.add_connection(name) for name in ("shop", "crm"))
    jobs = [airbyte.run_sync(each) for each in (shop, crm)]
    airbyte.forget_connection(shop)
    client = Client(airbyte)
    body = {"connectionId": shop.connection_id}
    assert client.configuration("/connections/get", body).status_code == 404
    assert client.get(f"/connections/{shop.connection_id}").status_code == 404
    assert airbyte.connections == [crm]
    assert airbyte.jobs == jobs[1:]


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
