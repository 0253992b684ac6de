"""A user's mistake is one or two sentences and an exit code: no stack trace, and no secret."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dagster_airbyte_sync.cli.check.report import as_json
from dagster_airbyte_sync.cli.check.seen import Line
from dagster_airbyte_sync.cli.group import COMMANDS
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.commands import User, unread, user_of

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        airbyte.add_connection("shop", ["orders"])
        yield airbyte


@pytest.fixture
def user(
    airbyte: AirbyteSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[User]:
    with user_of(airbyte, tmp_path, monkeypatch) as user:
        yield user


def snapshot(user: User, code: str) -> int:
    return user.calls("snapshot", "--workspace", f"{user.module(code)}:airbyte", "--out", "x.json")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise RuntimeError('no such thing')", "RuntimeError: no such thing"),
        ("def broken(:", "SyntaxError: invalid syntax"),
        ("raise SystemExit('how to use it')", "SystemExit: how to use it"),
        ("build_airbyte_definitions(airbyte, minimum_interval_seconds=0)", "at least 1"),
        (
            "dg.ScheduleDefinition(job_name='a', cron_schedule='nope')",
            "invalid cron schedule 'nope'",
        ),
    ],
)
def test_a_module_that_raises_is_named_with_the_line_and_the_reason(
    user: User, code: str, said: str, capsys: Capture
) -> None:
    assert snapshot(user, code) == 1
    error = capsys.readouterr().err
    assert f"{user.modules[-1]} could not be imported" in error
    assert said in error
    assert "Traceback" not in error
    assert error.count("\n") == 1


def test_all_variables_that_are_not_set_are_named_at_once(
    user: User, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.delenv("AIRBYTE_CLIENT_ID")
    monkeypatch.delenv("AIRBYTE_CLIENT_SECRET")
    for code in ("", "build_airbyte_definitions(airbyte)"):
        assert snapshot(user, code) == 1
        error = capsys.readouterr().err
        assert "AIRBYTE_CLIENT_ID and AIRBYTE_CLIENT_SECRET are not set" in error
        assert "Stack Trace" not in error


def test_variables_are_taken_from_the_env_file_of_the_project_unless_they_are_set(
    user: User, airbyte: AirbyteSimulator, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.delenv("AIRBYTE_CLIENT_SECRET")
    (user.folder / ".env").write_text(
        f"export AIRBYTE_CLIENT_SECRET='{airbyte.client_secret}'  # as Airbyte shows it\n"
        "AIRBYTE_WORKSPACE_ID=another\n"
    )
    assert snapshot(user, "") == 0
    assert f"of workspace {airbyte.workspace_id}" in capsys.readouterr().out
    (user.folder / ".env").write_bytes(b"A=\xff\n")
    assert snapshot(user, "") == 1
    assert ".env cannot be read" in capsys.readouterr().err


def test_a_secret_in_a_message_of_the_module_is_hidden(
    user: User, airbyte: AirbyteSimulator, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "correct horse")
    code = "import os\nraise RuntimeError(os.environ['DB_PASSWORD'] + airbyte.client_secret)"
    code = code.replace("airbyte.client_secret", "os.environ['AIRBYTE_CLIENT_SECRET']")
    assert snapshot(user, code) == 1
    error = capsys.readouterr().err
    assert "RuntimeError: ***" in error
    assert "correct horse" not in error
    assert airbyte.client_secret not in error
    assert user.calls("check", "--definitions", user.modules[-1], "--json") == 1
    assert airbyte.client_secret not in capsys.readouterr().out


def test_a_misspelt_workspace_is_answered_with_the_one_there_is(
    user: User, capsys: Capture
) -> None:
    module = user.module("defs = build_airbyte_definitions(airbyte)")
    assert user.calls("snapshot", "--workspace", f"{module}:airbite", "--out", "x.json") == 1
    said = capsys.readouterr().err
    assert f"has no 'airbite': give --workspace {module}:airbyte." in said
    assert user.calls("snapshot", "--workspace", f"{module}:defs", "--out", "x.json") == 1
    assert f"is a Definitions: give --definitions {module} instead." in capsys.readouterr().err


def test_what_a_module_prints_does_not_get_into_the_json(user: User, capsys: Capture) -> None:
    module = user.module("print('hello')")
    user.calls("check", "--workspace", f"{module}:airbyte", "--json")
    printed = capsys.readouterr()
    assert printed.out.startswith("{")
    assert "hello" in printed.err


def test_a_function_that_makes_definitions_is_code_of_the_user_too(
    user: User, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """What it raises is a line without secrets in each part of the report; what it prints, none."""
    monkeypatch.setenv("DB_PASSWORD", "correct horse")
    raises = "print('hello')\n    raise ValueError('no battery: correct horse')"
    module = user.module(f"@dg.definitions\ndef defs():\n    {raises}\n")
    assert user.calls("check", "--definitions", module, "--json") == 1
    printed = capsys.readouterr()
    (first,) = json.loads(printed.out)["lines"]
    assert f"({module}.py, line" in first["text"]
    assert "ValueError: no battery: ***" in first["text"]
    assert "Dagster shows the same error" in first["step"]
    assert printed.err == "hello\n"
    assert "correct horse" not in printed.out


def test_what_to_do_quotes_no_secret_in_the_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an address may hold one."""
    monkeypatch.setenv("DB_PASSWORD", "correct horse")
    line = Line("problem", "addresses", "Wrong.", "Set it to http://me:correct horse@airbyte")
    shown = as_json([line])
    assert "correct horse" not in str(shown)
    assert str(shown).count("Set it to http://me:***@airbyte") == 2


def test_only_what_dagster_would_show_too_is_said_to_be_shown_there(
    user: User, capsys: Capture
) -> None:
    assert user.calls("check", "--definitions", "no_such_module", "--json") == 1
    printed = capsys.readouterr().out
    assert "There is no module 'no_such_module'" in printed
    assert "Dagster shows the same error" not in printed


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["check"],
        ["snapshot"],
        ["check", "--no-such-option"],
        ["take-over"],
        ["backfill", "--definitions", "json"],
    ],
)
def test_wrong_usage_ends_with_2(user: User, arguments: list[str], capsys: Capture) -> None:
    assert user.calls(*arguments) == 2
    assert "Usage: dagster-airbyte-sync" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("workspace", "said"),
    [
        ("airbyte", "--workspace must be a module and a name"),
        ("project:", "--workspace must be a module and a name"),
        ("project:airbyte:more", "--workspace must be a module and a name"),
        ("my_project/definitions.py:airbyte", "is not the name of a module: for my_project/"),
        ("my_project.definitions.py:airbyte", "leave out .py, and write my_project.definitions"),
        ("..project:airbyte", "'..project' is not the name of a module"),
    ],
)
def test_what_can_be_no_workspace_is_wrong_usage(
    user: User, workspace: str, said: str, capsys: Capture
) -> None:
    assert user.calls("status", "--workspace", workspace) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "status", "cursor show", "backfill --since 1d"])
def test_definitions_that_are_named_as_a_file_are_wrong_usage(
    user: User, command: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(user.folder))
    module = user.module()
    assert user.calls(*command.split(), "--definitions", f"{module}.py") == 2
    assert f"leave out .py, and write {module}" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["backfill --since 7d --dry-run", "cursor show"])
@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("dagster.yaml", "storage: ["),
        ("history/runs.db", "no database"),
        ("history/runs/index.db", "no database"),
        ("schedules/schedules.db", "no database"),
    ],
)
def test_a_storage_that_cannot_be_read_is_a_sentence(
    user: User,
    empty_storage: Path,
    command: str,
    file: str,
    content: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    home = shutil.copytree(empty_storage, user.folder / "home")
    (home / "dagster.yaml").touch()
    (home / file).write_text(content)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    module = user.module("defs = build_airbyte_definitions(airbyte)")
    assert user.calls(*command.split(), "--definitions", module) == 1
    error = capsys.readouterr().err
    assert "Dagster's event log cannot be read: " in error
    assert error.count("\n") == 1


def test_ctrl_c_ends_without_a_trace(user: User, capsys: Capture) -> None:
    assert snapshot(user, "raise KeyboardInterrupt") == 130
    assert capsys.readouterr().err.strip() == "dagster-airbyte-sync: Interrupted."


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_is_for(user: User, command: str, capsys: Capture) -> None:
    assert user.calls(command, "--help") == 0
    printed = capsys.readouterr().out
    assert f"Usage: dagster-airbyte-sync {command}" in printed
    assert max(map(len, printed.splitlines())) <= 80
    assert user.calls("--help") == 0
    assert command in capsys.readouterr().out


def test_a_reader_who_has_gone_is_no_error_to_be_shown(user: User) -> None:
    """As `| head -0` does."""
    assert unread("check", "--workspace", f"{user.module()}:airbyte") == (1, "")
