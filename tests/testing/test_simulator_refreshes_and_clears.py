"""Refreshes and clears as Airbyte does them: what it stores decides what the next job is."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.simulated import Client

REFRESH, CLEAR = "/connections/refresh", "/connections/clear"


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        yield airbyte


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=["orders", "users"], sync_seconds=60)


@pytest.fixture
def client(airbyte: AirbyteSimulator) -> Client:
    return Client(airbyte)


def refresh(
    client: Client, shop: SimulatedConnection, *names: str, mode: str = "Merge"
) -> dict[str, Any]:
    streams = [{"streamName": name} for name in names]
    body = {"connectionId": shop.connection_id, "refreshMode": mode, "streams": streams}
    found: dict[str, Any] = client.configuration(REFRESH, body).json()
    return found


def sync(client: Client, shop: SimulatedConnection) -> dict[str, Any]:
    body = {"connectionId": shop.connection_id, "jobType": "sync"}
    found: dict[str, Any] = client.post("/jobs", body).json()
    return found


def kinds(airbyte: AirbyteSimulator) -> list[tuple[str, str]]:
    return [(job.type, job.status) for job in airbyte.jobs]


def test_a_refresh_of_one_stream_syncs_the_others_along(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    assert refresh(client, shop, "users", mode="Truncate")["job"]["configType"] == "refresh"
    (job,) = airbyte.jobs
    assert [stream.name for stream in job.streams] == ["orders", "users"]
    assert (job.named, job.refresh_modes) == ((("users", None),), {("users", None): "Truncate"})


def test_a_refresh_beside_a_running_job_makes_a_refresh_of_the_next_sync(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    sync(client, shop)
    assert refresh(client, shop, "users", mode="Truncate") == {}
    # One that is stored already keeps its mode.
    assert refresh(client, shop) == {}
    airbyte.advance(60)
    assert sync(client, shop)["jobType"] == "refresh"
    airbyte.advance(60)
    assert sync(client, shop)["jobType"] == "sync"
    assert airbyte.jobs[1].refresh_modes == {("users", None): "Truncate", ("orders", None): "Merge"}


def test_a_schedule_starts_what_is_stored(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    airbyte.store_refresh(shop, ["orders"])
    airbyte.update_connection(shop, schedule=timedelta(hours=1))
    airbyte.advance(1)
    assert [(job.type, job.scheduled) for job in airbyte.jobs] == [("refresh", True)]


def test_a_destination_that_is_too_old_starts_and_stores_nothing(
    airbyte: AirbyteSimulator, client: Client
) -> None:
    old = airbyte.add_destination("old", supports_refreshes=False)
    shop = airbyte.add_connection("shop", destination=old)
    version = client.configuration(
        "/actor_definition_versions/get_for_destination", {"destinationId": old.destination_id}
    )
    assert version.json()["supportsRefreshes"] is False
    assert refresh(client, shop) == {}
    assert sync(client, shop)["jobType"] == "sync"


def test_a_clear_cancels_what_runs(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    sync(client, shop)
    body = {"connectionId": shop.connection_id, "streams": [{"streamName": "users"}]}
    assert client.configuration(f"{CLEAR}/stream", body).ok
    assert kinds(airbyte) == [("sync", "cancelled"), ("reset", "running")]
    assert airbyte.jobs[1].named == (("users", None),)


@pytest.mark.parametrize(("outcome", "next_is"), [("failed", "reset"), ("succeeded", "sync")])
def test_a_clear_that_fails_is_done_again_in_the_place_of_the_next_sync(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    client: Client,
    outcome: Any,
    next_is: str,
) -> None:
    airbyte.plan(shop, outcome=outcome)
    assert client.configuration(CLEAR, {"connectionId": shop.connection_id}).ok
    airbyte.advance(200)
    assert kinds(airbyte) == [("reset", outcome)]
    sync(client, shop)
    assert airbyte.jobs[1].type == next_is


def test_a_clear_that_is_stored_comes_before_a_refresh(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    airbyte.store_clear(shop, ["users"])
    body = {"connectionId": shop.connection_id, "refreshMode": "Merge"}
    assert client.configuration(REFRESH, body).status_code == 500
    airbyte.advance(200)
    sync(client, shop)
    assert [job.type for job in airbyte.jobs] == ["reset", "refresh"]


def test_a_refresh_of_a_paused_connection_waits_until_somebody_gives_up(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    airbyte.update_connection(shop, status="inactive")
    body = {"connectionId": shop.connection_id, "refreshMode": "Merge"}
    assert client.configuration(REFRESH, body).status_code == 504
    assert airbyte.jobs == []


def test_a_refresh_has_one_of_two_modes(shop: SimulatedConnection, client: Client) -> None:
    body = {"connectionId": shop.connection_id, "refreshMode": "Everything"}
    assert client.configuration(REFRESH, body).status_code == 400


def test_who_is_no_editor_clears_nothing(shop: SimulatedConnection) -> None:
    with AirbyteSimulator(editor=False) as airbyte:
        shop = airbyte.add_connection("shop")
        client = Client(airbyte)
        of_shop = {"connectionId": shop.connection_id}
        assert client.configuration(CLEAR, of_shop).status_code == 403
        assert client.post("/jobs", {**of_shop, "jobType": "clear"}).status_code == 403
        assert client.post("/jobs", {**of_shop, "jobType": "refresh"}).status_code == 422
        assert airbyte.jobs == []
        assert "job" in refresh(client, shop)
