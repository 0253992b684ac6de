"""The demo shows what the package is for, and cleans up after itself."""

import importlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers.waiting import wait_until

# What they share is made once.
pytestmark = pytest.mark.xdist_group("demo")

DEMO = Path(__file__).parents[2] / "examples" / "demo"
WATCH = DEMO / "watch.py"
PROCESSES = Path("/proc")
TABLES = ("orders", "customers")

needs_proc = pytest.mark.skipif(
    not (PROCESSES / "self" / "environ").exists(),
    reason="only Linux shows in /proc which processes belong to the demo",
)


class Place:
    """A folder for the demo's temporary files, which also marks its processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def environment(self) -> Mapping[str, str]:
        return {**os.environ, "TMPDIR": str(self.folder)}

    def files(self) -> list[Path]:
        return list(self.folder.iterdir())

    def processes(self) -> dict[int, str]:
        """The command lines of living processes that have this folder in their environment."""
        return {
            int(process.name): _read(process / "cmdline").replace("\0", " ")
            for process in PROCESSES.glob("[0-9]*")
            if str(self.folder) in _read(process / "environ")
        }

    def wait_for(self, command: str) -> int:
        """The number of the process with these words, which may not have begun yet."""
        numbers: list[int] = []

        def look() -> bool:
            numbers.extend(n for n, line in self.processes().items() if command in line)
            return bool(numbers)

        wait_until(look, f"a process {command!r}", evidence=lambda: str(self.processes()))
        return numbers[0]


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # It has ended, or is somebody else's.
        return ""


@contextmanager
def new_place() -> Iterator[Place]:
    # Not tmp_path: Dagster makes Unix sockets below it, whose paths must be short.
    with tempfile.TemporaryDirectory() as folder:
        yield Place(Path(folder))


@pytest.fixture
def place() -> Iterator[Place]:
    with new_place() as found:
        yield found


@pytest.fixture(scope="module")
def once() -> Iterator[tuple[subprocess.CompletedProcess[str], Place]]:
    """One whole `watch.py --once`."""
    with new_place() as where:
        command = [sys.executable, str(WATCH), "--once"]
        yield (
            subprocess.run(
                command, env=where.environment, capture_output=True, text=True, timeout=170
            ),
            where,
        )


@contextmanager
def running(place: Place, until: str) -> Iterator[subprocess.Popen[str]]:
    """The endless demo, from the moment it has printed a line with `until`."""
    with subprocess.Popen(
        [sys.executable, str(WATCH)],
        env=place.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as demo:
        try:
            assert demo.stdout is not None
            assert any(until in line for line in demo.stdout), demo.communicate()[1]
            yield demo
        finally:
            demo.terminate()
            demo.communicate(timeout=60)


def lines_of(output: str, what: str) -> list[str]:
    return [line for line in output.splitlines() if re.match(rf"[\d:]{{8}}  {what} ", line)]


Once = tuple[subprocess.CompletedProcess[str], Place]


def test_once_ends_well_by_itself(once: Once) -> None:
    demo, _ = once
    assert (demo.returncode, demo.stderr) == (0, "")
    assert demo.stdout.splitlines()[-1].startswith("All seen within")


def test_the_address_of_the_ui_comes_first(once: Once) -> None:
    demo, _ = once
    assert re.match(r"Dagster UI +http://127\.0\.0\.1:\d+\n", demo.stdout)


def test_three_syncs_that_airbyte_started_are_reported_with_rows_and_delay(once: Once) -> None:
    demo, _ = once
    syncs = [line for line in lines_of(demo.stdout, "sync") if "started by Dagster" not in line]
    reported = re.compile(r"job \d+ +\d+\.\d s after its end: \d+ \w+")
    assert len(syncs) >= 3
    assert [line for line in syncs if not reported.search(line)] == []


def test_a_failed_an_empty_and_a_cleared_table_are_told_apart(once: Once) -> None:
    demo, _ = once
    (failed, *_), warned = lines_of(demo.stdout, "fail"), "\n".join(lines_of(demo.stdout, "warn"))
    assert re.search(r"Marketing +job \d+ +ads: The sync failed: password expired$", failed)
    assert re.search(r"Newsletter +job \d+ +subscribers: Airbyte reports success but no", warned)
    assert re.search(r"Archive +job \d+ +old_orders: The table was cleared: it is empty", warned)


def test_tables_carry_the_prefix_of_their_connection(once: Once) -> None:
    demo, _ = once
    billing = [line for line in lines_of(demo.stdout, "sync") if "Billing" in line]
    assert billing
    assert all(re.search(r"\d+ stripe_invoices, \d+ stripe_payments", line) for line in billing)


def test_the_sync_that_dagster_was_asked_for_is_reported_once(once: Once) -> None:
    demo, _ = once
    (asked,) = [line for line in lines_of(demo.stdout, "ask") if "sync_tickets" in line]
    run_id = re.findall(r"\(([0-9a-f]{8})\)", asked)[0]
    started_by_dagster = [line for line in lines_of(demo.stdout, "sync") if run_id in line]
    assert len(started_by_dagster) == 1
    assert re.search(r"\d+ agents, \d+ tickets", started_by_dagster[0])


def test_a_sync_that_a_short_run_started_is_reported_by_the_sensor_with_that_run(
    once: Once,
) -> None:
    demo, _ = once
    syncs = [line for line in lines_of(demo.stdout, "sync") if "Store room" in line]
    runs = [line for line in lines_of(demo.stdout, "run") if "sync_stock_job" in line]
    asked_by = re.findall(
        r"\d+ stock \(started by Dagster, run ([0-9a-f]{8}); reported by the sensor", syncs[0]
    )
    assert len(asked_by) == 1
    assert any(asked_by[0] in run and "success in" in run for run in runs)


def test_the_downstream_asset_counts_all_rows_that_were_synced(once: Once) -> None:
    demo, _ = once
    synced = _numbers(r"sync  Web shop +job (\d+) .* (\d+) orders", demo.stdout)
    counted = _numbers(r"run   revenue +job (\d+) .*success: orders (\d+)", demo.stdout)
    assert counted
    for job, orders in counted:
        # More if another sync has written its rows by then.
        assert orders >= sum(rows for earlier, rows in synced if earlier <= job) > 0


def test_a_run_waits_for_two_connections(once: Once) -> None:
    demo, _ = once
    lines = demo.stdout.splitlines()
    first = next(place for place, line in enumerate(lines) if "run   balance" in line)
    before = "\n".join(lines[:first])
    assert "sync  Web shop" in before
    assert "sync  Billing" in before


def _numbers(pattern: str, text: str) -> list[tuple[int, int]]:
    return [(int(one), int(other)) for one, other in re.findall(pattern, text)]


def test_no_temporary_file_is_left(once: Once) -> None:
    _, place = once
    assert place.files() == []


@needs_proc
def test_no_process_is_left(once: Once) -> None:
    _, place = once
    assert place.processes() == {}


@needs_proc
@pytest.mark.parametrize(
    ("number", "when", "status"),
    [(signal.SIGINT, "Dagster is up", 0), (signal.SIGTERM, "Starting dagster", 128 + 15)],
)
def test_a_signal_ends_it_and_leaves_nothing(
    place: Place, number: signal.Signals, when: str, status: int
) -> None:
    with running(place, until=when) as demo:
        place.wait_for("dagster dev")
        demo.send_signal(number)
        assert demo.wait(timeout=60) == status
    assert (place.files(), place.processes()) == ([], {})


@needs_proc
def test_a_dagster_that_dies_ends_it_with_the_reason(place: Place) -> None:
    with running(place, until="Starting dagster") as demo:
        os.kill(place.wait_for("dagster dev"), signal.SIGKILL)
        _, complaint = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert "dagster dev has ended by itself" in complaint
    assert (place.files(), place.processes()) == ([], {})


def test_a_port_in_use_is_said_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        demo = subprocess.run(
            [sys.executable, str(WATCH), "--port", str(port)], capture_output=True, text=True
        )
    assert demo.returncode == 2
    assert demo.stderr == (
        f"The demo cannot start: Port {port} cannot be used: Address already in use."
        " Name another with --port, or leave --port out.\n"
    )


@pytest.mark.parametrize("package", ["dagster_webserver", "flask"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(package: str) -> None:
    without = f"""
import runpy, sys
sys.modules["{package}"] = None
sys.argv = ["watch.py"]
runpy.run_path({str(WATCH)!r}, run_name="__main__")
"""
    demo = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True)
    assert demo.returncode == 2
    assert f"{package} not installed" in demo.stderr
    assert "pip install 'dagster-airbyte-sync[demo]'" in demo.stderr


class ShortStory:
    """A story of a shop with one connection."""

    def __init__(self) -> None:
        self.story = importlib.import_module("story").Story({"Web shop": ["orders", "customers"]})
        self.story.asked_run = "asked"
        self._log = importlib.import_module("event_log")

    def sync(
        self,
        job: int,
        run: str | None = None,
        tables: Sequence[str] = TABLES,
        asked_by: str | None = None,
    ) -> None:
        event = self._log.Materialization
        by = asked_by or run
        self.story.add_events([event(table, job, 5, job, job + 1, run, by) for table in tables])

    def warn(self, *verdicts: str) -> None:
        warned = self._log.Warned
        self.story.add_warnings(warned("t", 1, each, "", True, 1.0) for each in verdicts)

    def run(
        self,
        run_id: str,
        status: str = "SUCCESS",
        job: str | None = None,
        trigger: str | None = None,
    ) -> None:
        result = {"orders": 5} if job else {}
        run = self._log.FinishedRun(run_id, "job", status, 8.0, 9.0, job, result, trigger)
        self.story.add_runs([run])


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> ShortStory:
    monkeypatch.syspath_prepend(DEMO)
    return ShortStory()


def test_all_is_seen_when_nothing_promised_is_missing(short: ShortStory) -> None:
    for job in (1, 2, 5):
        short.sync(job)
    short.sync(3, run="asked")
    short.sync(4, asked_by="scheduled")
    short.run("scheduled")
    short.run("asked")
    short.run("downstream", job="1")
    short.run("both", trigger="balance")
    short.warn("failed", "empty", "cleared")
    assert (short.story.missing(), short.story.take_problems()) == ([], [])


def test_what_is_missing_is_named(short: ShortStory) -> None:
    short.sync(1)
    short.sync(2, tables=["orders"])
    short.sync(3, run="asked")
    assert short.story.missing() == [
        "3 syncs that Airbyte started",
        "a sync that ended after that one",
        "the end of the run that was asked for",
        "a sync that a run started and left to the sensor",
        "a successful run downstream of a sync",
        "a run once all of two connections had synced",
        "checks of a failed, an empty and a cleared table",
    ]


def test_a_job_reported_twice_is_a_problem(short: ShortStory) -> None:
    short.sync(1)
    short.sync(1, tables=["orders"])
    assert short.story.take_problems() == ["job 1 was reported twice for orders"]


def test_a_failed_run_is_a_problem(short: ShortStory) -> None:
    short.run("0123456789", status="FAILURE", job="1")
    assert short.story.take_problems() == ["run 01234567 of job ended as FAILURE"]
