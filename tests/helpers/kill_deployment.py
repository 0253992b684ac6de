"""A Dagster deployment of real processes: `dagster-daemon run` and a gRPC code server."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from helpers.kill_group import ProcessGroup
from helpers.waiting import wait_until

# Its own launcher cannot say that a worker is gone: a run that never began is given up after
# `start_timeout_seconds`, and `Runs.bury` does the rest.
_SETTINGS = """\
telemetry:
  enabled: false
nux:
  enabled: false
run_monitoring:
  enabled: true
  start_timeout_seconds: 15
  poll_interval_seconds: 2
run_queue:
  max_concurrent_runs: 3
  dequeue_interval_seconds: 1
  tag_concurrency_limits:
    - key: {one_run_each}
      value: {{applyLimitPerUniqueValue: true}}
      limit: 1
{storage}"""
_WORKSPACE = """\
load_from:
  - grpc_server:
      socket: "{socket}"
      location_name: "{name}"
"""
_LOCATION = Path(__file__).parents[1] / "kill" / "location.py"
_DAEMON = ("dagster-daemon",)


class Deployment:
    """Daemon and code server over one home; either may be killed and started at any time.

    `daemon` is the command that has `run` for the daemon.
    """

    def __init__(
        self,
        home: Path,
        group: ProcessGroup,
        environ: Mapping[str, str],
        location: Path = _LOCATION,
        daemon: Sequence[str] = _DAEMON,
    ) -> None:
        self.home = home
        self._group = group
        self._location = location
        self._daemon_command = daemon
        self._environ = {**environ, "DAGSTER_HOME": str(home), "TMPDIR": str(home)}
        self.daemon_since = 0.0
        self._socket = home / "code.sock"
        self._daemon: subprocess.Popen[bytes] | None = None
        self._code_server: subprocess.Popen[bytes] | None = None

    def configure(self, settings: str) -> None:
        """Write the settings, which are all of `dagster.yaml`."""
        (self.home / "dagster.yaml").write_text(settings)
        workspace = _WORKSPACE.format(socket=self._socket, name=self._location.parent.name)
        (self.home / "workspace.yaml").write_text(workspace)

    def start_code_server(self) -> None:
        """Start it and wait until it has loaded the definitions."""
        command = ["dagster", "api", "grpc", "-s", str(self._socket), "-f", str(self._location)]
        self._socket.unlink(missing_ok=True)
        self._code_server = self._start(command, "code-server.log")
        wait_until(self._answers, "a code server that answers", evidence=self.last_words)

    def start_daemon(self) -> None:
        command = [*self._daemon_command, "run", "-w", str(self.home / "workspace.yaml")]
        self.daemon_since = time.time()
        self._daemon = self._start(command, "daemon.log")

    @property
    def pids(self) -> dict[str, int]:
        """Of the processes that tick, by what they are."""
        assert self._daemon is not None
        assert self._code_server is not None
        return {"daemon": self._daemon.pid, "code server": self._code_server.pid}

    def kill_daemon(self) -> None:
        assert self._daemon is not None
        _kill(self._daemon)

    def kill_code_server(self) -> None:
        assert self._code_server is not None
        _kill(self._code_server)

    def check(self) -> None:
        """Nothing may have ended by itself."""
        for process in (self._daemon, self._code_server):
            assert process is not None
            assert process.poll() is None, f"Not killed, but ended:\n{self.last_words()}"

    def last_words(self) -> str:
        """The ends of the logs."""
        logs = sorted(self.home.glob("*.log"))
        return "\n".join(f"{log}:\n{_tail(log)}" for log in logs)

    def _start(self, command: list[str], log: str) -> subprocess.Popen[bytes]:
        return self._group.start(command, self.home / log, self._environ)

    def _answers(self) -> bool:
        assert self._code_server is not None
        assert self._code_server.poll() is None, f"No code server: {self.last_words()}"
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self._socket)) == 0


def kill_settings(storage: str, one_run_each: str) -> str:
    """Runs with the same value of that tag are executed one at a time."""
    return _SETTINGS.format(one_run_each=one_run_each, storage=storage)


@contextmanager
def instance_of(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


def _kill(process: subprocess.Popen[bytes]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
