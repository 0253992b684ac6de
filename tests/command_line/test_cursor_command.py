"""`cursor` says where the sensor reads on and what waits, and lets it read on from another time."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.sensors import bookmark_of
from dagster_airbyte_sync.sensors.cursor.cursor import first_cursor
from dagster_airbyte_sync.sensors.cursor.pending import Pending, Reason
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    SimulatedClock,
    SimulatedConnection,
)
from helpers.commands import User
from helpers.dagster_private import SensorDaemon, beat

Capture = pytest.CaptureFixture[str]

DEFINITIONS = "defs = build_airbyte_definitions(airbyte, checks=False, minimum_interval_seconds=1)"
SENSOR = "airbyte_sync_sensor"


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    begin = datetime.now(timezone.utc) - timedelta(days=3)
    with AirbyteSimulator(clock=SimulatedClock(begin)) as airbyte:
        yield airbyte


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", ["orders"])


@pytest.fixture
def module(user: User, shop: SimulatedConnection) -> str:
    return user.module(DEFINITIONS)


def sync(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> int:
    airbyte.advance(timedelta(hours=1))
    return airbyte.run_sync(shop, rows=7).job_id


def reported(instance: dg.DagsterInstance) -> list[int | None]:
    page = instance.fetch_materializations(dg.AssetKey("orders"), limit=1000)
    made = [record.asset_materialization for record in reversed(page.records)]
    return [keys.int_in(each.metadata, keys.JOB_ID) for each in made if each]


def test_it_is_shown_in_words_and_what_the_next_tick_will_find(
    user: User,
    module: str,
    daemon: SensorDaemon,
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    capsys: Capture,
) -> None:
    assert user.calls("cursor", "show", "--definitions", module) == 1
    assert "has no cursor yet" in capsys.readouterr().err
    sync(airbyte, shop)
    daemon.iterate()
    sync(airbyte, shop)
    asked = len(airbyte.requests)
    assert user.calls("cursor", "show", "--definitions", module) == 0
    assert len(airbyte.requests) == asked
    shown = " ".join(capsys.readouterr().out.split())
    assert f"{SENSOR} is on, but no daemon is running." in shown
    assert f"{airbyte.now - timedelta(hours=1):%Y-%m-%d %H:%M} UTC" in shown
    assert "No connection is waiting." in shown

    assert user.calls("cursor", "explain", "--definitions", module, "--json") == 0
    assert json.loads(capsys.readouterr().out)["new"] == {"succeeded": 1}


def test_what_waits_is_named_with_why_and_since_when(
    airbyte: AirbyteSimulator, user: User, module: str, daemon: SensorDaemon, capsys: Capture
) -> None:
    daemon.iterate()
    now = datetime(2026, 11, 20, 10, tzinfo=timezone.utc)
    shop = airbyte.connections[0].connection_id
    waits = Pending((57, 0), now, int(now.timestamp()), Reason.UNREADABLE)
    cursor = first_cursor(airbyte.workspace_id, now)
    daemon.set_cursor(replace(cursor, pending={shop: waits}).to_text())
    assert user.calls("cursor", "show", "--definitions", module) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert (
        "shop has been waiting since 2026-11-20 10:00 UTC with job 57, which ended 2026-11-20"
        in shown
    )
    assert "the connection's tables cannot be known." in shown
    daemon.set_cursor("what is this?")
    assert user.calls("cursor", "show", "--definitions", module) == 1
    assert "cannot be used because it is not JSON" in capsys.readouterr().err


def test_it_reads_on_from_another_time_and_repeats_nothing(
    user: User,
    module: str,
    daemon: SensorDaemon,
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    capsys: Capture,
) -> None:
    begin = airbyte.now
    first = sync(airbyte, shop)
    daemon.iterate()
    skipped, last = sync(airbyte, shop), sync(airbyte, shop)
    call = ["cursor", "set", "--definitions", module]

    forward = (airbyte.now - timedelta(minutes=10)).isoformat()
    assert user.calls(*call, forward, "--dry-run") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Skipped: 1 sync that ended from" in shown
    assert "Nothing was changed." in shown
    assert user.calls(*call, forward, "--yes") == 0
    daemon.wait_for_interval()
    daemon.iterate()
    assert reported(instance) == [first, last]

    capsys.readouterr()
    assert user.calls(*call, begin.isoformat(), "--yes") == 0
    assert "They would make 1 late materialization" in " ".join(capsys.readouterr().out.split())
    user.calls("backfill", "--definitions", module, "--since", begin.isoformat(), "--yes")
    daemon.wait_for_interval()
    daemon.iterate()
    assert reported(instance) == [first, last]
    assert skipped not in reported(instance)


def test_it_is_not_set_while_the_sensor_runs_nor_to_a_time_to_come(
    user: User,
    module: str,
    daemon: SensorDaemon,
    airbyte: AirbyteSimulator,
    instance: dg.DagsterInstance,
    capsys: Capture,
) -> None:
    call = ["cursor", "set", "--definitions", module, "--yes"]
    assert user.calls(*call, "1d") == 1
    said = capsys.readouterr().err
    assert "Dagster has stored nothing of the sensor" in said
    assert f"`dagster sensor cursor {SENSOR} --set '" in said
    a_day_ago = airbyte.now.replace(microsecond=0) - timedelta(days=1)
    text = said.partition("--set '")[2].partition("'")[0]
    assert bookmark_of(text, airbyte.workspace_id).begin == a_day_ago
    assert user.calls(*call, (airbyte.now + timedelta(hours=1)).isoformat()) == 1
    assert "is in the future" in capsys.readouterr().err
    daemon.iterate()
    beat(instance)
    assert user.calls(*call, "1d") == 1
    assert "is running, and its next tick would set the cursor back" in capsys.readouterr().err
    daemon.stop()
    assert user.calls(*call, "1d") == 0


def test_it_moves_past_jobs_that_airbyte_cannot_list(
    user: User,
    module: str,
    daemon: SensorDaemon,
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    capsys: Capture,
) -> None:
    """The sensor passes over three in a row by itself; for more it needs this."""
    first = sync(airbyte, shop)
    daemon.iterate()
    broken = [sync(airbyte, shop) for _ in range(6)]
    airbyte.advance(timedelta(minutes=30))
    after = airbyte.now
    last = sync(airbyte, shop)
    airbyte.add_fault(Fault.broken_jobs(*broken), path="/jobs", times=None)
    daemon.wait_for_interval()
    daemon.iterate()
    assert reported(instance) == [first]

    call = ["cursor", "set", "--definitions", module, after.isoformat(), "--yes"]
    assert user.calls(*call) == 0, capsys.readouterr().err

    daemon.wait_for_interval()
    daemon.iterate()
    assert reported(instance) == [first, last]
