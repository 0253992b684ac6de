"""How far connections have been read, as clients of the Configuration API see and change it."""

from collections.abc import Callable
from typing import Any

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.simulated import Client

USERS = {"name": "users", "namespace": "audit"}


@pytest.fixture
def state(shop: SimulatedConnection, ask: Callable[..., Any]) -> Callable[[], Any]:
    return lambda: ask("/state/get", connectionId=shop.connection_id)


def test_a_sync_leaves_a_state_of_its_incremental_streams(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, state: Callable[[], Any]
) -> None:
    assert state() == {"stateType": "not_set", "connectionId": shop.connection_id}
    airbyte.run_sync(shop)
    (of_users,) = state()["streamState"]
    assert of_users["streamDescriptor"] == USERS
    assert of_users["streamState"] == {"cursor": "2026-08-01T01:30Z"}


def test_a_sync_that_fails_leaves_it_and_a_clear_takes_it_away(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, state: Callable[[], Any]
) -> None:
    airbyte.run_sync(shop)
    before = state()
    airbyte.advance(60)
    airbyte.fail(airbyte.start_sync(shop), rows=1)
    assert state() == before
    airbyte.run_clear(shop)
    assert state()["stateType"] == "not_set"


def test_a_client_writes_it_but_not_safely_while_a_sync_runs(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client, state: Callable[[], Any]
) -> None:
    of_users = {"streamDescriptor": USERS, "streamState": {"cursor": "yesterday"}}
    of_connection = {"connectionId": shop.connection_id}
    written = {**of_connection, "stateType": "stream", "streamState": [of_users]}
    body = {**of_connection, "connectionState": written}
    assert client.configuration("/state/create_or_update_safe", body).json() == written
    assert state() == written
    airbyte.start_sync(shop)
    assert client.configuration("/state/create_or_update_safe", body).status_code == 423
    assert client.configuration("/state/create_or_update", body).status_code == 200
