"""Tags of workspaces, and the connections that have them."""

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.simulated import Client

RED = "FF0000"


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", tags=["nightly"])


@pytest.mark.usefixtures("shop")
def test_what_a_test_calls_a_connection_is_a_tag(client: Client) -> None:
    listed = client.get("/connections").json()["data"][0]["tags"]
    (tag,) = client.get("/tags").json()["data"]
    assert [tag] == listed
    assert tag["name"] == "nightly"
    assert client.get(f"/tags/{tag['tagId']}").json() == tag


def test_a_tag_is_made_and_given_to_a_connection(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    body = {"name": "finance", "color": RED, "workspaceId": airbyte.workspace_id}
    made = client.post("/tags", body).json()
    client.patch(f"/connections/{shop.connection_id}", {"tags": [made]})
    assert shop.tags == ("finance",)
    asked = f"/connections?tagIds={made['tagId']}"
    assert [row["name"] for row in client.get(asked).json()["data"]] == ["shop"]


def test_a_tag_that_is_renamed_stays_the_connection_s(
    shop: SimulatedConnection, client: Client
) -> None:
    (tag,) = client.get("/tags").json()["data"]
    renamed = client.patch(f"/tags/{tag['tagId']}", {"name": "hourly", "color": RED}).json()
    assert renamed == {**tag, "name": "hourly", "color": RED}
    assert client.get("/connections").json()["data"][0]["tags"] == [renamed]
    assert shop.tags == ("hourly",)


def test_a_deleted_tag_is_no_connection_s(shop: SimulatedConnection, client: Client) -> None:
    (tag,) = client.get("/tags").json()["data"]
    assert client.delete(f"/tags/{tag['tagId']}").status_code == 204
    assert (client.get("/tags").json()["data"], shop.tags) == ([], ())


@pytest.mark.parametrize(
    ("name", "color", "status"),
    [("nightly", RED, 409), ("x" * 31, RED, 400), ("finance", "red", 400)],
)
@pytest.mark.usefixtures("shop")
def test_what_airbyte_refuses(
    airbyte: AirbyteSimulator, client: Client, name: str, color: str, status: int
) -> None:
    body = {"name": name, "color": color, "workspaceId": airbyte.workspace_id}
    assert client.post("/tags", body).status_code == status


def test_there_are_none_before_1_6() -> None:
    with AirbyteSimulator(version="1.5.1") as airbyte:
        assert Client(airbyte).get("/tags").status_code == 404
