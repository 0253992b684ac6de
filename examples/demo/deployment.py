"""A real `dagster dev`, in a process group and a folder of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import requests

DEFINITIONS = Path(__file__).with_name("definitions.py")
SETTINGS = "telemetry:\n  enabled: false\nnux:\n  enabled: false\n"

# Seconds. In good order it takes ten and more, and all that it writes goes with its folder.
_GRACE = 2.0
_LAST_LINES = 25


class Deployment:
    """Webserver, daemon and code server, with everything they write below `folder`."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.home = folder / "home"
        self._temporary = folder / "tmp"
        self._log = folder / "dagster.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.home.mkdir()
        self._temporary.mkdir()
        (self.home / "dagster.yaml").write_text(SETTINGS)

    def start(self, environment: Mapping[str, str]) -> None:
        command = [
            "dagster",
            "dev",
            "-f",
            str(DEFINITIONS),
            "-h",
            "127.0.0.1",
            "-p",
            f"{self.port}",
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=self.home,
                env={**os.environ, **self._environment(), **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # So that Ctrl-C reaches only the demo, which then ends all of them in order.
                start_new_session=True,
            )

    def _environment(self) -> dict[str, str]:
        return {
            "DAGSTER_HOME": str(self.home),
            # Processes that must be killed leave their temporary files here.
            "TMPDIR": str(self._temporary),
        }

    @property
    def has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    @property
    def is_up(self) -> bool:
        """Whether the webserver answers; `dagster dev` starts it when the code is loaded."""
        try:
            return requests.get(f"{self.url}/server_info", timeout=2).ok
        except requests.RequestException:
            return False

    def last_words(self) -> str:
        """The end of its log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-_LAST_LINES:])

    def stop(self) -> None:
        """Ask it to end, then end whatever is left of its process group."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        # Its code servers outlive it by up to 45 seconds.
        _kill_group(self._process.pid)


def _kill_group(group: int, patience: float = 2.0) -> None:
    until = time.monotonic() + patience
    try:
        while time.monotonic() < until:
            os.killpg(group, signal.SIGKILL)
            time.sleep(0.05)
    except ProcessLookupError:
        return
