"""The JSON of each command: its keys and types stay as they are, for programs that read them."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedClock
from helpers.commands import User, user_of
from helpers.deployment import deployed
from helpers.local_instance import local_instance

Capture = pytest.CaptureFixture[str]
HOURLY = {"cron": "0 0 * * * ?", "timezone": "UTC"}

# By the command: each key, and the types of its values. A time is one with a zone.
SHAPES: Mapping[str, object] = {
    "status": {
        "at": "time",
        "airbyte_answered": "bool",
        "notes": [],
        "connections": [
            {
                "id": "str",
                "name": "str",
                "state": "str",
                "reason": "str",
                "failing_since": "time",
                "last_known_from": "str",
                "last_job_id": "int",
                "last_outcome": "str",
                "last_type": "str",
                "last_ended_at": "time",
                "rows": "int",
                "bytes": "int",
                "running_job_id": "null",
                "schedule": "str",
                "next_at": "time",
                "late_by_seconds": "float",
                "reported": "str",
            }
        ],
    },
    "history": {
        "since": "time",
        "until": "time",
        "airbyte_answered": "bool",
        "notes": [],
        "syncs": [
            {
                "connection_id": "str",
                "connection_name": "str",
                "job_id": "int",
                "type": "str",
                "outcome": "str",
                "reason": "str",
                "created_at": "time",
                "started_at": "time",
                "ended_at": "time",
                "duration_seconds": "float",
                "attempts": "int",
                "rows": "int",
                "bytes": "int",
                "started_by": "null",
                "reported": "str",
            }
        ],
        "totals": {
            "syncs": "int",
            "outcomes": {"failed": "int", "succeeded": "int"},
            "rows": "int",
            "bytes": "int",
            "duration_seconds": "float",
            "not_reported": "int",
        },
    },
    "report": {
        "since": "time",
        "until": "time",
        "airbyte_answered": "bool",
        "notes": [],
        "left_out": {"deleted_connections": "int", "clears": "int"},
        "connections": [
            {
                "id": "str",
                "name": "str",
                "syncs": "int",
                "succeeded": "int",
                "failed": "int",
                "cancelled": "int",
                "success_rate": "float",
                "rows": "int",
                "duration_seconds": {"p50": "float", "p95": "float", "longest": "float"},
                "queue_seconds": {"p50": "float", "p95": "float", "longest": "float"},
                "late": "int",
                "late_by_seconds": "float",
                "longest_gap_seconds": "float",
                "not_reported": "int",
            }
        ],
    },
    "check": {
        "problems": "int",
        "warnings": "int",
        "lines": [
            {"level": "str", "subject": "str", "text": "str", "step": "null", "code": "null"}
        ],
        "next_steps": ["str"],
    },
    "backfill --since 30d --dry-run": {
        "connections": [
            {
                "connection_id": "str",
                "name": "str",
                "syncs": "int",
                "materializations": "int",
                "observations": "int",
                "evaluations": "int",
            }
        ],
        "materializations": "int",
        "observations": "int",
        "evaluations": "int",
        "fresh_tables": "int",
        "automated_assets": "int",
        "left_to_runs": "int",
        "unreadable": "int",
        "stored": "bool",
    },
    "take-over --file new.jsonl --dry-run": {
        "changed": "bool",
        "workspace_id": "str",
        "connections": [
            {
                "id": "str",
                "name": "str",
                "schedule_in_airbyte": "str",
                "schedule_in_dagster": "str",
                "reason_against": "null",
            }
        ],
        "paused": [],
    },
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def airbyte(home: Path, empty_storage: Path) -> Iterator[AirbyteSimulator]:
    """A connection whose last sync failed hours ago, and a Dagster that has not heard of that."""
    clock = SimulatedClock(datetime.now(timezone.utc) - timedelta(days=2))
    with (
        AirbyteSimulator(clock=clock) as airbyte,
        local_instance(home, empty_storage) as instance,
    ):
        (home / "dagster.yaml").touch()
        shop = airbyte.add_connection("shop", ["orders"], schedule=HOURLY)
        airbyte.run_sync(shop, rows=5, scheduled=True)
        airbyte.advance(timedelta(hours=40))
        deployed(airbyte, instance, checks=True, start_from=timedelta(days=30)).tick()
        airbyte.fail(airbyte.begin(airbyte.start_sync(shop)), reason="no")
        airbyte.advance(timedelta(hours=8))
        yield airbyte


@pytest.fixture
def user(
    airbyte: AirbyteSimulator, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[User]:
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    with user_of(airbyte, tmp_path, monkeypatch) as user:
        yield user


def shape(value: object) -> object:
    """The types of a value: of a list, those of its first item."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value[:1]]
    if isinstance(value, str) and _is_time(value):
        return "time"
    return "null" if value is None else type(value).__name__


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


@pytest.mark.parametrize("command", SHAPES)
def test_the_json_has_these_keys_and_types(user: User, command: str, capsys: Capture) -> None:
    module = user.module("defs = build_airbyte_definitions(airbyte)")
    assert user.calls(*command.split(), "--definitions", module, "--json") == 0
    assert shape(json.loads(capsys.readouterr().out)) == SHAPES[command]
