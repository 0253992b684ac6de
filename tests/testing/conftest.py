from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    SimulatedClock,
    SimulatedConnection,
    SimulatedStream,
)
from helpers.simulated import Client

START = datetime(2026, 8, 1, 1, 30, tzinfo=timezone.utc)


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(clock=SimulatedClock(START)) as airbyte:
        yield airbyte


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    """Two streams of which one has a namespace, and a third that is not selected."""
    users = SimulatedStream("users", namespace="audit", sync_mode="incremental", rows=5)
    hidden = SimulatedStream("hidden", selected=False)
    return airbyte.add_connection("shop", ["orders", users, hidden])


@pytest.fixture
def client(airbyte: AirbyteSimulator) -> Client:
    return Client(airbyte)


@pytest.fixture
def ask(client: Client) -> Callable[..., Any]:
    """Post a body to the Configuration API, get the JSON that is answered."""

    def ask(path: str, **body: object) -> Any:
        answer = client.configuration(path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask
