import time
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_definitions
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.deployment import Deployment
from helpers.simulated import clock_from_now


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(clock=clock_from_now()) as airbyte:
        yield airbyte


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def deploy(instance: dg.DagsterInstance) -> Callable[..., Deployment]:
    """Everything a simulated Airbyte has now, in a deployment that has not ticked yet.

    Settings of the workspace come by name, what is for the definitions in `definitions`.
    """

    def deploy(
        airbyte: AirbyteSimulator, *, definitions: dict[str, Any] | None = None, **settings: Any
    ) -> Deployment:
        usual = {"poll_interval": 0.02, "request_retry_delay": 0.01}
        workspace = AirbyteWorkspace(**airbyte.workspace_config(), **{**usual, **settings})
        defs = build_airbyte_definitions(workspace, checks=False, **(definitions or {}))
        return Deployment(airbyte, workspace, defs, instance)

    return deploy


@pytest.fixture
def local_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Puts this machine into a time zone, until the test is over."""

    def move(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()
