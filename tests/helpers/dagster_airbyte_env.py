"""The real dagster-airbyte, to compare with.

It pins one version of Dagster, so it lives in an environment of its own, which `make test` sets up:
DAGSTER_AIRBYTE_PYTHON is the path of that environment's Python.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import cachetools
import pytest

import dagster_airbyte_sync
from helpers import described_assets
from helpers.variables import variables

PYTHON = os.environ.get("DAGSTER_AIRBYTE_PYTHON")

needs_dagster_airbyte = pytest.mark.skipif(
    not PYTHON, reason="DAGSTER_AIRBYTE_PYTHON does not name a Python with dagster-airbyte"
)


def described_by_dagster_airbyte(settings: Mapping[str, object]) -> described_assets.Described:
    """What dagster-airbyte makes of a workspace."""
    return said_there(described_assets.__file__, "dagster_airbyte", json.dumps(settings))


def handed_over_by_dagster_airbyte(
    settings: Mapping[str, object], folder: Path
) -> described_assets.Described:
    """What this package makes of dagster-airbyte's own objects. The folder is for what it needs."""
    return _said_by("handed_over.py", settings, folder)


def half_moved_by_dagster_airbyte(
    settings: Mapping[str, object], folder: Path
) -> described_assets.Described:
    """What comes of dagster-airbyte's assets with our sensor. The folder is for what it needs."""
    return _said_by("half_moved.py", settings, folder)


def _said_by(
    program: str, settings: Mapping[str, object], folder: Path
) -> described_assets.Described:
    helpers = Path(__file__).parent
    sources = [Path(str(package.__file__)).parent for package in (cachetools, dagster_airbyte_sync)]
    for source in (*sources, helpers):
        (folder / source.name).symlink_to(source)
    environ = {**variables(settings), "PYTHONPATH": str(folder)}
    return said_there(str(helpers / program), environ=environ)


def said_there(
    program: str, *arguments: str, environ: Mapping[str, str] | None = None
) -> described_assets.Described:
    """The JSON in the last line that a program prints in that environment."""
    assert PYTHON
    done = subprocess.run(
        [PYTHON, "-W", "ignore", program, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **(environ or {})},
    )
    assert done.returncode == 0, done.stderr
    said: described_assets.Described = json.loads(done.stdout.splitlines()[-1])
    return said
