"""Calls commands as a user does: with a module of theirs, in a folder of theirs."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from dagster_airbyte_sync.cli import main
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.variables import variables

WORKSPACE = """
import dagster as dg
from dagster_airbyte_sync import (
    AirbyteWorkspace, build_airbyte_definitions, build_airbyte_polling_sensor
)

airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
    request_max_retries=0,
)
"""


@contextmanager
def user_of(
    airbyte: AirbyteSimulator, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator["User"]:
    """Somebody whose variables lead to this Airbyte, in a terminal of 80 columns."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("COLUMNS", "80")
    for name, value in variables(airbyte.workspace_config()).items():
        monkeypatch.setenv(name, value)
    user = User(folder)
    yield user
    for name in user.modules:
        sys.modules.pop(name, None)


class User:
    """Writes modules and calls commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules: list[str] = []

    def module(self, code: str = "") -> str:
        """The name of a new module that makes `airbyte`, and then runs the code."""
        # A module is imported once for each name.
        name = f"project_{uuid.uuid4().hex}"
        (self.folder / f"{name}.py").write_text(WORKSPACE + code)
        self.modules.append(name)
        return name

    def calls(self, *arguments: str) -> int:
        """The exit code of a command."""
        return main(arguments)


def unread(*arguments: str) -> tuple[int, str]:
    """The exit code of a real process whose output nobody reads, and what it says on stderr."""
    with subprocess.Popen(
        [sys.executable, "-m", "dagster_airbyte_sync", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        error = process.stderr.read().decode()
        return process.wait(), error


def in_a_terminal(columns: int, answer: str, *arguments: str) -> tuple[int, str]:
    """The exit code of a real process in a real terminal, and what is to be seen there.

    The answer is typed when there is a question.
    """
    process, ours = _start_in_a_terminal(columns, arguments)
    seen = b""
    while piece := _read(ours):
        seen += piece
        if piece.endswith(b"[y/N]: "):
            os.write(ours, answer.encode())
    os.close(ours)
    return process.wait(), seen.decode()


def interrupted_in_a_terminal(columns: int, when: bytes, *arguments: str) -> tuple[int, str]:
    """The same of a process that gets a Ctrl-C as soon as `when` is to be seen."""
    process, ours = _start_in_a_terminal(columns, arguments)
    seen = b""
    while piece := _read(ours):
        is_new = when not in seen
        seen += piece
        if is_new and when in seen:
            process.send_signal(signal.SIGINT)
    os.close(ours)
    return process.wait(), seen.decode()


def _start_in_a_terminal(
    columns: int, arguments: Sequence[str]
) -> tuple[subprocess.Popen[bytes], int]:
    """The process, and our end of its terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environ = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    process = subprocess.Popen(
        [sys.executable, "-m", "dagster_airbyte_sync", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**environ, "TERM": "xterm"},
    )
    os.close(theirs)
    return process, ours


def _read(terminal: int) -> bytes:
    # Linux reports the end of what a terminal shows as an error.
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""
