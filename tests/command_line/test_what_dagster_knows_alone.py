"""What is shown while Airbyte does not answer, or only in part: Dagster's last knowledge."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_definitions
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    SimulatedClock,
    SimulatedConnection,
)
from helpers.commands import User, user_of
from helpers.deployment import Deployment
from helpers.mixed_connections import HOURLY

Capture = pytest.CaptureFixture[str]
MONTH = timedelta(days=30)


@dataclass(frozen=True)
class World:
    """An Airbyte that lists connections and, once it fails, no jobs; a user, and their Dagster."""

    airbyte: AirbyteSimulator
    user: User
    instance: dg.DagsterInstance
    capsys: Capture

    def deployed(self, *, checks: bool) -> Deployment:
        """A sensor that has ticked."""
        workspace = AirbyteWorkspace(
            **self.airbyte.workspace_config(), poll_interval=0.02, partial_success=True
        )
        defs = build_airbyte_definitions(workspace, checks=checks, start_from=MONTH)
        deployment = Deployment(self.airbyte, workspace, defs, self.instance)
        deployment.tick()
        return deployment

    def fail(self) -> None:
        self.airbyte.add_fault(Fault.status(503), path="/jobs", times=None)

    def asked(self, command: str, expected: int = 1) -> dict[str, Any]:
        """The JSON of a command."""
        named = f"{self.user.module()}:airbyte"
        assert self.user.calls(command, "--workspace", named, "--json") == expected
        made: dict[str, Any] = json.loads(self.capsys.readouterr().out)
        return made

    def status(self, expected: int = 1) -> dict[str, Any]:
        """Of the only connection."""
        (found,) = self.asked("status", expected)["connections"]
        assert isinstance(found, dict)
        return found


@pytest.fixture
def world(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> Iterator[World]:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").touch()
    clock = SimulatedClock(datetime.now(timezone.utc) - timedelta(days=3))
    with AirbyteSimulator(clock=clock) as airbyte, user_of(airbyte, tmp_path, monkeypatch) as user:
        yield World(airbyte, user, instance, capsys)


@pytest.fixture
def shop(world: World) -> SimulatedConnection:
    return world.airbyte.add_connection("shop", ["a", "b", "c"], schedule=HOURLY)


@pytest.mark.parametrize(("checks", "complete"), [(True, "ab"), (False, "ab"), (False, "bc")])
def test_a_partial_failure_is_partial_whether_airbyte_answers_or_not(
    world: World, shop: SimulatedConnection, complete: str, checks: bool
) -> None:
    deployment = world.deployed(checks=checks)
    job = world.airbyte.start_sync(shop)
    world.airbyte.fail(job, reason="disk full", rows=5, completed=complete)
    deployment.tick()
    answered = world.status(0)
    world.fail()
    alone = world.status()
    same = ("state", "reason", "last_job_id", "last_outcome", "last_type", "last_ended_at")
    assert {name: alone[name] for name in same} == {name: answered[name] for name in same}
    assert (alone["state"], alone["last_outcome"]) == ("partial", "failed")
    # Without definitions nobody knows that there are no checks.
    assert (answered["reported"], alone["reported"]) == ("yes" if checks else "partly", "yes")
    assert "disk full" in alone["reason"]
    assert (answered["last_known_from"], alone["last_known_from"]) == ("airbyte", "dagster")
    counted = world.asked("history")["totals"]["outcomes"]
    # Without checks the last table alone says so.
    assert counted == ({"failed": 1} if checks or "c" in complete else {})
    (report,) = world.asked("report")["connections"]
    assert report["succeeded"] == 0


def test_nobody_knows_how_many_rows_a_connection_moved(
    world: World, shop: SimulatedConnection
) -> None:
    """Events have those of their tables."""
    deployment = world.deployed(checks=False)
    world.airbyte.run_sync(shop, rows=5)
    deployment.tick()
    assert world.asked("history", 0)["totals"]["rows"] == 15
    world.fail()
    found = world.asked("history")
    assert (found["syncs"][0]["rows"], found["totals"]["rows"]) == (None, None)
    assert found["totals"]["syncs"] == 1
    (report,) = world.asked("report")["connections"]
    assert (report["syncs"], report["rows"]) == (1, None)


def test_a_partial_failure_says_how_many_tables_are_complete_and_counts_as_bad(
    world: World, shop: SimulatedConnection
) -> None:
    deployment = world.deployed(checks=True)
    job = world.airbyte.start_sync(shop)
    world.airbyte.set_stream_state(world.airbyte.begin(job), "a", "COMPLETE")
    world.airbyte.cancel(job, rows=5)
    deployment.tick()
    named = ("--workspace", f"{world.user.module()}:airbyte", "--strict")
    assert world.user.calls("status", *named) == 1
    printed = " ".join(world.capsys.readouterr().out.split())
    assert "cancelled, but 1 of 3 tables complete" in printed
    assert "1 connection: 1 partial." in printed


@pytest.mark.parametrize("checks", [True, False])
def test_a_clear_and_a_refresh_are_what_they_are(
    world: World, shop: SimulatedConnection, checks: bool
) -> None:
    deployment = world.deployed(checks=checks)
    world.airbyte.run_sync(shop)
    world.airbyte.advance(60)
    world.airbyte.run_refresh(shop)
    deployment.tick()
    world.fail()
    found = world.status()
    assert (found["reason"], found["last_type"]) == (None, "refresh")
    world.airbyte.clear_faults()
    world.airbyte.advance(60)
    world.airbyte.run_clear(shop)
    deployment.tick()
    world.fail()
    found = world.status()
    assert (found["state"], found["last_type"]) == ("warning", "clear")
    assert "cleared" in found["reason"]


def test_nobody_is_late_or_good_as_far_as_dagster_knows(
    world: World, shop: SimulatedConnection
) -> None:
    """Airbyte may have synced it since, and may not."""
    deployment = world.deployed(checks=True)
    world.airbyte.run_sync(shop)
    deployment.tick()
    world.airbyte.advance(timedelta(days=2))
    assert world.status(0)["state"] == "late"
    world.fail()
    found = world.status()
    assert (found["state"], found["late_by_seconds"]) == ("unknown", None)
    (report,) = world.asked("report")["connections"]
    assert report["late"] == 0


def test_what_was_never_reported_is_unknown(world: World, shop: SimulatedConnection) -> None:
    world.airbyte.run_sync(shop)
    world.fail()
    found = world.status()
    assert (found["state"], found["last_job_id"], found["rows"]) == ("unknown", None, None)


@pytest.mark.parametrize("command", ["status", "history", "report"])
def test_what_is_printed_says_whose_knowledge_it_is(
    world: World, shop: SimulatedConnection, command: str
) -> None:
    deployment = world.deployed(checks=True)
    world.airbyte.run_sync(shop)
    deployment.tick()
    assert world.asked(command, 0)["airbyte_answered"] is True
    world.fail()
    found = world.asked(command)
    assert found["airbyte_answered"] is False
    assert "last reported to Dagster" in found["notes"][0]
    assert world.user.calls(command, "--workspace", f"{world.user.module()}:airbyte") == 1
    printed = world.capsys.readouterr()
    assert "last reported to Dagster" in " ".join(printed.out.split())
    assert "Airbyte cannot be asked. " in printed.err
    assert "503" in printed.err


def test_a_job_that_was_reported_late_does_not_hide_the_newest(
    world: World, shop: SimulatedConnection
) -> None:
    deployment = world.deployed(checks=False)
    job = world.airbyte.start_sync(shop)
    world.airbyte.fail(job, reason="disk full", rows=5, completed=["a", "b", "c"])
    deployment.tick()
    metadata = deployment.last("a").metadata
    world.fail()
    for name in "abc":
        older: dict[str, Any] = {
            **metadata,
            "dagster-airbyte/job_id": "0",
            "dagster-airbyte/job_status": "succeeded",
            "dagster-airbyte/highest_job_id": str(job.job_id),
            "dagster-airbyte/highest_job_created_at": metadata["dagster-airbyte/job_created_at"],
            "dagster-airbyte/highest_job_ended_at": metadata["dagster-airbyte/sync_ended_at"],
        }
        world.instance.report_runless_asset_event(dg.AssetMaterialization(name, metadata=older))
    found = world.status()
    assert (found["last_job_id"], found["last_outcome"]) == (job.job_id, "failed")
