"""A wide connection, reported on PostgreSQL by the real daemon at default settings.

`WIDE_TABLES` (default 300) is how many tables it has; `make test-deep` tries 2,000.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.tables.keys import JOB_ID, int_in
from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock, SimulatedStream
from helpers.kill_databases import postgres
from helpers.kill_group import ProcessGroup, process_group
from helpers.waiting import wait_until

TABLES = [f"t{number:04}" for number in range(int(os.environ.get("WIDE_TABLES", "300")))]
SENSOR = "airbyte_sync_sensor"
LONGEST = 420.0
# Dagster's own limit for the tick of a sensor, in seconds.
DAEMONS_LIMIT = 60.0

# Runs of this test need no queue of their own; all else is what Dagster does by itself.
_SETTINGS = """\
telemetry:
  enabled: false
nux:
  enabled: false
storage:
  postgres:
    postgres_url: "{url}"
"""
_WORKSPACE = """\
load_from:
  - python_file: "{location}"
"""


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    columns = {f"column_{number}": {"type": ["null", "string"]} for number in range(10)}
    schema = {"type": "object", "properties": columns}
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        airbyte.add_connection("wide", [SimulatedStream(t, json_schema=schema) for t in TABLES])  # type: ignore[arg-type]
        yield airbyte


@pytest.fixture
def group() -> Iterator[ProcessGroup]:
    with process_group() as group:
        yield group


@pytest.fixture
def instance(
    airbyte: AirbyteSimulator, group: ProcessGroup, tmp_path: Path
) -> Iterator[dg.DagsterInstance]:
    """Of a daemon that runs, and starts its code server by itself."""
    home = tmp_path / "home"
    home.mkdir()
    location = Path(__file__).with_name("wide_location.py")
    with postgres(group) as url:
        (home / "dagster.yaml").write_text(_SETTINGS.format(url=url))
        (home / "workspace.yaml").write_text(_WORKSPACE.format(location=location))
        command = ["dagster-daemon", "run", "-w", str(home / "workspace.yaml")]
        group.start(command, home / "daemon.log", environ(airbyte, home))
        with dg.DagsterInstance.from_config(str(home)) as instance:
            yield instance


def environ(airbyte: AirbyteSimulator, home: Path) -> dict[str, str]:
    return {
        "AIRBYTE_REST_API": airbyte.rest_api_base_url,
        "AIRBYTE_CONFIGURATION_API": airbyte.configuration_api_base_url,
        "AIRBYTE_WORKSPACE_ID": airbyte.workspace_id,
        "AIRBYTE_CLIENT_ID": airbyte.client_id,
        "AIRBYTE_CLIENT_SECRET": airbyte.client_secret,
        "FOLLOWED_TABLES": f"{TABLES[0]} {TABLES[-1]}",
        "DAGSTER_HOME": str(home),
        "TMPDIR": str(home),
    }


def ticks(instance: dg.DagsterInstance) -> list[tuple[str, float, str]]:
    """Status, seconds and skip reason of each tick, the oldest first."""
    states = instance.all_instigator_state()
    state = next((each for each in states if each.instigator_name == SENSOR), None)
    found = instance.get_ticks(state.instigator_origin_id, state.selector_id) if state else []
    return [
        (
            tick.status.value,
            (tick.end_timestamp or time.time()) - tick.timestamp,
            tick.skip_reason or "",
        )
        for tick in reversed(found)
    ]


def jobs_reported(instance: dg.DagsterInstance) -> dict[str, list[int | None]]:
    return {
        name: [
            int_in(record.asset_materialization.metadata, JOB_ID)
            for record in instance.fetch_materializations(dg.AssetKey(name), limit=9).records
            if record.asset_materialization
        ]
        for name in TABLES
    }


# One after the other with those that start a whole deployment as well.
@pytest.mark.xdist_group("kill")
def test_its_tables_are_reported_once_and_followed_once(
    airbyte: AirbyteSimulator,
    instance: dg.DagsterInstance,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    def last_words() -> str:
        return (tmp_path / "home" / "daemon.log").read_text(errors="replace")[-3000:]

    wait_for = partial(wait_until, seconds=LONGEST, every=0.5, evidence=last_words)
    wait_for(lambda: bool(ticks(instance)), "a tick")
    begun, before = time.monotonic(), len(ticks(instance))
    job = airbyte.run_sync(airbyte.connections[0], rows=1)
    last = dg.AssetKey(TABLES[-1])

    wait_for(
        lambda: instance.get_latest_materialization_event(last) is not None,
        "its last table's event",
    )
    seconds = time.monotonic() - begun
    wait_for(lambda: has_succeeded(instance), "a run that succeeded")
    wait_for(lambda: ticks(instance)[-1][2].startswith("Nothing new"), "a tick without news")

    made = ticks(instance)[before:]
    busy = [each for each in made if not each[2].startswith("Nothing new")]
    longest = max(taken for _, taken, _ in made)
    record_property(
        "measured",
        f"{len(TABLES):,} tables on PostgreSQL by the real daemon: {seconds:.0f} s in {len(busy)}"
        f" ticks, the longest {longest:.1f} s",
    )
    assert jobs_reported(instance) == {name: [job.job_id] for name in TABLES}
    assert Counter(status for status, _, _ in made)["FAILURE"] == 0
    assert longest < DAEMONS_LIMIT
    assert len(instance.get_runs()) == 1


def has_succeeded(instance: dg.DagsterInstance) -> bool:
    return any(run.is_success for run in instance.get_runs())
