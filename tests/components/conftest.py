"""Components as users write them: YAML text in, definitions out."""

import textwrap
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspaceComponent
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.component_yaml import Load, Loaded, load_yaml
from helpers.variables import variables


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    noon = {"cron": "0 0 12 * * ?", "timezone": "UTC"}
    with AirbyteSimulator() as airbyte:
        airbyte.add_connection("shop", streams=["orders", "users"], schedule=noon, tags=["prod"])
        airbyte.add_connection("crm", streams=["contacts"])
        yield airbyte


@pytest.fixture
def environ(airbyte: AirbyteSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables(airbyte.workspace_config()).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def load(environ: None, tmp_path: Path) -> Load:
    """Loads a component with these attributes besides `workspace`, after a refresh."""

    def load(
        attributes: str = "",
        component: type[AirbyteWorkspaceComponent] | None = None,
        **scope: object,
    ) -> Loaded:
        kind = component or AirbyteWorkspaceComponent
        return load_yaml(kind, textwrap.dedent(attributes), tmp_path / "state", scope)

    return load


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance
