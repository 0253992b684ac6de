"""The code in the README runs as it is printed."""

import re
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator

README = Path(__file__).parents[2] / "README.md"
SAMPLES = re.findall(r"^```python\n(.*?)^```$", README.read_text(), flags=re.S | re.M)


@pytest.fixture(autouse=True)
def airbyte(monkeypatch: pytest.MonkeyPatch) -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        airbyte.add_connection(
            "shop",
            streams=["orders", "users"],
            connection_id="e0d5c1a4-7f0c-4a52-8a4e-1f2b3c4d5e6f",
        )
        for name, value in airbyte.workspace_config().items():
            monkeypatch.setenv(f"AIRBYTE_{name.upper()}", str(value))
            monkeypatch.setenv(f"AIRBYTE_CLOUD_{name.upper()}", str(value))
        yield airbyte


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
