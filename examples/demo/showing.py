"""One showing of the demo, from the first process to the last."""

import os
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

import dagster as dg
from dagster_graphql import DagsterGraphQLClient, DagsterGraphQLClientError
from deployment import Deployment
from event_log import EventLog
from lines import asked_line, run_line, summary, sync_line, warned_line
from shop import Shop
from story import Story
from warehouse import Warehouse

from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock

TIME_LIMIT = 150.0
LOOK_EVERY = 0.5
# What definitions.py calls them.
COMPUTED = "revenue"
ON_DEMAND_JOB = "sync_tickets"
SCHEDULED_JOB = "sync_stock_job"


class Ended(Exception):
    """Raised when there is a reason to end, with the exit status."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Signals:
    """Remembers that somebody wants an end, so that no signal cuts the clearing up short."""

    def __init__(self) -> None:
        self.last: int | None = None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._remember)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.last = number


class Showing:
    """Prints, line by line, what happens in a deployment that has been started."""

    def __init__(
        self,
        airbyte: AirbyteSimulator,
        deployment: Deployment,
        log: EventLog,
        story: Story,
        signals: Signals,
        once: bool,
    ) -> None:
        self._airbyte = airbyte
        self._deployment = deployment
        self._log = log
        self._story = story
        self._signals = signals
        self._once = once
        self._begun = time.monotonic()

    def go_on(self) -> str:
        """Print what happens until all has been seen, with `once`; else until Ended is raised."""
        self._wait_until_up()
        up_at = time.time()
        self._print_what_is_new(up_at)
        self._story.asked_run = self._ask_for(ON_DEMAND_JOB)
        # What its schedule does each minute; nobody should have to wait for that.
        self._ask_for(SCHEDULED_JOB)
        while not (self._once and self._all_is_seen()):
            self._let_time_pass()
            self._print_what_is_new(up_at)
        return summary(self._story, self._seconds)

    def _wait_until_up(self) -> None:
        say("Starting dagster dev, which takes about 20 seconds ...")
        while not self._deployment.is_up:
            self._let_time_pass()
        say(f"Dagster is up after {self._seconds:.0f} s. Ctrl-C ends the demo.\n")

    def _ask_for(self, job_name: str) -> str:
        """Have Dagster run a job; the id of its run."""
        client = DagsterGraphQLClient("127.0.0.1", port_number=self._deployment.port, timeout=30)
        try:
            run_id = client.submit_job_execution(job_name)
        except DagsterGraphQLClientError as error:
            log = self._deployment.last_words()
            raise Ended(1, f"Dagster did not start {job_name}: {error}\n{log}") from error
        say(asked_line(job_name, run_id))
        return run_id

    def _print_what_is_new(self, up_at: float) -> None:
        # Runs first: whatever a finished run has reported is then in the log as well.
        runs = self._log.new_finished_runs()
        for sync in self._story.add_events(self._log.new_materializations()):
            # Airbyte's API rounds times to seconds; its own record does not.
            ended_at = self._airbyte.job(sync.job_id).updated_at.timestamp()
            say(sync_line(sync, ended_at, up_at))
        self._print_what_is_wrong()
        for run in runs:
            say(run_line(run, COMPUTED))
        self._story.add_runs(runs)
        for problem in self._story.take_problems():
            if self._once:
                raise Ended(1, problem)
            say(f"PROBLEM   {problem}")

    def _print_what_is_wrong(self) -> None:
        warnings = self._log.new_warnings()
        for warned in warnings:
            say(warned_line(warned, self._story.connection_of(warned.table)))
        self._story.add_warnings(warnings)

    def _all_is_seen(self) -> bool:
        asked = self._story.asked_sync
        if self._story.missing() or asked is None:
            return False
        for table in asked.events:
            times = self._log.times_reported(table, asked.job_id)
            if times != 1:
                raise Ended(1, f"The event log has job {asked.job_id} {times} times for {table}.")
        return True

    def _let_time_pass(self) -> None:
        """Raises Ended if there is a reason to end."""
        self._end_if_stopped()
        self._airbyte.progress()
        time.sleep(LOOK_EVERY)

    def _end_if_stopped(self) -> None:
        if self._signals.last is not None:
            say("\nStopping Dagster ...")
            # Ctrl-C is how the demo is meant to end, unless it was to end by itself.
            expected = self._signals.last == signal.SIGINT and not self._once
            raise Ended(
                0 if expected else 128 + self._signals.last, "Stopped; nothing is left behind."
            )
        if self._deployment.has_ended:
            raise Ended(1, f"dagster dev has ended by itself:\n{self._deployment.last_words()}")
        if self._once and self._seconds > TIME_LIMIT:
            not_seen = "; ".join(self._story.missing())
            raise Ended(1, f"Not seen within {TIME_LIMIT:.0f} s: {not_seen}.")

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._begun


def show(port: int, once: bool) -> int:
    """Start everything, print what happens, and leave nothing behind. Returns the exit status."""
    signals = Signals()
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    try:
        with (
            tempfile.TemporaryDirectory(prefix="airbyte-demo-") as folder,
            AirbyteSimulator(clock=RealClock()) as airbyte,
        ):
            conclusion = _show_in(Path(folder), airbyte, port or _free_port(), signals, once)
    except Ended as end:
        print(end, file=sys.stderr if end.status else sys.stdout, flush=True)
        return end.status
    say(f"\n{conclusion}")
    return 0


def _show_in(
    folder: Path, airbyte: AirbyteSimulator, port: int, signals: Signals, once: bool
) -> str:
    warehouse = Warehouse(folder / "warehouse.db")
    deployment = Deployment(folder, port)
    say(f"Dagster UI   {deployment.url}")
    say(f"Airbyte      {airbyte.url} (simulated)\n")
    tables = Shop(airbyte, warehouse).tables
    # Opened before dagster dev, so that only one process sets the database up.
    with dg.DagsterInstance.from_config(str(deployment.home)) as instance:
        log = EventLog(instance, [name for names in tables.values() for name in names], COMPUTED)
        showing = Showing(airbyte, deployment, log, Story(tables), signals, once)
        try:
            deployment.start(_environment(airbyte, warehouse))
            return showing.go_on()
        finally:
            deployment.stop()


def _environment(airbyte: AirbyteSimulator, warehouse: Warehouse) -> dict[str, str]:
    """What definitions.py reads."""
    settings = {
        f"AIRBYTE_{name.upper()}": str(value) for name, value in airbyte.workspace_config().items()
    }
    return {**settings, "WAREHOUSE_PATH": str(warehouse.path)}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def say(text: str) -> None:
    print(text, flush=True)
