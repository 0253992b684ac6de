"""A run in processes of its own, by Dagster's own command: `dagster job execute`."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.kill_processes import spawned_in


class JobProcess:
    """One run of a job in a file, with its instance in a folder."""

    def __init__(self, file: Path, job: str, home: Path, environ: Mapping[str, str]) -> None:
        (home / "dagster.yaml").touch()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dagster", "job", "execute", "-f", str(file), "-j", job],
            env={**os.environ, **environ, "DAGSTER_HOME": str(home)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # A signal for this process alone, as a run launcher sends it.
            start_new_session=True,
        )

    def end(self) -> None:
        self._process.wait(timeout=120)

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self.end()

    def suspend(self) -> None:
        """Let it hang, with the processes of its steps."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.killpg(self._process.pid, signal.SIGCONT)

    def kill_main_process(self) -> None:
        """The processes of its steps live on."""
        self._process.kill()
        self._process.wait()

    def has_steps(self) -> bool:
        """Whether a process of one of its steps lives."""
        return bool(spawned_in(self._process.pid))

    def kill(self) -> None:
        """Ends what is left of it."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def only_run(home: Path) -> dg.DagsterRun:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        (run,) = instance.get_runs()
        return run


def is_reported(home: Path, asset: str) -> bool:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        return instance.get_latest_materialization_event(dg.AssetKey(asset)) is not None


def last_job_told(home: Path, table: str) -> object:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        entry = instance.get_latest_materialization_event(dg.AssetKey(table))
        told = entry.asset_materialization if entry else None
        return told.metadata["dagster-airbyte/job_id"].value if told else None


def wait_until(there: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 120
    while not there():
        assert time.monotonic() < give_up, "it does not come"
        time.sleep(0.05)


def is_followed(airbyte: AirbyteSimulator) -> bool:
    """Whether a run has asked for a job by its id."""
    return any("/public/v1/jobs/" in request.path for request in airbyte.requests)
