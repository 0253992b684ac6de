"""A project made and looked at by the real `dg` command, and a real `dagster dev` of it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

_COMMANDS = Path(sys.executable).parent


@dataclass(frozen=True)
class DgProject:
    folder: Path
    environ: Mapping[str, str]

    @property
    def defs(self) -> Path:
        return self.folder / "src" / self.folder.name / "defs"

    def run(self, *command: str) -> str:
        """What the command prints; it must succeed."""
        done = self.try_to(*command)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def try_to(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(_COMMANDS / command[0]), *command[1:]],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )

    def run_all(self, *commands: Sequence[str]) -> list[str]:
        """What each of the commands prints, which run side by side: they mostly import Dagster."""
        with ThreadPoolExecutor() as pool:
            return list(pool.map(lambda command: self.run(*command), commands))


def create_project(home: Path, environ: Mapping[str, str]) -> DgProject:
    """A new project, as `create-dagster` makes it."""
    folder = home / "analytics"
    (home / "dagster").mkdir()
    (home / "dagster" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    mine = {
        "HOME": str(home),
        "DAGSTER_HOME": str(home / "dagster"),
        # In place of an installation.
        "PYTHONPATH": str(folder / "src"),
        "COLUMNS": "200",
    }
    project = DgProject(folder, {**os.environ, **mine, **environ})
    DgProject(home, project.environ).run("create-dagster", "project", "--no-uv-sync", str(folder))
    return project


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

    def ask(self, query: str) -> dict[str, Any]:
        address = f"http://127.0.0.1:{self.port}/graphql"
        answer = requests.post(address, json={"query": query}, timeout=60).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data


@contextmanager
def dagster_dev(project: DgProject) -> Iterator[DagsterDev]:
    """`dagster dev` of the project; it is up when it answers."""
    log = project.folder / "dagster_dev.log"
    port = free_port()
    command = [str(_COMMANDS / "dagster"), "dev", "-m", f"{project.folder.name}.definitions"]
    with log.open("w") as out:
        process = subprocess.Popen(
            [*command, "-h", "127.0.0.1", "-p", str(port)],
            cwd=project.folder,
            env=project.environ,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            dev = DagsterDev(port, log)
            wait_for(lambda: _answers(dev), process, log)
            yield dev
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _answers(dev: DagsterDev) -> bool:
    try:
        return bool(dev.assets())
    except requests.RequestException:
        return False


def wait_for(
    is_so: Callable[[], bool], process: "subprocess.Popen[bytes]", log: Path, seconds: float = 90
) -> None:
    """Look until it is so; fail with the log if the process ends or it takes too long."""
    until = time.monotonic() + seconds
    while not is_so():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.2)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def nobody_at(url: str) -> Iterator[None]:
    """Keep the port, so that no other server of this machine answers there."""
    port = int(url.rpartition(":")[2])
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        yield
