"""The code in the README runs as it is printed."""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml

from dagster_airbyte_sync import AirbyteWorkspaceComponent
from dagster_airbyte_sync.cli import main
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.component_yaml import load_yaml
from helpers.variables import variables

README = Path(__file__).parents[2] / "README.md"
EVERY_SAMPLE = re.findall(r"^```python\n(.*?)^```$", README.read_text(), flags=re.S | re.M)
# One loads from a file that a command must write first.
[FROM_SNAPSHOT] = [sample for sample in EVERY_SAMPLE if "snapshot=" in sample]
SAMPLES = [sample for sample in EVERY_SAMPLE if sample != FROM_SNAPSHOT]
COMMANDS = re.findall(r"^\$ dagster-airbyte-sync (.*)$", README.read_text(), flags=re.M)


@pytest.fixture(autouse=True)
def airbyte(monkeypatch: pytest.MonkeyPatch) -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        airbyte.add_connection(
            "shop",
            streams=["orders", "users"],
            connection_id="e0d5c1a4-7f0c-4a52-8a4e-1f2b3c4d5e6f",
        )
        for prefix in ("AIRBYTE", "AIRBYTE_CLOUD"):
            for name, value in variables(airbyte.workspace_config(), prefix).items():
                monkeypatch.setenv(name, value)
        yield airbyte


def test_the_component_in_yaml_loads(tmp_path: Path) -> None:
    (written,) = re.findall(r"^```yaml\n(.*?)^```$", README.read_text(), flags=re.S | re.M)
    document = yaml.safe_load(written)
    assert document["type"] == "dagster_airbyte_sync.AirbyteWorkspaceComponent"
    attributes = yaml.safe_dump(document["attributes"])
    loaded = load_yaml(AirbyteWorkspaceComponent, attributes, tmp_path / "state")
    assert loaded.keys == {"orders", "users"}
    assert loaded.spec("orders").group_name == "shop"
    assert set(loaded.schedules) == {"airbyte_sync_schedule"}


def test_there_are_samples() -> None:
    assert len(SAMPLES) == 6


@pytest.mark.parametrize("sample", SAMPLES, ids=range(len(SAMPLES)))
def test_a_sample_runs(sample: str) -> None:
    names: dict[str, object] = {"__name__": "sample"}
    exec(compile(sample, "README.md", "exec"), names)

    defs = names.get("defs")
    if isinstance(defs, dg.Definitions):
        dg.Definitions.validate_loadable(defs)
        assert any("orders" in key.path for key in defs.resolve_all_asset_keys())


@pytest.fixture
def my_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The module of that sample, in a package in the working folder."""
    module = tmp_path / "my_project" / "definitions.py"
    module.parent.mkdir()
    module.write_text(FROM_SNAPSHOT)
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").touch()
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield module
    for name in ("my_project.definitions", "my_project"):
        sys.modules.pop(name, None)


def test_the_commands_run_and_one_writes_what_its_sample_loads(
    my_project: Path, airbyte: AirbyteSimulator
) -> None:
    named = [command.split()[0] for command in COMMANDS]
    assert named == ["snapshot", "check", "take-over", "backfill", "status"]
    assert [main(shlex.split(command)) for command in COMMANDS] == [0] * len(named)

    airbyte.stop()
    names: dict[str, object] = {"__file__": str(my_project)}
    exec(compile(FROM_SNAPSHOT, "README.md", "exec"), names)
    defs = names["defs"]
    assert isinstance(defs, dg.Definitions)
    assert dg.AssetKey("orders") in defs.resolve_all_asset_keys()
