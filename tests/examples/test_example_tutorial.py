"""examples/tutorial, as docs/tutorial.md has it written: an Airbyte in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dotenv import dotenv_values

from helpers.checkout import ROOT

FOLDER = ROOT / "examples" / "tutorial"


@pytest.fixture
def variables(tmp_path: Path) -> Iterator[dict[str, str]]:
    """What the first file has written into `.env`, while it runs."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", str(FOLDER / "airbyte.py")],
        cwd=tmp_path,
        env={**os.environ, "PORT": "0", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert "Airbyte answers at http://" in process.stdout.readline()
        yield {name: str(value) for name, value in dotenv_values(tmp_path / ".env").items()}
        process.send_signal(2)
        assert "Good-bye." in process.stdout.read()


def test_its_definitions_load_from_its_airbyte(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    names: dict[str, object] = {"__name__": "definitions"}
    exec((FOLDER / "definitions.py").read_text(), names)
    defs = names["defs"]
    assert isinstance(defs, dg.Definitions)
    dg.Definitions.validate_loadable(defs)
    found = {key.to_user_string() for key in defs.resolve_all_asset_keys()}
    assert found == {"orders", "customers", "leads", "accounts", "spend", "revenue"}
