"""examples/testing: tests of a pipeline, as docs/guides/testing.md shows them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.checkout import ROOT

EXAMPLE = ROOT / "examples" / "testing"
FILES = sorted(path.name for path in (EXAMPLE / "tests").glob("test_*.py"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy, outside of this checkout and its settings of pytest."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "project"))


def test_there_is_one_of_each_kind() -> None:
    kinds = ["failures", "in_a_daemon", "syncs", "tables", "time"]
    assert [f"test_{kind}.py" for kind in kinds] == FILES


def test_they_pass(project: Path) -> None:
    # The plugin is named for an environment that was made before there was one.
    command = [sys.executable, "-m", "pytest", "-p", "dagster_airbyte_sync_pytest", "-v"]
    sources = os.environ.get("PYTHONPATH", "")
    paths = os.pathsep.join(filter(None, [sources, str(ROOT / "src")]))
    environ = {**os.environ, "PYTHONPATH": paths, "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    done = subprocess.run(
        command, cwd=project, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(f"tests/{name}::" in done.stdout for name in FILES)
