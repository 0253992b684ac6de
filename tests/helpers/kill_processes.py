"""Processes as /proc lists them: those that Dagster spawns for runs and their steps, and all that
another one has started."""

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from helpers.waiting import wait_until


@dataclass(frozen=True)
class _Process:
    pid: int
    parent: int
    group: int
    command: bytes


def spawned_in(group: int) -> Mapping[int, int]:
    """The parent of each living process of a process group that multiprocessing has spawned.

    So Dagster starts the main process of each run, and from there one for each step.
    """
    return {
        each.pid: each.parent
        for each in _living()
        if each.group == group and b"spawn_main" in each.command
    }


def children_of(parent: int) -> list[int]:
    """The living processes that it has started itself."""
    return [each.pid for each in _living() if each.parent == parent]


def kill_together(pids: Sequence[int]) -> None:
    """Kill them, one right after the other, and wait until none is left."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not {each.pid for each in _living()} & {*pids}, f"an end of {pids}")


def _living() -> Iterator[_Process]:
    for folder in Path("/proc").iterdir():
        found = _read(folder) if folder.name.isdigit() else None
        # A zombie has no command line any more.
        if found is not None and found.command:
            yield found


def _read(folder: Path) -> _Process | None:
    try:
        command = (folder / "cmdline").read_bytes()
        stat = (folder / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # After the program's name, which may have blanks and brackets: state, parent, group.
    _, parent, group = stat.rpartition(")")[2].split()[:3]
    return _Process(int(folder.name), int(parent), int(group), command)
