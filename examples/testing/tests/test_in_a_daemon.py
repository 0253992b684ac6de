import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock

PROJECT = Path(__file__).parents[1]


@pytest.fixture
def airbyte_simulator_options() -> Mapping[str, object]:
    """A daemon goes by the real time, and so does this Airbyte."""
    return {"clock": RealClock()}


@pytest.fixture
def daemon(
    airbyte_simulator: AirbyteSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Dagster's daemon over `code_location.py`, which reads where Airbyte is from variables."""
    airbyte_simulator.add_connection("shop", ["orders"])
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    for name, value in airbyte_simulator.variables().items():
        monkeypatch.setenv(name, value)
    program = Path(sys.executable).with_name("dagster-daemon")
    with subprocess.Popen([program, "run", "-f", "code_location.py"], cwd=PROJECT) as process:
        yield
        process.terminate()


@pytest.mark.usefixtures("daemon")
def test_the_daemon_reports_a_sync_that_airbyte_starts(airbyte_simulator: AirbyteSimulator) -> None:
    airbyte_simulator.run_sync(airbyte_simulator.connection("shop"))
    with dg.DagsterInstance.get() as instance:
        deadline = time.monotonic() + 120
        while not instance.get_latest_materialization_event(dg.AssetKey(["shop", "orders"])):
            assert time.monotonic() < deadline, "Nothing was reported"
            time.sleep(0.5)
