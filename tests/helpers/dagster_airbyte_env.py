"""The real dagster-airbyte, to compare with.

It pins one version of Dagster, so it lives in an environment of its own, which `make test` sets up:
DAGSTER_AIRBYTE_PYTHON is the path of that environment's Python.
"""

import json
import os
import subprocess
from collections.abc import Mapping

import pytest

from helpers import described_assets

PYTHON = os.environ.get("DAGSTER_AIRBYTE_PYTHON")

needs_dagster_airbyte = pytest.mark.skipif(
    not PYTHON, reason="DAGSTER_AIRBYTE_PYTHON does not name a Python with dagster-airbyte"
)


def described_by_dagster_airbyte(settings: Mapping[str, object]) -> described_assets.Described:
    """What dagster-airbyte makes of a workspace."""
    assert PYTHON
    program = [
        PYTHON,
        "-W",
        "ignore",
        described_assets.__file__,
        "dagster_airbyte",
        json.dumps(settings),
    ]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    described: described_assets.Described = json.loads(done.stdout.splitlines()[-1])
    return described
