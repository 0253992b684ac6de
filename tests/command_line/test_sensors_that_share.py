"""Where several sensors share the connections, commands are about all of them, or about one."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import dagster as dg
import pytest

from dagster_airbyte_sync import Shard
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedClock
from helpers.commands import User
from helpers.dagster_private import SensorDaemon, beat
from helpers.sharded import ids_of

Capture = pytest.CaptureFixture[str]

DEFINITIONS = "defs = build_airbyte_definitions(airbyte, checks=False, shards=2)"
ONE, TWO = SENSORS = [f"airbyte_sync_sensor_{number}_of_2" for number in (1, 2)]


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    clock = SimulatedClock(datetime.now(timezone.utc) - timedelta(days=3))
    with AirbyteSimulator(clock=clock) as airbyte:
        for number, connection_id in enumerate(ids_of(4)):
            airbyte.add_connection(f"c{number}", [f"t{number}"], connection_id=connection_id)
        yield airbyte


@pytest.fixture
def module(user: User) -> str:
    return user.module(DEFINITIONS)


def sync_all(airbyte: AirbyteSimulator) -> dict[str, int]:
    """The job of each table."""
    airbyte.advance(timedelta(hours=1))
    synced = {c.name: airbyte.run_sync(c, rows=7).job_id for c in airbyte.connections}
    airbyte.advance(timedelta(hours=1))
    return {name.replace("c", "t"): job_id for name, job_id in synced.items()}


def reported(instance: dg.DagsterInstance) -> dict[str, int | None]:
    found = {}
    for number in range(4):
        entry = instance.get_latest_materialization_event(dg.AssetKey(f"t{number}"))
        if entry is not None and entry.asset_materialization is not None:
            found[f"t{number}"] = keys.int_in(entry.asset_materialization.metadata, keys.JOB_ID)
    return found


def of_shard(jobs: dict[str, int], airbyte: AirbyteSimulator, number: int) -> dict[str, int]:
    has = Shard(number, of=2).has
    own = {c.name.replace("c", "t") for c in airbyte.connections if has(c.connection_id)}
    assert 0 < len(own) < 4
    return {table: job_id for table, job_id in jobs.items() if table in own}


def test_a_backfill_refuses_while_any_of_them_runs_and_reports_for_all(
    user: User,
    module: str,
    daemon: SensorDaemon,
    airbyte: AirbyteSimulator,
    instance: dg.DagsterInstance,
    capsys: Capture,
) -> None:
    jobs = sync_all(airbyte)
    call = ["backfill", "--definitions", module, "--since", "30d", "--yes"]
    beat(instance)
    daemon.only(TWO)
    assert user.calls(*call) == 1
    assert f"The sensor {TWO} is running, and both would report" in capsys.readouterr().err
    assert reported(instance) == {}

    assert user.calls(*call, "--sensor", ONE) == 0
    assert reported(instance) == of_shard(jobs, airbyte, 1)

    daemon.stop()
    assert user.calls(*call) == 0
    assert reported(instance) == jobs


def test_cursors_are_shown_and_set_together_or_one_by_one(
    user: User,
    module: str,
    daemon: SensorDaemon,
    airbyte: AirbyteSimulator,
    instance: dg.DagsterInstance,
    capsys: Capture,
) -> None:
    call = ["--definitions", module, "--json"]
    daemon.only(ONE)
    daemon.iterate(ONE)
    assert user.calls("cursor", "show", *call) == 0
    first, second = json.loads(capsys.readouterr().out)["sensors"]
    assert (first["sensor"], first["waiting"]) == (ONE, [])
    assert (second["sensor"], "has no cursor yet" in second["problem"]) == (TWO, True)
    assert user.calls("cursor", "show", *call, "--sensor", ONE) == 0
    assert json.loads(capsys.readouterr().out) == first

    daemon.only(TWO)
    daemon.iterate(TWO)
    jobs = sync_all(airbyte)
    assert user.calls("cursor", "explain", "--definitions", module) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for number, name in enumerate(SENSORS, 1):
        own = len(of_shard(jobs, airbyte, number))
        assert f"{name} is o" in shown
        assert f"{own} job{'s' if own > 1 else ''} finished that the cursor does not know" in shown

    daemon.stop()
    assert user.calls("cursor", "set", "--definitions", module, "--yes", "1h") == 0
    capsys.readouterr()
    assert user.calls("cursor", "show", *call) == 0
    since = {each["begin"] for each in json.loads(capsys.readouterr().out)["sensors"]}
    assert since == {(airbyte.now - timedelta(hours=1)).replace(microsecond=0).isoformat()}


def test_their_common_name_means_all_of_them(user: User, airbyte: AirbyteSimulator) -> None:
    module = user.module(
        "other = build_airbyte_polling_sensor(workspace=airbyte, name='other')\n"
        "defs = dg.Definitions.merge(build_airbyte_definitions(airbyte, checks=False, shards=2),"
        " dg.Definitions(sensors=[other]))"
    )
    call = ["backfill", "--definitions", module, "--since", "30d", "--dry-run"]
    assert user.calls(*call, "--sensor", "airbyte_sync_sensor") == 0
    assert user.calls(*call, "--sensor", "other") == 0
    assert user.calls(*call) == 1
