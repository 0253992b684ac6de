"""A real `dagster dev`: webserver, daemon and code server, asked as its UI asks it."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from helpers.waiting import wait_until

_LAUNCH = """
mutation($selector: JobOrPipelineSelector!) {
  launchRun(executionParams: {selector: $selector, mode: "default"}) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}"""
_TERMINATE = """
mutation($id: String!) {
  terminateRun(runId: $id) { __typename ... on PythonError { message } }
}"""


@dataclass(frozen=True)
class DagsterDev:
    port: int
    log: Path

    def assets(self) -> set[str]:
        return {
            "/".join(node["assetKey"]["path"])
            for node in self.ask("{ assetNodes { assetKey { path } } }")["assetNodes"]
        }

    def instigators(self) -> set[str]:
        """The names of sensors and schedules."""
        found = self.ask(
            "{ repositoriesOrError { ... on RepositoryConnection { nodes"
            " { sensors { name } schedules { name } } } } }"
        )
        nodes = found["repositoriesOrError"]["nodes"]
        return {each["name"] for node in nodes for each in (*node["sensors"], *node["schedules"])}

    def reload(self) -> None:
        """Load all code anew, as the button in the UI does."""
        self.ask("mutation { reloadWorkspace { __typename } }")

    def launch(self, job: str, repository: str, location: str) -> str:
        """Launch a run of a job, as the button in the UI does; the run's id."""
        return self._launch(job, repository, location)

    def materialize(self, keys: Sequence[str], location: str) -> str:
        """Launch a run of assets without their checks; the run's id."""
        assets = [{"path": key.split("/")} for key in keys]
        return self._launch(
            "__ASSET_JOB", "__repository__", location, assetSelection=assets, assetCheckSelection=[]
        )

    def _launch(self, job: str, repository: str, location: str, **chosen: object) -> str:
        selector = {
            "jobName": job,
            "repositoryName": repository,
            "repositoryLocationName": location,
            **chosen,
        }
        launched = self.ask(_LAUNCH, selector=selector)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        run_id: str = launched["run"]["runId"]
        return run_id

    def terminate(self, run_id: str) -> None:
        """Terminate a run, as the button in the UI does."""
        terminated = self.ask(_TERMINATE, id=run_id)["terminateRun"]
        assert terminated["__typename"] == "TerminateRunSuccess", terminated

    def run_status(self, run_id: str) -> str:
        found = self.ask(
            "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }", id=run_id
        )
        status: str = found["runOrError"]["status"]
        return status

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        address = f"http://127.0.0.1:{self.port}/graphql"
        asked = {"query": query, "variables": variables}
        answer = requests.post(address, json=asked, timeout=60).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data


@contextmanager
def dagster_dev(folder: Path, environ: Mapping[str, str], *target: str) -> Iterator[DagsterDev]:
    """`dagster dev` of a target such as `-f file.py`, in a folder; it is up when it answers."""
    log = folder / "dagster_dev.log"
    port = free_port()
    command = [str(Path(sys.executable).parent / "dagster"), "dev", *target]
    with log.open("w") as out, tempfile.TemporaryDirectory() as temporary:
        process = subprocess.Popen(
            [*command, "-h", "127.0.0.1", "-p", str(port)],
            cwd=folder,
            env={**environ, "TMPDIR": temporary},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            dev = DagsterDev(port, log)
            wait_until(
                lambda: _answers(dev, process),
                "an answer of dagster dev",
                every=0.2,
                evidence=log.read_text,
            )
            yield dev
        finally:
            # In good order it takes ten seconds and more; what it leaves is in these two folders.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _answers(dev: DagsterDev, process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None, dev.log.read_text()
    try:
        return bool(dev.assets())
    except requests.RequestException:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
