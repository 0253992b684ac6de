"""Five connections, the oldest first, and a start job of all of them with two places."""

import uuid

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.queued import Queued, queued

NAMES = ["a", "b", "c", "d", "e"]


@pytest.fixture(autouse=True)
def _connections(airbyte: AirbyteSimulator) -> None:
    for place, name in enumerate(NAMES):
        airbyte.add_connection(
            name, streams=[f"{name}_rows"], connection_id=str(uuid.UUID(int=place + 1))
        )


@pytest.fixture(autouse=True)
def _back_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs wait in real time, and see in which state the one before left Airbyte."""
    monkeypatch.setattr("dagster_airbyte_sync.resources.access.steadiness._SAME_FOR", 0.0)


@pytest.fixture
def queue(_connections: None, airbyte: AirbyteSimulator, instance: dg.DagsterInstance) -> Queued:
    return queued(airbyte, instance, max_running=2)
