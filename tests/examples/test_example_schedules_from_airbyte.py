"""examples/schedules_from_airbyte.py, as a user runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock, SimulatedConnection
from helpers.checkout import ROOT
from helpers.dagster_private import RUNS_AT_ONCE, scheduled_runs
from helpers.local_instance import local_instance

# Dagster itself reads it when it loads a location that has schedules.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Property .ScheduleDefinition.environment_vars:DeprecationWarning"
)

NOON = {"cron": "0 0 12 * * ?", "timezone": "UTC"}


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    """Its syncs end by themselves, a tenth of a second after their start."""
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        yield airbyte


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", ["orders", "users"], schedule=NOON, sync_seconds=0.1)


@pytest.fixture
def environ(airbyte: AirbyteSimulator) -> dict[str, str]:
    settings = {f"AIRBYTE_{k.upper()}": str(v) for k, v in airbyte.workspace_config().items()}
    return {**os.environ, **settings, "AIRBYTE_POLL_INTERVAL": "0.05"}


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A copy of its own for each test, as Dagster imports a file once for each module name."""
    copy = tmp_path / f"schedules_{tmp_path.name}.py"
    copy.write_text((ROOT / "examples" / "schedules_from_airbyte.py").read_text())
    return copy


@pytest.fixture
def instance(tmp_path: Path, empty_storage: Path) -> Iterator[dg.DagsterInstance]:
    with local_instance(tmp_path / "dagster", empty_storage, RUNS_AT_ONCE) as instance:
        yield instance


@pytest.fixture
def queueing(tmp_path: Path, empty_storage: Path) -> Iterator[dg.DagsterInstance]:
    """Runs wait in its queue: nothing takes them out."""
    with local_instance(tmp_path, empty_storage) as instance:
        yield instance


def call(example: Path, environ: dict[str, str], command: str) -> str:
    """As its first lines say, from its folder."""
    named = ("--workspace", f"{example.stem}:airbyte", "--file", "airbyte_schedules.jsonl", "--yes")
    done = subprocess.run(
        [sys.executable, "-m", "dagster_airbyte_sync", command, *named],
        cwd=example.parent,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_tick_of_its_schedule_syncs_the_connection_and_reports_its_tables(
    shop: SimulatedConnection,
    airbyte: AirbyteSimulator,
    example: Path,
    environ: dict[str, str],
    instance: dg.DagsterInstance,
) -> None:
    """Between now and this time tomorrow is one noon."""
    tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
    (run,) = scheduled_runs(instance, example, environ, tomorrow)
    assert run.status is dg.DagsterRunStatus.SUCCESS
    assert run.tags["dagster/schedule_name"] == schedule_of(shop)
    assert [job.status for job in airbyte.jobs] == ["succeeded"]
    reported = [
        instance.get_latest_materialization_event(dg.AssetKey([t])) for t in shop_tables(shop)
    ]
    assert [event.run_id for event in reported if event] == [run.run_id] * 2


def schedule_of(shop: SimulatedConnection) -> str:
    return f"airbyte_schedule_{shop.name}_{shop.connection_id[:8]}"


def shop_tables(shop: SimulatedConnection) -> list[str]:
    return [stream.name for stream in shop.streams]


def test_taken_over_it_fires_as_before_and_put_back_all_is_as_it_was(
    shop: SimulatedConnection,
    airbyte: AirbyteSimulator,
    example: Path,
    environ: dict[str, str],
    queueing: dg.DagsterInstance,
) -> None:
    before = shop.schedule
    assert "1 connection is manual in Airbyte now" in call(example, environ, "take-over")
    written = example.with_name("airbyte_schedules.jsonl").read_text()
    assert json.loads(written)["schedule"]["cron_expression"] == NOON["cron"]
    assert shop.schedule.type == "manual"

    tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
    (run,) = scheduled_runs(queueing, example, environ, tomorrow)
    assert run.tags["dagster/schedule_name"] == schedule_of(shop)

    assert "has its schedule again" in call(example, environ, "put-back")
    assert shop.schedule == before
