"""What it costs to load the definitions of a workspace: beside Dagster alone, which makes the same
definitions of what lies in its memory, and beside dagster-airbyte."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.table import Row
from helpers.airbyte_process import AirbyteProcess, airbyte_process

LATENCY = 0.02
OURS, THEIRS, DAGSTER = "dagster_airbyte_sync", "dagster_airbyte", "dagster"
# Connections, and streams of each.
SMALL, LARGE = (500, 5), (10_000, 10)
SOURCES = ("definitions from a snapshot", "definitions from a component's state")


@dataclass(frozen=True)
class Cost:
    """Of one load, imports not counted but in memory."""

    seconds: float
    cpu: float
    megabytes: float
    requests: int = 0

    def __str__(self) -> str:
        asked = f", {self.requests} requests" if self.requests else ""
        return f"{self.seconds:.2f} s ({self.cpu:.2f} s CPU), {self.megabytes:.0f} MB{asked}"


@dataclass(frozen=True)
class Loading:
    """A workspace to load, and where the records and snapshots of it are."""

    airbyte: AirbyteProcess
    folder: Path
    size: str
    rounds: int

    def prepare(self, what: Sequence[str]) -> None:
        """Write what these are loaded from, and then what Dagster alone is given."""
        sources = (each.partition(" from ")[2] for each in what)
        for file in (*sources, "records"):
            self._run(OURS, file)

    def costs(self, what: str, from_files: Sequence[str]) -> list[Cost]:
        """Of Dagster alone, of ours, and of ours from files."""
        return [self.cost(DAGSTER, what), *(self.cost(OURS, each) for each in (what, *from_files))]

    def cost(self, package: str, what: str) -> Cost:
        self.airbyte.forget_requests()
        said = json.loads(self._run(package, what))
        return Cost(**said, requests=self.airbyte.requests())

    def _run(self, package: str, what: str) -> str:
        python = os.environ["DAGSTER_AIRBYTE_PYTHON"] if package == THEIRS else sys.executable
        program = str(Path(__file__).with_name("load_once.py"))
        done = subprocess.run(
            [python, "-W", "ignore", program, package, what, str(self.folder)],
            input=json.dumps(self.airbyte.settings),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def _cpu(cost: Cost) -> float:
    return cost.cpu


def rows() -> Iterator[Row]:
    with workspace(*SMALL, rounds=2) as loading:
        yield from loaded(loading, "assets")
        yield from loaded(loading, "definitions", *SOURCES)
        if "DAGSTER_AIRBYTE_PYTHON" in os.environ:
            yield _beside_dagster_airbyte(loading)
    with workspace(*LARGE, rounds=1) as loading:
        yield from loaded(loading, "assets")


@contextmanager
def workspace(connections: int, streams: int, *, rounds: int) -> Iterator[Loading]:
    with (
        airbyte_process(connections, LATENCY, streams) as airbyte,
        tempfile.TemporaryDirectory() as folder,
    ):
        loading = Loading(airbyte, Path(folder), f"{connections:,} x {streams}", rounds)
        yield loading


def loaded(loading: Loading, what: str, *from_files: str) -> Iterator[Row]:
    """Ours and Dagster alone, in turns; then what loads the same from files."""
    loading.prepare(from_files)
    costs = [loading.costs(what, from_files) for _ in range(loading.rounds)]
    alone, ours, *others = (min(of_one, key=_cpu) for of_one in zip(*costs, strict=True))
    name, beside = f"load {what}, {loading.size}", f"Dagster alone {alone}"
    ratio, memory = ours.cpu / alone.cpu, ours.megabytes / alone.megabytes
    yield Row(f"{name}: CPU", str(ours), beside, f"{ratio:.2f}", "<= 1.5", ratio <= 1.5)
    yield Row(f"{name}: memory", "", "", f"{memory:.2f}", "<= 1.3", memory <= 1.3)
    for source, cost in zip(from_files, others, strict=True):
        ratio = cost.cpu / alone.cpu
        name = f"load {source}, {loading.size}: CPU"
        yield Row(name, str(cost), beside, f"{ratio:.2f}", "<= 1.3", ratio <= 1.3)


def _beside_dagster_airbyte(loading: Loading) -> Row:
    ours, theirs = loading.cost(OURS, "assets"), loading.cost(THEIRS, "assets")
    name, beside = f"load assets, {loading.size}", f"dagster-airbyte {theirs}"
    ratio = ours.seconds / theirs.seconds
    return Row(name, str(ours), beside, f"{ratio:.3f}", "< 1", ratio < 1)
