"""Connections, destinations, workspaces and streams of the public API."""

from datetime import timedelta

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection, SimulatedStream
from helpers.simulated import Client

UNKNOWN = "00000000-0000-0000-0000-000000000001"


def names(client: Client, query: str = "") -> list[str]:
    return [row["name"] for row in client.get(f"/connections?{query}").json()["data"]]


def test_a_connection_shows_its_selected_streams_without_schemas(
    shop: SimulatedConnection, client: Client
) -> None:
    found = client.get(f"/connections/{shop.connection_id}").json()
    streams = found["configurations"]["streams"]
    assert [(s["name"], s.get("namespace"), s["syncMode"]) for s in streams] == [
        ("orders", None, "full_refresh_overwrite"),
        ("users", "audit", "incremental_append"),
    ]
    assert all("jsonSchema" not in stream for stream in streams)


@pytest.mark.parametrize(
    ("version", "present", "absent"),
    [
        ("1.0.0", {"dataResidency"}, {"createdAt", "tags"}),
        ("1.5.0", {"dataResidency", "createdAt"}, {"tags"}),
        ("1.7.0", {"dataResidency", "createdAt", "tags"}, set()),
        ("1.8.0", {"createdAt", "tags"}, {"dataResidency"}),
        ("dev", {"createdAt", "tags"}, {"dataResidency"}),
    ],
)
def test_fields_come_and_go_with_the_version(
    version: str, present: set[str], absent: set[str]
) -> None:
    with AirbyteSimulator(version=version) as airbyte:
        shop = airbyte.add_connection("shop", [SimulatedStream("users", namespace="audit")])
        found = Client(airbyte).get(f"/connections/{shop.connection_id}").json()
    assert present <= found.keys()
    assert not absent & found.keys()
    [stream] = found["configurations"]["streams"]
    assert ("namespace" in stream) == (version in {"1.7.0", "1.8.0", "dev"})


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (None, {"scheduleType": "manual"}),
        (timedelta(days=1), {"scheduleType": "basic", "basicTiming": "Every 1 DAYS"}),
        (timedelta(minutes=90), {"scheduleType": "basic", "basicTiming": "Every 90 MINUTES"}),
        (
            {"cron": "0 0 12 * * ?", "timezone": "America/New_York"},
            {"scheduleType": "cron", "cronExpression": "0 0 12 * * ? America/New_York"},
        ),
    ],
)
def test_schedules(
    airbyte: AirbyteSimulator,
    client: Client,
    schedule: timedelta | dict[str, str] | None,
    expected: dict[str, str],
) -> None:
    connection = airbyte.add_connection("shop", schedule=schedule)
    found = client.get(f"/connections/{connection.connection_id}").json()
    assert found["schedule"] == expected


def test_deleted_connections_are_found_when_asked_for(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    airbyte.run_sync(shop)
    airbyte.delete_connection(shop)
    assert names(client) == []
    assert names(client, "includeDeleted=true") == ["shop"]
    one = client.get(f"/connections/{shop.connection_id}").json()
    assert one["status"] == "deprecated"
    assert len(client.jobs()) == 1


def test_pages_overlap_and_skip_until_a_listing_is_repeated(
    airbyte: AirbyteSimulator, client: Client
) -> None:
    for number in range(60):
        airbyte.add_connection(f"c{number}")

    def listing() -> list[str]:
        return [name for offset in (0, 20, 40) for name in names(client, f"offset={offset}")]

    seen, again = set(listing()), set(listing())
    assert len(listing()) == 60
    assert (len(seen), len(again)) == (42, 42)
    assert len(seen | again) < 60
    assert len(seen.union(*(listing() for _ in range(12)))) == 60


def test_pages_overlap_in_the_same_way_for_the_same_seed() -> None:
    def order(seed: int) -> list[str]:
        with AirbyteSimulator(seed=seed) as airbyte:
            for number in range(9):
                airbyte.add_connection(f"c{number}")
            return names(Client(airbyte))

    assert order(1) == order(1) != order(2)


def test_a_test_may_ask_for_a_stable_order() -> None:
    with AirbyteSimulator(stable_paging=True) as airbyte:
        for number in range(9):
            airbyte.add_connection(f"c{number}")
        client = Client(airbyte)
        pages = [names(client, f"limit=3&offset={offset}") for offset in (0, 3, 6)]
        assert [*pages[0], *pages[1], *pages[2]] == [f"c{number}" for number in range(9)]


def test_twenty_at_a_time(airbyte: AirbyteSimulator, client: Client) -> None:
    for number in range(25):
        airbyte.add_connection(f"c{number}")
        airbyte.add_destination(f"d{number}")
    assert len(names(client)) == 20
    assert len(client.get("/destinations").json()["data"]) == 20


def test_connections_by_tag(airbyte: AirbyteSimulator, client: Client) -> None:
    airbyte.add_connection("plain")
    tagged = airbyte.add_connection("tagged", tags=["nightly"])
    [tag] = client.get(f"/connections/{tagged.connection_id}").json()["tags"]
    assert tag["name"] == "nightly"
    assert names(client, f"tagIds={tag['tagId']}") == ["tagged"]


def test_a_destination(airbyte: AirbyteSimulator, client: Client) -> None:
    configuration = {"dataset_id": "dw", "project_id": "acme"}
    added = airbyte.add_destination("dw", type="bigquery", configuration=configuration)
    custom = airbyte.add_destination("mine", type="")
    found = client.get(f"/destinations/{added.destination_id}").json()
    assert (found["destinationType"], found["configuration"]) == ("bigquery", configuration)
    assert client.get(f"/destinations/{custom.destination_id}").json()["destinationType"] == ""


def test_streams_have_paths_and_no_types(airbyte: AirbyteSimulator, client: Client) -> None:
    schema = {"properties": {"id": {"type": "integer"}, "at": {"type": "string"}}}
    stream = SimulatedStream("users", namespace="audit", json_schema=schema)
    shop = airbyte.add_connection("shop", [stream])
    [found] = client.get(f"/streams?sourceId={shop.source_id}").json()
    assert (found["streamName"], found["streamnamespace"]) == ("users", "audit")
    assert found["propertyFields"] == [["id"], ["at"]]


def test_health_is_a_text(client: Client) -> None:
    assert client.get("/health").text == "Successful operation"


@pytest.mark.parametrize("kind", ["connection", "destination", "workspace"])
def test_unknown_ids_are_not_found_for_an_administrator(client: Client, kind: str) -> None:
    answer = client.get(f"/{kind}s/{UNKNOWN}")
    assert (answer.status_code, answer.json()["title"]) == (404, "resource-not-found")
    assert answer.json()["data"] == {"resourceType": kind, "resourceId": UNKNOWN}
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("version", "keys"), [("2.1.0", {"errorId"}), ("1.8.0", {"status", "type", "title", "detail"})]
)
def test_a_malformed_id_is_an_unexpected_problem(version: str, keys: set[str]) -> None:
    with AirbyteSimulator(version=version) as airbyte:
        answer = Client(airbyte).get("/jobs?connectionId=shop")
    assert answer.status_code == 500
    assert answer.json().keys() == keys


def test_an_unknown_path_is_a_text_that_claims_to_be_json(client: Client) -> None:
    answer = client.get("/nothing")
    assert (answer.status_code, answer.text) == (404, "Object not found.")
    assert answer.headers["Content-Type"] == "application/json"


def test_connections_may_read_one_source(airbyte: AirbyteSimulator, client: Client) -> None:
    shop = airbyte.add_connection("shop")
    twin = airbyte.add_connection("twin", source_of=shop)
    other = airbyte.add_connection("other")

    listed = [row["sourceId"] for row in client.get("/sources").json()["data"]]

    assert twin.source_id == shop.source_id
    assert sorted(listed) == sorted({shop.source_id, other.source_id})
    airbyte.delete_connection(shop)
    assert shop.source_id in [row["sourceId"] for row in client.get("/sources").json()["data"]]
