"""examples/production as real processes: the commands of its compose.yaml over its own files, which
are made quicker, as nobody wants to wait for them in a test."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml

from helpers.checkout import ROOT
from helpers.dagster_dev import DagsterDev, free_port
from helpers.kill_databases import Postgres
from helpers.kill_group import ProcessGroup
from helpers.waiting import wait_until

EXAMPLE = ROOT / "examples" / "production"
LOCATIONS = ("ingest", "analytics")
INTERVAL = 4
# The pool's limit here: with one at a time, two at once are noticed.
POOL_LIMIT = 1

_QUICK_CODE = {
    "minimum_interval_seconds=30": f"minimum_interval_seconds={INTERVAL}",
    'on_active_sync="attach"': 'on_active_sync="attach", poll_interval=0.5',
}
# How long the sync of a run that is over waits for the run's step, as in tests/kill/location.py.
_SHORT_GRACE = """
from dagster_airbyte_sync.assets.sync import reporting
from dagster_airbyte_sync.sensors import tick as polling

for module in (polling, reporting):
    vars(module)["GRACE"] = 5.0
"""
_PATIENCE = 10.0


def compose() -> dict[str, Any]:
    """What compose.yaml says, with what it repeats by reference."""
    read: dict[str, Any] = yaml.safe_load((EXAMPLE / "compose.yaml").read_text())
    return read


class Production:
    """Code servers, daemon and webserver, by the names of their services, beside a PostgreSQL."""

    def __init__(
        self, folder: Path, group: ProcessGroup, postgres: Postgres, airbyte: Mapping[str, str]
    ) -> None:
        self.folder = folder
        self.postgres = postgres
        self._group = group
        self._airbyte = dict(airbyte)
        self._services = compose()["services"]
        self._ports = {name: free_port() for name in (*LOCATIONS, "webserver")}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        # What x-instance of compose.yaml has, for one machine.
        self.instance_environ = {
            "DAGSTER_HOME": str(folder),
            "DAGSTER_LOGS": str(folder / "logs"),
            "DAGSTER_POSTGRES_URL": postgres.url,
            "TMPDIR": str(folder),
            **{f"{name.upper()}_HOST": "127.0.0.1" for name in LOCATIONS},
            **{f"{name.upper()}_PORT": str(self._ports[name]) for name in LOCATIONS},
        }
        self.dagster = DagsterDev(self._ports["webserver"], self._log("webserver"))

    def write(self) -> None:
        """What the image has, but for the snapshot."""
        every = {name: (EXAMPLE / f"{name}.py").read_text() for name in LOCATIONS}
        assert all(usual in "".join(every.values()) for usual in _QUICK_CODE)
        for name, code in every.items():
            for usual, quick in _QUICK_CODE.items():
                code = code.replace(usual, quick)
            (self.folder / f"{name}.py").write_text(code + _SHORT_GRACE)
        (self.folder / "workspace.yaml").write_text((EXAMPLE / "workspace.yaml").read_text())
        (self.folder / "dagster.yaml").write_text(yaml.safe_dump(_quick_settings()))

    def snapshot(self) -> None:
        """The command of the README that writes airbyte.json."""
        command = [sys.executable, "-m", "dagster_airbyte_sync", "snapshot"]
        subprocess.run(
            [*command, "--workspace", "ingest:airbyte", "--out", "airbyte.json"],
            cwd=self.folder,
            env={**os.environ, **self.instance_environ, **self._airbyte},
            check=True,
            capture_output=True,
        )

    def start(self, *names: str) -> None:
        """Start services side by side, and wait until they answer. A daemon answers nobody."""
        for name in names:
            self._running[name] = self._launch(name)
        for name in names:
            self._wait_for(name)

    @contextmanager
    def second_daemon(self) -> Iterator["tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]"]:
        """Another one, beside that which is running; both of them."""
        size = self._log("daemon").stat().st_size
        second = self._launch("daemon")
        wait_until(lambda: self._says("daemon", "Instance is configured", size), "a second daemon")
        yield self._running["daemon"], second
        second.kill()
        second.wait()

    def _launch(self, name: str) -> subprocess.Popen[bytes]:
        service = self._services[name]
        port = str(self._ports.get(name))
        local = {"0.0.0.0": "127.0.0.1", "4000": port, "3000": port}
        command = [local.get(word, word) for word in service["command"]]
        secrets = self._airbyte if "AIRBYTE_CLIENT_SECRET" in service["environment"] else {}
        environ = {**self.instance_environ, **secrets}
        return self._group.start(command, self._log(name), environ)

    def kill(self, name: str) -> None:
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def lose_postgres(self) -> None:
        """Kill it, and start it again as soon as the daemon has given up to connect once."""
        size = self._log("daemon").stat().st_size
        self.postgres.kill()
        words = "too many retries for DB connection"
        wait_until(lambda: self._says("daemon", words, size), "a daemon that gives up", every=0.2)
        self.postgres.start()

    def reload_rolling(self, name: str, at: Callable[[], object]) -> None:
        """A new code server takes over from the one before, as pods do: both listen for a while.

        The old one is asked to end as soon as `at` returns.
        """
        old, size = self._running[name], self._log(name).stat().st_size
        self._running[name] = self._launch(name)
        wait_until(lambda: self._says(name, "Started Dagster", size), f"a new {name}")
        at()
        old.send_signal(signal.SIGTERM)
        try:
            old.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            # Its runs hold it up. Kubernetes does not wait for ever either.
            old.kill()
            old.wait()

    def _says(self, name: str, words: str, size: int) -> bool:
        """Whether they are in its log, behind so many bytes."""
        return words in self._log(name).read_bytes()[size:].decode(errors="replace")

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _wait_for(self, name: str) -> None:
        if name in self._ports:
            wait_until(lambda: self._answers(name), f"an answer of {name}", every=0.2)

    def check(self) -> None:
        """Nothing may have ended by itself."""
        for name, process in self._running.items():
            assert process.poll() is None, f"{name} has ended:\n{self.last_words()}"

    def last_words(self) -> str:
        """The ends of the logs."""
        logs = sorted(self.folder.glob("*.log"))
        tails = (log.read_text(errors="replace").splitlines()[-15:] for log in logs)
        return "\n".join(
            f"{log}:\n" + "\n".join(tail) for log, tail in zip(logs, tails, strict=True)
        )

    def _answers(self, name: str) -> bool:
        assert self._running[name].poll() is None, f"No {name}:\n{self.last_words()}"
        if name == "webserver":
            try:
                return bool(self.dagster.assets())
            except requests.RequestException:
                return False
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self._ports[name])) == 0


def _quick_settings() -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load((EXAMPLE / "dagster.yaml").read_text())
    settings["run_coordinator"]["config"] = {"dequeue_interval_seconds": 1}
    settings["concurrency"]["pools"]["default_limit"] = POOL_LIMIT
    # The daemon may die, or be stopped, while it launches a run.
    settings["run_monitoring"].update(
        start_timeout_seconds=60, poll_interval_seconds=2, free_slots_after_run_end_seconds=1
    )
    return settings
