"""`backfill` says what it will store and what comes of it, stores it once, and survives a kill."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.sensors.past import one_at_a_time
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    SimulatedClock,
    SimulatedConnection,
)
from helpers.commands import User, in_a_terminal
from helpers.dagster_private import beat, sensor_daemon
from helpers.variables import variables
from helpers.waiting import wait_until

Capture = pytest.CaptureFixture[str]

DEFINITIONS = """
@dg.asset(deps=["orders"], automation_condition=dg.AutomationCondition.eager())
def revenue(): ...

@dg.asset(deps=["revenue"])
def report(): ...

defs = dg.Definitions.merge(
    build_airbyte_definitions(airbyte, checks=False), dg.Definitions([revenue, report])
)
"""


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(clock=SimulatedClock(datetime.now(timezone.utc) - DAYS)) as airbyte:
        yield airbyte


DAYS = timedelta(days=3)


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", ["orders", "users"])


def syncs(airbyte: AirbyteSimulator, connection: SimulatedConnection, count: int) -> list[int]:
    """An hour apart."""
    return [_sync(airbyte, connection) for _ in range(count)]


def _sync(airbyte: AirbyteSimulator, connection: SimulatedConnection) -> int:
    airbyte.advance(timedelta(hours=1))
    return airbyte.run_sync(connection, rows=7).job_id


def reported(instance: dg.DagsterInstance, name: str) -> list[int | None]:
    page = instance.fetch_materializations(dg.AssetKey(name), limit=1000)
    made = [record.asset_materialization for record in reversed(page.records)]
    return [keys.int_in(each.metadata, keys.JOB_ID) for each in made if each]


def test_a_dry_run_says_what_would_be_stored_and_what_comes_of_it(
    user: User,
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    capsys: Capture,
) -> None:
    syncs(airbyte, shop, 3)
    module = user.module(DEFINITIONS)
    assert user.calls("backfill", "--definitions", module, "--since", "30d", "--dry-run") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "shop 3 6 0 0" in printed
    assert "2 tables will be materialized. Automation conditions will fire on 1 asset" in printed
    assert "Nothing was stored" in printed
    assert reported(instance, "orders") == []


def test_only_the_syncs_of_that_time_and_of_those_connections_are_reported_oldest_first(
    user: User,
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    capsys: Capture,
) -> None:
    crm = airbyte.add_connection("crm", ["leads"])
    begin = airbyte.now
    jobs = syncs(airbyte, shop, 4)
    syncs(airbyte, crm, 1)
    module = user.module(DEFINITIONS)
    times = ["--since", f"{begin + timedelta(hours=1.5):%Y-%m-%dT%H:%M}"]
    times += ["--until", (begin + timedelta(hours=3.5)).isoformat()]
    call = ["backfill", "--definitions", module, *times, "--connection", "sh*", "--yes"]
    assert user.calls(*call) == 0
    assert reported(instance, "orders") == jobs[1:3]
    assert reported(instance, "leads") == []
    assert (
        "Stored 4 materializations and 0 observations, of 2 syncs, and 0" in capsys.readouterr().out
    )

    assert user.calls("backfill", "--definitions", module, "--since", "2w", "--yes", "--json") == 0
    stored = json.loads(capsys.readouterr().out)
    assert (stored["materializations"], stored["observations"], stored["stored"]) == (3, 2, True)
    assert reported(instance, "orders") == jobs[1:]


def test_it_refuses_while_the_sensor_runs_and_says_how_to_stop_it(
    user: User,
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    tmp_path: Path,
    capsys: Capture,
) -> None:
    """On by default, without anything stored; on as stored; and off."""
    jobs = syncs(airbyte, shop, 2)
    module = user.module(DEFINITIONS)
    call = ["backfill", "--definitions", module, "--since", "30d", "--yes"]
    beat(instance)
    assert user.calls(*call) == 1
    refusal = "The sensor airbyte_sync_sensor is running, and both would report the same syncs"
    said = capsys.readouterr().err
    assert refusal in said
    assert f"`dagster sensor stop airbyte_sync_sensor -m {module}`" in said

    environ = variables(airbyte.workspace_config())
    with sensor_daemon(instance, tmp_path / f"{module}.py", environ) as daemon:
        daemon.iterate()
        assert user.calls(*call) == 1
        assert refusal in capsys.readouterr().err
        assert reported(instance, "orders") == jobs[-1:]
        daemon.stop()
        assert user.calls(*call) == 0
    assert reported(instance, "orders") == jobs[-1:]


@pytest.mark.parametrize(
    "command", ["backfill --since 30d", "cursor set 1d"], ids=["backfill", "cursor"]
)
def test_on_in_one_code_location_and_off_in_another_it_refuses_until_one_is_named(
    user: User,
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    tmp_path: Path,
    command: str,
    capsys: Capture,
) -> None:
    """As a location leaves its sensor behind, switched off, when it is renamed."""
    syncs(airbyte, shop, 1)
    module = user.module(DEFINITIONS)
    file, environ = tmp_path / f"{module}.py", variables(airbyte.workspace_config())
    call = [*command.split(), "--definitions", module, "--yes"]
    with (
        sensor_daemon(instance, file, environ) as daemon,
        sensor_daemon(instance, file, environ, "old") as old,
    ):
        old.stop()
        daemon.iterate()
        beat(instance)
        assert user.calls(*call) == 1
        assert "on in some code locations and off in others" in capsys.readouterr().err
        assert user.calls(*call, "--location", "test") == 1
        assert "airbyte_sync_sensor is running, and" in capsys.readouterr().err
        daemon.stop()
        assert user.calls(*call) == 0


def test_with_yes_it_says_that_the_sensor_is_on_where_no_daemon_is_seen(
    user: User, airbyte: AirbyteSimulator, shop: SimulatedConnection, capsys: Capture
) -> None:
    syncs(airbyte, shop, 1)
    call = ["backfill", "--definitions", user.module(DEFINITIONS), "--since", "30d", "--yes"]
    assert user.calls(*call) == 0
    said = capsys.readouterr().err
    assert "sensor airbyte_sync_sensor is on, and no daemon that would run it was seen" in said
    assert "Go on?" not in said


def test_it_waits_for_the_last_tick_of_a_sensor_that_was_stopped(
    user: User,
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    tmp_path: Path,
    capsys: Capture,
) -> None:
    """The daemon stores a tick's events after the sensor was stopped, too."""
    syncs(airbyte, shop, 1)
    module = user.module(DEFINITIONS)
    environ = variables(airbyte.workspace_config())
    with sensor_daemon(instance, tmp_path / f"{module}.py", environ) as daemon:
        daemon.die_after(1)
        daemon.stop()
    beat(instance)
    assert user.calls("backfill", "--definitions", module, "--since", "30d", "--yes") == 1
    assert "The last tick of the sensor airbyte_sync_sensor is not over" in capsys.readouterr().err


def test_killed_half_way_it_goes_on_and_so_does_the_sensor(
    user: User,
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    """A real process and kill -9."""
    monkeypatch.setattr(one_at_a_time, "_DEAD_AFTER", 1.0)
    jobs = syncs(airbyte, shop, 12)
    module = user.module(DEFINITIONS)
    call = ["backfill", "--definitions", module, "--since", "30d", "--yes"]
    process = subprocess.Popen([sys.executable, "-m", "dagster_airbyte_sync", *call])
    wait_until(lambda: len(reported(instance, "orders")) >= 3, "three are stored")
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert reported(instance, "orders") != jobs

    assert user.calls(*call) == 0
    assert "may be running: looking for half a minute whether" in capsys.readouterr().err
    assert reported(instance, "orders") == reported(instance, "users") == jobs
    newer = syncs(airbyte, shop, 1)
    environ = variables(airbyte.workspace_config())
    with sensor_daemon(instance, tmp_path / f"{module}.py", environ) as daemon:
        daemon.iterate()
    assert reported(instance, "orders") == reported(instance, "users") == jobs + newer


def test_a_terminal_shows_the_plan_a_question_a_bar_and_the_end(
    user: User, airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    jobs = syncs(airbyte, shop, 2)
    call = ["backfill", "--definitions", user.module(DEFINITIONS), "--since", "30d"]
    code, seen = in_a_terminal(80, "y\n", *call)
    assert (code, reported(instance, "orders")) == (0, jobs)
    assert "Store 4 events in Dagster? [y/N]" in seen
    assert "4/4" in seen
    assert "Stored 4 materializations and 0 observations, of 2 syncs" in seen


def test_who_is_asked_sees_the_plan_though_the_answer_is_json(
    user: User, airbyte: AirbyteSimulator, shop: SimulatedConnection, capsys: Capture
) -> None:
    syncs(airbyte, shop, 2)
    call = ["backfill", "--definitions", user.module(DEFINITIONS), "--since", "30d", "--json"]
    assert user.calls(*call) == 2
    printed = capsys.readouterr()
    assert "There is no terminal to ask in" in printed.err
    assert "2 tables will be materialized. Automation" in " ".join(printed.err.split())
    assert printed.out == ""
    assert user.calls(*call, "--dry-run") == 0
    printed = capsys.readouterr()
    assert "materialized" not in printed.err
    planned = json.loads(printed.out)
    assert (planned["fresh_tables"], planned["automated_assets"]) == (2, 1)


def test_mistakes_are_sentences(
    user: User, shop: SimulatedConnection, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    module = user.module(DEFINITIONS)
    call = ["backfill", "--definitions", module, "--since"]
    assert user.calls(*call, "yesterday") == 2
    assert "'yesterday' is not a time: write how long ago (30m, 12h" in capsys.readouterr().err
    assert user.calls(*call, "2d", "--sensor", "other") == 1
    assert "give --sensor, one of airbyte_sync_sensor" in capsys.readouterr().err
    assert user.calls(*call, "2d", "--until", "3d") == 2
    assert "must be earlier than --until" in capsys.readouterr().err
    assert (
        user.calls(
            "backfill", "--definitions", user.module("defs = dg.Definitions()"), "--since", "2d"
        )
        == 1
    )
    assert "no sensor that reports Airbyte's syncs" in capsys.readouterr().err
    monkeypatch.delenv("DAGSTER_HOME")
    assert user.calls(*call, "2d") == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_job_that_airbyte_cannot_list_hides_no_other(
    user: User,
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
) -> None:
    """There is no next tick that asks for fewer rows: it does so at once."""
    module = user.module(DEFINITIONS)
    before, broken, after = (syncs(airbyte, shop, count) for count in (2, 1, 2))
    airbyte.add_fault(Fault.broken_jobs(*broken), path="/jobs", times=None)

    assert user.calls("backfill", "--definitions", module, "--since", "2d", "--yes") == 0

    assert reported(instance, "orders") == before + after
