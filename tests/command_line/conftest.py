"""Somebody at a terminal whose Dagster is the instance of the test."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.commands import User, user_of
from helpers.dagster_private import SensorDaemon, sensor_daemon
from helpers.variables import variables


@pytest.fixture
def user(
    airbyte: AirbyteSimulator,
    instance: dg.DagsterInstance,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[User]:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with user_of(airbyte, tmp_path, monkeypatch) as user:
        yield user


@pytest.fixture
def daemon(
    module: str, airbyte: AirbyteSimulator, instance: dg.DagsterInstance, tmp_path: Path
) -> Iterator[SensorDaemon]:
    """Of the definitions in the test's own `module`."""
    environ = variables(airbyte.workspace_config())
    with sensor_daemon(instance, tmp_path / f"{module}.py", environ) as daemon:
        yield daemon
