"""A process group that cannot outlive this process, however either of them ends."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from helpers.kill_processes import spawned_in

# Kills its group, and the processes it was reported of, when its standard input ends: when it is
# closed, or when the process that holds the other end is gone.
_KEEPER = """
import os, signal, sys
os.setpgid(0, 0)
print(flush=True)
for pid in sys.stdin.read().split():
    try:
        os.kill(int(pid), signal.SIGQUIT)
    except ProcessLookupError:
        continue
os.killpg(0, signal.SIGKILL)
"""
_JOIN = "import os, sys; os.setpgid(0, int(sys.argv[1])); os.execv(sys.argv[2], sys.argv[2:])"
_PATIENCE = 10.0


class ProcessGroup:
    """Processes started here, and all that they start, are killed together in the end."""

    def __init__(self) -> None:
        self._keeper = subprocess.Popen(
            [sys.executable, "-c", _KEEPER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._started: list[subprocess.Popen[bytes]] = []
        assert self._keeper.stdout is not None
        self._keeper.stdout.readline()

    def start(
        self, command: Sequence[str], log: Path, environ: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start a command of this environment; it writes into `log` after what is there."""
        program = str(Path(sys.executable).with_name(command[0]))
        join = [sys.executable, "-c", _JOIN, str(self._keeper.pid)]
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*join, program, *command[1:]],
                cwd=log.parent,
                env={**os.environ, **environ},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._started.append(process)
        return process

    def quit_with_us(self, pid: int) -> None:
        """Let a process of another group end, too, should this process die without a word."""
        assert self._keeper.stdin is not None
        self._keeper.stdin.write(f"{pid}\n")
        self._keeper.stdin.flush()

    def has(self, pid: int) -> bool:
        """Whether a process of that id is alive here."""
        try:
            return os.getpgid(pid) == self._keeper.pid
        except ProcessLookupError:
            return False

    def spawned(self) -> Mapping[int, int]:
        """Its living processes that multiprocessing has spawned, each with its parent."""
        return spawned_in(self._keeper.pid)

    def end(self) -> None:
        """Kill all of it and wait until nothing is left."""
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        self._keeper.stdin.close()
        self._keeper.wait(_PATIENCE)
        for process in self._started:
            process.wait(_PATIENCE)
        self._keeper.stdout.close()
        self._wait_for_grandchildren()

    def _wait_for_grandchildren(self) -> None:
        until = time.monotonic() + _PATIENCE
        with contextlib.suppress(ProcessLookupError):
            while time.monotonic() < until:
                os.killpg(self._keeper.pid, signal.SIGKILL)
                time.sleep(0.02)


@contextlib.contextmanager
def process_group() -> Iterator[ProcessGroup]:
    group = ProcessGroup()
    try:
        yield group
    finally:
        group.end()
