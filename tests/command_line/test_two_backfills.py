"""Two backfills at once: what one reports, the other does not."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.sensors import OneAtATime
from dagster_airbyte_sync.sensors.past import one_at_a_time
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedClock
from helpers.commands import User, in_a_terminal

DEFINITIONS = "defs = build_airbyte_definitions(airbyte, checks=False)"
DAYS = timedelta(days=10)


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(clock=SimulatedClock(datetime.now(timezone.utc) - DAYS)) as airbyte:
        yield airbyte


@pytest.fixture
def jobs(airbyte: AirbyteSimulator) -> list[int]:
    shop = airbyte.add_connection("shop", ["orders", "users"])
    found = []
    for _ in range(40):
        airbyte.advance(timedelta(hours=1))
        found.append(airbyte.run_sync(shop, rows=7).job_id)
    return found


def call(user: User) -> list[str]:
    return ["backfill", "--definitions", user.module(DEFINITIONS), "--since", "30d"]


def reported(instance: dg.DagsterInstance, name: str) -> list[int | None]:
    page = instance.fetch_materializations(dg.AssetKey(name), limit=1000)
    made = [record.asset_materialization for record in reversed(page.records)]
    return [keys.int_in(each.metadata, keys.JOB_ID) for each in made if each]


def test_two_processes_at_once_report_each_sync_once(
    user: User, jobs: list[int], instance: dg.DagsterInstance
) -> None:
    command = [sys.executable, "-m", "dagster_airbyte_sync", *call(user), "--yes"]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate()[1] for process in both]
    codes = Counter(process.returncode for process in both)
    # The second one may come when the first is through.
    assert codes in ({0: 1, 1: 1}, {0: 2}), said
    assert codes[1] == sum("Another backfill of this workspace is running" in each for each in said)
    assert reported(instance, "orders") == reported(instance, "users") == jobs


def test_while_one_runs_another_says_since_when_and_where_and_stores_nothing(
    user: User,
    airbyte: AirbyteSimulator,
    jobs: list[int],
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(one_at_a_time, "_BEAT", 0.1)
    command = [*call(user), "--yes"]
    with OneAtATime(instance, airbyte.workspace_id, "host-a (process 7)").claimed():
        assert user.calls(*command) == 1
        error = capsys.readouterr().err
        assert "Another backfill of this workspace is running, since 20" in error
        assert "on host-a (process 7), and both would report the same syncs" in error
        assert reported(instance, "orders") == []
        assert user.calls(*command[:-1], "--dry-run") == 0
    assert user.calls(*command) == 0
    assert reported(instance, "orders") == jobs


def test_one_that_was_held_up_while_another_ran_stores_nothing_more(
    user: User,
    jobs: list[int],
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As by a laptop that sleeps: its plan is an old one when it wakes up."""
    monkeypatch.setattr(one_at_a_time, "_LOST_AFTER", -1.0)
    command = [*call(user), "--yes"]
    assert user.calls(*command) == 1
    assert "another backfill may have begun. 0 events are stored. Run the same" in " ".join(
        capsys.readouterr().err.split()
    )
    assert reported(instance, "orders") == []


@pytest.mark.parametrize("answer", ["n", "y"])
def test_where_no_daemon_is_seen_it_asks_and_says_what_could_go_wrong(
    user: User, jobs: list[int], instance: dg.DagsterInstance, answer: str
) -> None:
    """The sensor is on by default."""
    code, seen = in_a_terminal(80, f"{answer}\n", *call(user))
    text = " ".join(seen.split())
    assert "sensor airbyte_sync_sensor is on, and no daemon that would run it was seen" in text
    assert "If one starts before this is over, both would report the same syncs" in text
    assert (code, reported(instance, "orders")) == ((0, jobs) if answer == "y" else (1, []))
    assert ("Store 80 events" in text) == (answer == "y")
