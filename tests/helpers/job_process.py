"""A run in processes of its own, by Dagster's own command: `dagster job execute`."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync.assets.tables.keys import int_in
from dagster_airbyte_sync.testing import AirbyteSimulator, RecordedRequest
from helpers.kill_processes import spawned_in
from helpers.waiting import LONGEST, wait_until


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

    def wait_for_steps(self) -> None:
        """Until no process of one of its steps lives."""
        wait_until(lambda: not spawned_in(self._process.pid), "an end of the run's steps")

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


def last_job_reported(home: Path, table: str) -> int | None:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        entry = instance.get_latest_materialization_event(dg.AssetKey(table))
        reported = entry.asset_materialization if entry else None
        return int_in(reported.metadata, "dagster-airbyte/job_id") if reported else None


def wait_until_followed(airbyte: AirbyteSimulator) -> None:
    """Until a run has asked for a job by its id."""
    followed = threading.Event()

    def note(request: RecordedRequest) -> None:
        if "/public/v1/jobs/" in request.path:
            followed.set()

    airbyte.on_request(note)
    for request in airbyte.requests:
        note(request)
    assert followed.wait(LONGEST), "No run has asked for a job by its id."
