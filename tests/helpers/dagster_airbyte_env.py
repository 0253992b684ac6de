"""The real dagster-airbyte, to compare with, and dagster-dbt.

They pin one version of Dagster, so they live in an environment of their own, which `make test` sets
up: DAGSTER_AIRBYTE_PYTHON is the path of that environment's Python.
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
from helpers.variables import environ_with, variables

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
    (folder / helpers.name).symlink_to(helpers)
    environ = {**variables(settings), **importable_there(folder)}
    return said_there(str(helpers / program), environ=environ)


def importable_there(folder: Path) -> dict[str, str]:
    """The variable by which that Python finds this package, and what it needs, in the folder."""
    for package in (cachetools, dagster_airbyte_sync):
        source = Path(str(package.__file__)).parent
        (folder / source.name).symlink_to(source)
    return {"PYTHONPATH": str(folder)}


def is_there(module: str) -> bool:
    """Whether that environment has a module."""
    look = "import importlib.util as u, sys; sys.exit(u.find_spec(sys.argv[1]) is None)"
    return bool(PYTHON) and not subprocess.run([str(PYTHON), "-c", look, module]).returncode


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
        env=dict(os.environ) if environ is None else environ_with(environ),
    )
    assert done.returncode == 0, done.stderr
    said: described_assets.Described = json.loads(done.stdout.splitlines()[-1])
    return said
