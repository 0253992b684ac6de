"""`status`, `history` and `report`, of an Airbyte that has a connection of every kind."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from dagster_airbyte_sync.cli.health.status.command import watched
from dagster_airbyte_sync.cli.health.status.reader import Status, StatusReader
from dagster_airbyte_sync.cli.health.subject import subject_of
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, SimulatedClock
from helpers.commands import User, interrupted_in_a_terminal, user_of
from helpers.local_instance import local_instance
from helpers.mixed_connections import HOURLY, LONG, REASON, mixed

Capture = pytest.CaptureFixture[str]
NUMBER = "1,234,567,890"
# A workspace with a setting of its own has a client of its own, which has asked nothing yet.
ANEW = """
airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
    request_max_retries=0,
    request_retry_delay=0,
    request_timeout=TIMEOUT,
)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def airbyte(home: Path, empty_storage: Path) -> Iterator[AirbyteSimulator]:
    """Nothing here changes it."""
    clock = SimulatedClock(datetime.now(timezone.utc) - timedelta(hours=39, minutes=36))
    with (
        AirbyteSimulator(clock=clock) as airbyte,
        local_instance(home, empty_storage) as instance,
    ):
        mixed(airbyte, instance)
        (home / "dagster.yaml").touch()
        yield airbyte


@pytest.fixture
def user(
    airbyte: AirbyteSimulator, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[User]:
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    with user_of(airbyte, tmp_path, monkeypatch) as user:
        airbyte.clear_faults()
        yield user
        airbyte.clear_faults()


def call(user: User, command: str, *more: str) -> int:
    return user.calls(command, "--workspace", f"{user.module()}:airbyte", *more)


def answer(user: User, capsys: Capture, command: str, *more: str) -> dict[str, Any]:
    """The JSON of a command, which succeeds."""
    assert call(user, command, "--json", *more) == 0
    made: dict[str, Any] = json.loads(capsys.readouterr().out)
    return made


def test_status_has_a_line_for_each_connection_the_worst_first(user: User, capsys: Capture) -> None:
    found = answer(user, capsys, "status")["connections"]
    assert [(each["name"], each["state"], each["reported"]) for each in found] == [
        (LONG, "failed", "yes"),
        ("cancelled", "cancelled", "yes"),
        ("late", "late", "yes"),
        ("ads [red]of[/red] 広告", "warning", "yes"),
        ("cleared", "warning", "yes"),
        ("running", "running", "yes"),
        ("never synced", "never synced", "not due"),
        ("paused", "paused", "yes"),
        ("fresh", "good", "no"),
        ("shop", "good", "yes"),
    ]
    failed, late, shop = found[0], found[2], found[-1]
    assert failed["reason"] == f"source: {REASON}"
    # It has failed twice.
    assert failed["failing_since"] < failed["last_ended_at"]
    assert late["late_by_seconds"] > timedelta(days=1).total_seconds()
    assert shop["next_at"] > shop["last_ended_at"]
    assert shop["rows"] == 1_234_567_890


def test_status_is_a_handful_of_requests_and_changes_nothing(
    user: User, airbyte: AirbyteSimulator
) -> None:
    """For the token, connections, destinations, jobs, and the one that never synced."""
    module = user.module(ANEW.replace("TIMEOUT", "14"))
    airbyte.forget_requests()
    assert user.calls("status", "--workspace", f"{module}:airbyte") == 0
    names = [each.path.rpartition("/v1/")[2] for each in airbyte.requests]
    assert sorted(names) == [
        *("applications/token", "connections/list", "destinations"),
        *["jobs/list_for_workspaces"] * 2,
    ]


@pytest.mark.parametrize("columns", [80, 120, 200])
@pytest.mark.parametrize("command", ["status", "history", "report"])
def test_each_width_has_whole_numbers_and_no_line_that_is_too_long(
    user: User, monkeypatch: pytest.MonkeyPatch, capsys: Capture, command: str, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert call(user, command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(cell_len(line) for line in lines) <= columns
    # Below, a report has no column for rows.
    assert (NUMBER in "".join(lines)) is (command != "report" or columns >= 110)
    assert "ads [red]of[/red]" in "".join(lines)


def test_a_schedule_that_dagster_has_taken_over_still_says_who_is_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    with AirbyteSimulator() as airbyte, user_of(airbyte, tmp_path, monkeypatch) as user:
        shop = airbyte.add_connection("shop", schedule={"cron": "0 0 * * * ?"})
        airbyte.run_sync(shop)
        assert call(user, "take-over", "--file", "taken.jsonl", "--yes") == 0
        airbyte.advance(timedelta(days=1))
        capsys.readouterr()
        (without,) = answer(user, capsys, "status", "--no-dagster")["connections"]
        taken = ("--no-dagster", "--taken-over", "taken.jsonl")
        (late,) = answer(user, capsys, "status", *taken)["connections"]
        assert (without["state"], late["state"]) == ("good", "late")
        (counted,) = answer(user, capsys, "report", *taken)["connections"]
        assert counted["late"] == 1


def test_guessed_assets_that_dagster_does_not_know_are_named(
    user: User, empty_storage: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    home = shutil.copytree(empty_storage, user.folder / "empty")
    (home / "dagster.yaml").touch()
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    for command in ("status", "history"):
        (note,) = answer(user, capsys, command)["notes"]
        assert "give --definitions" in note


def test_a_pattern_selects_connections_and_one_that_fits_none_is_refused(
    user: User, capsys: Capture
) -> None:
    found = answer(user, capsys, "status", "--connection", "sh*", "--connection", "late")
    assert [each["name"] for each in found["connections"]] == ["late", "shop"]
    assert call(user, "status", "--connection", "nothing") == 1
    assert "no connection named 'nothing'" in capsys.readouterr().err


def test_with_strict_a_connection_that_failed_or_is_late_counts(user: User) -> None:
    assert call(user, "status", "--strict", "--connection", "late") == 1
    assert call(user, "status", "--strict", "--connection", "shop") == 0


def test_without_a_dagster_what_was_reported_is_unknown_and_a_sentence_says_why(
    user: User, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.delenv("DAGSTER_HOME")
    found = answer(user, capsys, "status", "--connection", "shop")
    assert found["connections"][0]["reported"] is None
    assert "DAGSTER_HOME is not set" in found["notes"][0]
    assert answer(user, capsys, "status", "--no-dagster")["notes"] == []


def test_an_event_log_that_cannot_be_read_is_a_sentence_without_secrets(
    user: User, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("DAGSTER_PG_PASSWORD", "hunter2-hunter2")
    monkeypatch.setenv("DAGSTER_HOME", str(user.folder / "hunter2-hunter2"))
    (note,) = answer(user, capsys, "status")["notes"]
    assert "Dagster's event log cannot be read" in note
    assert "hunter2" not in note


def test_history_has_the_newest_first_and_totals_of_all(user: User, capsys: Capture) -> None:
    found = answer(user, capsys, "history", "--limit", "6")
    rows = [(each["connection_name"], each["outcome"], each["reported"]) for each in found["syncs"]]
    assert rows == [
        ("fresh", "succeeded", "no"),
        ("cleared", "cleared", "yes"),
        ("ads [red]of[/red] 広告", "succeeded", "yes"),
        ("shop", "succeeded", "yes"),
        ("cancelled", "cancelled", "yes"),
        (LONG, "failed", "yes"),
    ]
    somebody = "somebody in Airbyte's UI or API"
    assert [each["started_by"] for each in found["syncs"][:2]] == [None, somebody]
    every = answer(user, capsys, "history", "--limit", "1000")["syncs"]
    assert Counter(each["outcome"] for each in every) == found["totals"]["outcomes"]
    assert found["totals"]["outcomes"] == {
        "succeeded": 12,
        "failed": 2,
        "cancelled": 1,
        "cleared": 1,
    }
    assert found["totals"]["not_reported"] == 1


def test_syncs_of_a_connection_that_is_gone_stay_in_the_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    with AirbyteSimulator() as airbyte, user_of(airbyte, tmp_path, monkeypatch) as user:
        gone = airbyte.add_connection("gone", ["orders"])
        airbyte.run_sync(gone)
        airbyte.delete_connection(gone)
        (row,) = answer(user, capsys, "history", "--no-dagster")["syncs"]
        assert row["connection_name"] == f"{gone.connection_id} (deleted)"
        assert answer(user, capsys, "status", "--no-dagster")["connections"] == []
        assert call(user, "report", "--no-dagster") == 0


def test_history_is_of_a_time_and_of_some_connections(user: User, capsys: Capture) -> None:
    first = answer(user, capsys, "history", "--until", "3h", "--connection", "s*")
    assert [each["connection_name"] for each in first["syncs"]] == ["shop"]
    second = answer(user, capsys, "history", "--since", "3h", "--connection", "s*")
    assert [each["connection_name"] for each in second["syncs"]] == ["shop"]
    assert first["syncs"][0]["job_id"] < second["syncs"][0]["job_id"]
    assert call(user, "history", "--since", "yesterday") == 2
    assert "'yesterday' is not a time" in capsys.readouterr().err


def test_who_started_a_sync_costs_a_request_for_each_that_is_shown(
    user: User, airbyte: AirbyteSimulator, capsys: Capture
) -> None:
    airbyte.forget_requests()
    found = answer(user, capsys, "history", "--who", "--limit", "2")
    assert {each["started_by"] for each in found["syncs"]} == {"somebody in Airbyte's UI or API"}
    assert sum("/events" in each.path for each in airbyte.requests) == 2


def test_who_started_a_sync_that_is_older_than_the_timeline_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    with AirbyteSimulator() as airbyte, user_of(airbyte, tmp_path, monkeypatch) as user:
        airbyte.run_sync(airbyte.add_connection("shop", schedule=HOURLY), scheduled=True)
        airbyte.advance(60)
        (row,) = answer(user, capsys, "history", "--who", "--no-dagster")["syncs"]
        assert row["started_by"] == "Airbyte's schedule"
        airbyte.prune_timeline()
        (row,) = answer(user, capsys, "history", "--who", "--no-dagster")["syncs"]
        assert row["started_by"] is None
        assert call(user, "history", "--who", "--no-dagster") == 0
        assert "started by: unknown" in capsys.readouterr().out


def test_report_counts_by_connection(user: User, capsys: Capture) -> None:
    found = answer(user, capsys, "report", "--since", "2d")["connections"]
    worst = found[0]
    assert (worst["name"], worst["syncs"], worst["failed"]) == (LONG, 3, 2)
    assert worst["success_rate"] == pytest.approx(1 / 3)
    assert worst["queue_seconds"]["longest"] == 90
    assert worst["late"] == 1
    by_name = {each["name"]: each for each in found}
    assert by_name["fresh"]["not_reported"] == 1
    assert by_name["shop"]["not_reported"] == 0
    assert by_name["never synced"]["success_rate"] is None


def test_a_report_says_what_it_leaves_out_of_what_history_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    with AirbyteSimulator() as airbyte, user_of(airbyte, tmp_path, monkeypatch) as user:
        shop, gone = airbyte.add_connection("shop"), airbyte.add_connection("gone")
        for each in (shop, gone):
            airbyte.run_sync(each)
            airbyte.run_clear(each)
        airbyte.delete_connection(gone)
        found = answer(user, capsys, "report", "--no-dagster")
        assert found["left_out"] == {"deleted_connections": 2, "clears": 1}
        (report,) = found["connections"]
        totals = answer(user, capsys, "history", "--no-dagster")["totals"]
        assert totals["syncs"] == report["syncs"] + sum(found["left_out"].values())
        for more in ((), ("--markdown",)):
            assert call(user, "report", "--no-dagster", *more) == 0
            said = "Left out: 2 syncs of deleted connections, 1 clear."
            assert said in capsys.readouterr().out


def test_a_report_for_a_review_is_a_table_in_markdown(user: User, capsys: Capture) -> None:
    assert call(user, "report", "--markdown") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "# Airbyte syncs"
    assert f"| {LONG} | 3 | 33.3% |" in "\n".join(lines)


@pytest.mark.parametrize("command", ["status", "history", "report"])
def test_an_airbyte_that_is_down_leaves_what_was_reported_of_the_definitions(
    user: User, airbyte: AirbyteSimulator, capsys: Capture, command: str
) -> None:
    module = user.module(
        "from pathlib import Path\n"
        "defs = build_airbyte_definitions(airbyte, snapshot=Path('snapshot.json'))"
    )
    named = ("--workspace", f"{module}:airbyte")
    assert user.calls("snapshot", *named, "--out", "snapshot.json") == 0
    capsys.readouterr()
    airbyte.add_fault(Fault.status(503), path="/", times=None)
    assert user.calls(command, *named, "--json") == 1
    assert "503" in capsys.readouterr().err
    assert user.calls(command, "--definitions", module, "--json") == 1
    printed = capsys.readouterr()
    assert "Airbyte cannot be asked. " in printed.err
    found = json.loads(printed.out)
    if command == "status":
        states = {each["name"]: each["state"] for each in found["connections"]}
        assert states[LONG] == "failed"
        # Its schedule is remembered, and the next sync is not due yet.
        assert states["shop"] == "good"
    elif command == "history":
        assert [each["outcome"] for each in found["syncs"]].count("failed") == 2
        assert found["totals"]["not_reported"] == 0
    else:
        assert found["connections"][0]["name"] == LONG


@pytest.mark.parametrize("command", ["status", "history"])
def test_while_airbyte_is_down_nothing_is_said_of_what_it_has(
    user: User, airbyte: AirbyteSimulator, capsys: Capture, command: str
) -> None:
    assert call(user, "snapshot", "--out", "snapshot.json") == 0
    airbyte.add_fault(Fault.status(503), path="/", times=None)
    anew = ANEW.replace("TIMEOUT", {"status": "15", "history": "16"}[command])
    module = user.module(
        f"{anew}\nfrom pathlib import Path\n"
        "defs = build_airbyte_definitions(airbyte, snapshot=Path('snapshot.json'))"
    )
    assert user.calls(command, "--definitions", module, "--connection", "nope") == 1
    error = capsys.readouterr().err
    assert "Airbyte cannot be asked. " in error
    assert "503" in error
    assert "The definitions have no connection named 'nope'" in error
    assert "Airbyte has no connection" not in error
    if command == "status":
        # Nor is anything good, as the definitions do not know by what schedule it syncs.
        assert user.calls(command, "--definitions", module, "--json") == 1
        found = json.loads(capsys.readouterr().out)["connections"]
        states = {each["name"]: each["state"] for each in found}
        assert (states["shop"], states[LONG]) == ("unknown", "failed")


def test_without_the_configuration_api_there_are_no_reasons_and_a_sentence_says_so(
    user: User, airbyte: AirbyteSimulator, capsys: Capture
) -> None:
    airbyte.add_fault(Fault.status(403), path="/api/v1/jobs/list_for_workspaces", times=None)
    module = user.module(ANEW.replace("TIMEOUT", "13"))
    assert user.calls("status", "--workspace", f"{module}:airbyte", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["connections"][0]["name"], found["connections"][0]["reason"]) == (LONG, None)
    assert "Configuration API is closed" in found["notes"][0]


def test_a_second_look_asks_only_for_what_is_new(user: User, airbyte: AirbyteSimulator) -> None:
    with subject_of(f"{user.module()}:airbyte", None) as subject:
        reader = StatusReader(subject, None, ())
        first = reader.read()
        airbyte.forget_requests()
        again = reader.read()
        assert len(airbyte.requests) == 1
        assert [row.state for row in again.rows] == [row.state for row in first.rows]
        airbyte.add_fault(Fault.status(503), times=None)
        last = reader.read()
        assert "503" in (last.error or "")
        assert [row.state for row in last.rows] == [row.state for row in first.rows]


def test_watching_shows_each_look_until_it_is_interrupted(user: User, capsys: Capture) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            raise KeyboardInterrupt

    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    assert watched(lambda: Status((), now), 7, sleep) == 130
    assert slept == [7, 7]
    assert capsys.readouterr().out.count("At 2026-01-01 00:00 UTC") == 2


def test_ctrl_c_ends_watching_cleanly_in_a_terminal(user: User) -> None:
    named = ("--workspace", f"{user.module()}:airbyte", "--watch", "60")
    code, seen = interrupted_in_a_terminal(80, b"Ctrl-C ends this.", "status", *named)
    assert code == 130
    assert LONG.split()[0] in seen
    assert "Traceback" not in seen
    assert "Interrupted" not in seen


def test_assets_of_other_definitions_are_not_due(user: User, capsys: Capture) -> None:
    """A connection that a selector leaves out has no asset to be reported for."""
    module = user.module(
        "defs = build_airbyte_definitions(\n"
        "    airbyte, connection_selector_fn=lambda each: each.name != 'fresh')"
    )
    assert user.calls("status", "--definitions", module, "--json") == 0
    found = json.loads(capsys.readouterr().out)["connections"]
    reported = {each["name"]: each["reported"] for each in found}
    assert (reported["fresh"], reported["shop"]) == ("not due", "yes")
