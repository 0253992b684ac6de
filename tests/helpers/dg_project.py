"""A project made and looked at by the real `dg` command."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

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


@contextmanager
def nobody_at(url: str) -> Iterator[None]:
    """Keep the port, so that no other server of this machine answers there."""
    port = int(url.rpartition(":")[2])
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        yield
