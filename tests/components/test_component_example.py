"""examples/component, as a user loads it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from dagster_airbyte_sync import AirbyteWorkspaceComponent
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.checkout import ROOT
from helpers.component_yaml import read_yaml

_LOAD = """
from pathlib import Path
import dagster as dg
defs = dg.ComponentTree.for_project(Path.cwd()).build_defs()
dg.Definitions.validate_loadable(defs)
repository = defs.get_repository_def()
print(*sorted(key.to_user_string() for key in repository.assets_defs_by_key))
print(*[each.name for each in (*repository.sensor_defs, *repository.schedule_defs)])
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    copy = tmp_path / "component"
    shutil.copytree(ROOT / "examples" / "component", copy)
    return copy


@pytest.fixture
def refreshed(project: Path, airbyte: AirbyteSimulator, environ: None) -> None:
    """As `dg utils refresh-defs-state` does it."""
    written = (project / "src/shop/defs/airbyte/defs.yaml").read_text()
    attributes = yaml.safe_dump(yaml.safe_load(written)["attributes"])
    name = "AirbyteWorkspaceComponent__AIRBYTE_WORKSPACE_ID__"
    state = project / "src/shop/defs/.local_defs_state" / name / "state"
    state.parent.mkdir(parents=True)
    airbyte.update_connection(airbyte.connection("shop"), tags=["dagster"])
    read_yaml(AirbyteWorkspaceComponent, attributes).write_state_to_path(state)


def load(project: Path) -> "subprocess.CompletedProcess[str]":
    environ = {k: v for k, v in os.environ.items() if not k.startswith("AIRBYTE_")}
    return subprocess.run(
        [sys.executable, "-c", _LOAD],
        cwd=project,
        env={**environ, "PYTHONPATH": str(project / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.usefixtures("refreshed")
def test_it_loads_from_its_state_without_airbyte_and_its_variables(
    project: Path, airbyte: AirbyteSimulator
) -> None:
    airbyte.stop()
    loaded = load(project)
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.splitlines() == [
        "daily_revenue orders users",
        "airbyte_sync_sensor airbyte_sync_schedule",
    ]


def test_before_its_first_refresh_it_says_what_to_do(project: Path) -> None:
    loaded = load(project)
    assert loaded.returncode != 0
    assert "dg utils refresh-defs-state" in loaded.stderr


@pytest.mark.usefixtures("refreshed")
def test_what_was_taken_over_is_read_from_beside_the_yaml(project: Path) -> None:
    folder = project / "src/shop/defs/airbyte"
    (folder / "taken.jsonl").write_text("# on Monday\nnonsense\n")
    written = (folder / "defs.yaml").read_text()
    (folder / "defs.yaml").write_text(
        written.replace("  freshness: true\n", "  freshness: true\n  taken_over: taken.jsonl\n")
    )
    loaded = load(project)
    assert loaded.returncode != 0
    assert "Line 2 was not printed by take_over_schedules" in loaded.stderr
