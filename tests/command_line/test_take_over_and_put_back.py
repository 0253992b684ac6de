"""`take-over` and `put-back` show what would change, ask, and lose nothing half-way."""

import json
import os
import re
import resource
import signal
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from dagster_airbyte_sync.cli.mistakes import Mistake
from dagster_airbyte_sync.cli.schedules.record import recording
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    RecordedRequest,
    SimulatedConnection,
)
from helpers.commands import User, in_a_terminal, unread, user_of

Capture = pytest.CaptureFixture[str]
NOON = {"cron": "0 0 12 * * ?", "timezone": "Europe/Berlin"}
FILE = Path("schedules.jsonl")


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        yield airbyte


@pytest.fixture
def three(airbyte: AirbyteSimulator) -> list[SimulatedConnection]:
    """A third is called as no mark-up of a terminal should be read."""
    return [
        airbyte.add_connection("shop", ["orders"], schedule=NOON),
        airbyte.add_connection("crm", ["leads"], schedule=timedelta(hours=6)),
        airbyte.add_connection("[red]ads[/red]", ["clicks"], schedule=timedelta(hours=1)),
    ]


@pytest.fixture
def user(
    airbyte: AirbyteSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[User]:
    with user_of(airbyte, tmp_path, monkeypatch) as user:
        yield user


def call(user: User, command: str, *more: str) -> int:
    workspace = f"{user.module()}:airbyte"
    return user.calls(command, "--workspace", workspace, "--file", str(FILE), *more)


def times(connections: list[SimulatedConnection]) -> list[object]:
    return [
        (each.schedule.every, each.schedule.cron, each.schedule.timezone) for each in connections
    ]


def kinds(connections: list[SimulatedConnection]) -> list[str]:
    return [each.schedule.type for each in connections]


def test_a_dry_run_shows_each_connection_and_what_dagster_will_run_and_changes_nothing(
    user: User, three: list[SimulatedConnection], capsys: Capture
) -> None:
    assert call(user, "take-over", "--dry-run") == 0
    printed = capsys.readouterr().out
    assert "every 6 hours" in printed
    assert "every hour " in printed
    assert "0 */6 * * * UTC" in printed
    assert "0 12 * * * Europe/Berlin" in printed
    assert "[red]ads[/red]" in printed
    assert max(map(len, printed.splitlines())) <= 80
    assert kinds(three) == ["cron", "basic", "basic"]
    assert not FILE.exists()


def test_without_a_terminal_and_without_yes_it_refuses(
    user: User, three: list[SimulatedConnection], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path(os.devnull).open() as nobody:
        monkeypatch.setattr(sys, "stdin", nobody)
        assert call(user, "take-over") == 2
    assert "There is no terminal to ask in" in capsys.readouterr().err
    assert kinds(three) == ["cron", "basic", "basic"]
    assert not FILE.exists()


@pytest.mark.parametrize(("columns", "answer"), [(80, "y"), (200, "n")])
def test_in_a_terminal_it_shows_what_would_change_and_asks(
    user: User, three: list[SimulatedConnection], columns: int, answer: str
) -> None:
    """A wide one has room for ids."""
    named = ("--workspace", f"{user.module()}:airbyte", "--file", str(FILE))
    code, seen = in_a_terminal(columns, f"{answer}\n", "take-over", *named)
    assert "Make 3 connections manual in Airbyte" in seen
    assert (three[0].connection_id in seen) is (columns == 200)
    assert max(len(line) for line in without_colours(seen).splitlines()) <= columns
    assert code == (0 if answer == "y" else 1)
    assert kinds(three) == (["manual"] * 3 if answer == "y" else ["cron", "basic", "basic"])


def without_colours(seen: str) -> str:
    assert "\x1b[1m" in seen
    return re.sub(r"\x1b\[[0-9;]*m", "", seen)


def test_there_and_back_everything_is_as_it_was(
    user: User, three: list[SimulatedConnection], capsys: Capture
) -> None:
    before = times(three)
    assert call(user, "take-over", "--yes") == 0
    assert kinds(three) == ["manual"] * 3
    assert len(FILE.read_text().splitlines()) == 3
    assert "3 connections are manual in Airbyte now" in capsys.readouterr().out

    assert call(user, "take-over", "--yes") == 0
    assert "Nothing is left to take over" in capsys.readouterr().out

    assert call(user, "put-back", "--dry-run") == 0
    assert kinds(three) == ["manual"] * 3
    assert call(user, "put-back", "--yes", "--json") == 0
    assert times(three) == before
    printed = capsys.readouterr().out
    results = json.loads(printed[printed.index("\n{") :])
    assert {each["result"] for each in results["connections"]} == {"restored"}
    assert call(user, "put-back", "--yes") == 0


def test_a_workspace_that_only_the_definitions_have_will_do(
    user: User, three: list[SimulatedConnection], capsys: Capture
) -> None:
    """As in a project with a component, where no module has the workspace."""
    module = user.module("defs = build_airbyte_definitions(airbyte)\ndel airbyte\n")
    named = ("--definitions", module)
    assert user.calls("take-over", *named, "--file", str(FILE), "--yes") == 0
    assert kinds(three) == ["manual"] * 3
    assert user.calls("put-back", *named, "--file", str(FILE), "--yes") == 0
    assert kinds(three) == ["cron", "basic", "basic"]
    assert user.calls("snapshot", *named, "--out", "airbyte.json") == 0
    assert "3 connections" in capsys.readouterr().out
    assert user.calls("put-back", "--file", str(FILE)) == 2
    assert "Give --workspace MODULE:NAME, or --definitions MODULE." in capsys.readouterr().err


def test_only_chosen_connections_are_taken_and_a_name_that_is_none_is_said(
    user: User, three: list[SimulatedConnection], capsys: Capture
) -> None:
    assert call(user, "take-over", "--yes", "--connection", "s*", "--connection", "shpo") == 1
    assert "no connection named 'shpo'. The connections are: " in capsys.readouterr().err
    assert kinds(three) == ["cron", "basic", "basic"]
    assert call(user, "take-over", "--yes", "--leave-out", "crm") == 0
    assert kinds(three) == ["manual", "basic", "manual"]


def interrupt_at(airbyte: AirbyteSimulator, number: int) -> None:
    """Ctrl-C as the so many-th change reaches Airbyte."""
    seen = []

    def on_request(request: RecordedRequest) -> None:
        if request.path.endswith("/connections/update"):
            seen.append(request)
            if len(seen) == number:
                os.kill(os.getpid(), signal.SIGINT)

    airbyte.on_request(on_request)


def test_interrupted_half_way_it_says_how_far_it_came_and_goes_on_when_it_is_run_again(
    user: User, airbyte: AirbyteSimulator, three: list[SimulatedConnection], capsys: Capture
) -> None:
    before = times(three)
    interrupt_at(airbyte, 2)
    assert call(user, "take-over", "--yes") == 130
    assert "Interrupted. 2 of 3 schedules are written to schedules.jsonl" in capsys.readouterr().err
    written = {json.loads(line)["connection_name"] for line in FILE.read_text().splitlines()}
    assert {each.name for each in three if each.schedule.type == "manual"} <= written

    assert call(user, "take-over", "--yes") == 0
    assert kinds(three) == ["manual"] * 3
    assert call(user, "put-back", "--yes") == 0
    assert times(three) == before


def test_a_change_that_airbyte_refuses_keeps_no_other_from_it(
    user: User, airbyte: AirbyteSimulator, three: list[SimulatedConnection], capsys: Capture
) -> None:
    airbyte.add_fault(Fault.status(422), path="/connections/update")
    assert call(user, "take-over", "--yes") == 1
    error = capsys.readouterr().err
    assert "1 of 3 schedules were not changed" in error
    assert "3 of 3 schedules are written" in error
    assert "those named above may have kept their own. Run the same command again" in error
    assert kinds(three) == ["cron", "manual", "manual"]


def test_a_reader_who_has_gone_keeps_nothing_from_being_put_back(
    user: User, three: list[SimulatedConnection]
) -> None:
    before = times(three)
    assert call(user, "take-over", "--yes") == 0
    command = f"put-back --workspace {user.module()}:airbyte --file {FILE} --yes"
    assert unread(*command.split()) == (0, "")
    assert times(three) == before


def test_what_cannot_be_taken_over_is_said_before_anything_is_changed(
    user: User, airbyte: AirbyteSimulator, three: list[SimulatedConnection], capsys: Capture
) -> None:
    airbyte.add_connection("odd", ["a"], schedule=timedelta(minutes=45))
    assert call(user, "take-over", "--yes") == 1
    printed = capsys.readouterr()
    assert "cannot be" in printed.out
    assert "--leave-out 'odd'" in printed.err
    assert kinds(three) == ["cron", "basic", "basic"]
    assert call(user, "take-over", "--yes", "--leave-out", "odd") == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("hello\n", "does not contain schedules"),
        (
            '{"workspace_id": "w", "connection_id": "c", "connection_name": "n",'
            ' "schedule": {"kind": "cron", "cron_expression": "0 0 12 * * ?"}}\n',
            "schedules of workspace w",
        ),
    ],
)
def test_a_file_of_something_else_is_not_written_to(
    user: User, three: list[SimulatedConnection], content: str, said: str, capsys: Capture
) -> None:
    FILE.write_text(content)
    assert call(user, "take-over", "--yes") == 1
    assert said in capsys.readouterr().err
    assert FILE.read_text() == content
    assert kinds(three) == ["cron", "basic", "basic"]


def test_a_file_that_cannot_be_written_or_is_not_there_is_named(
    user: User, three: list[SimulatedConnection], capsys: Capture
) -> None:
    workspace = f"{user.module()}:airbyte"
    nowhere = ("--workspace", workspace, "--file", "nowhere/s.jsonl", "--yes")
    assert user.calls("take-over", *nowhere) == 1
    assert "nowhere/s.jsonl cannot be written" in capsys.readouterr().err
    assert kinds(three) == ["cron", "basic", "basic"]
    assert user.calls("put-back", *nowhere) == 1
    assert "There is no file nowhere/s.jsonl" in capsys.readouterr().err


def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    path = tmp_path / "schedules.jsonl"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with recording(path) as record:
        record.write("first")
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
        try:
            with pytest.raises(Mistake, match="cannot be written: File too large"):
                record.write("second, and longer")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_text() == "first\n"
