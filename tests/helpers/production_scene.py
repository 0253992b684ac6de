"""What happens around examples/production in a test: syncs in Airbyte and by Dagster, and what
Dagster's event log says of them in the end."""

import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg

from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock, SimulatedJob
from helpers.doubles import Doubles, doubles_in
from helpers.kill_moments import Moments
from helpers.kill_runs import Runs
from helpers.kill_ticks import Ticks
from helpers.kill_verdict import Reported, Verdict, compare, read_log
from helpers.production_deployment import Production
from helpers.waiting import wait_until

SENSOR = "airbyte_sync_sensor"
# What analytics.py has below "orders".
BELOW = dg.AssetKey("daily_revenue")
# By name, and the tables of each.
CONNECTIONS = {
    "shop": ["orders", "customers"],
    "crm": ["leads"],
    "billing": ["invoices", "payments"],
}


class JumpingClock(RealClock):
    """The computer's time, and what a test has skipped of it."""

    def __init__(self) -> None:
        self._skipped = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self._skipped

    def advance(self, by: float | timedelta) -> datetime:
        self._skipped += by if isinstance(by, timedelta) else timedelta(seconds=by)
        return self.now()


@dataclass
class Scene:
    airbyte: AirbyteSimulator
    production: Production
    instance: dg.DagsterInstance
    runs: Runs
    moments: Moments
    # How often Airbyte was asked while the code servers loaded.
    asked_at_load: int

    def __post_init__(self) -> None:
        self.ticks = Ticks(self.instance, SENSOR)
        self._rng = random.Random(1)
        self._first = 1
        self._asked_before = 0

    @property
    def tables(self) -> list[str]:
        return [stream.name for each in self.airbyte.connections for stream in each.streams]

    def step(self) -> None:
        """Now and then somebody starts a sync of what is free, which ends by itself."""
        # What is below "orders" costs a process each time.
        weights = [0.3 if each.name == "shop" else 1.0 for each in self.airbyte.connections]
        (connection,) = self._rng.choices(self.airbyte.connections, weights)
        busy = {job.connection_id for job in self.airbyte.jobs if not job.is_finished}
        if connection.connection_id not in busy and self._rng.random() < 0.2:
            self.airbyte.start_sync(connection, unattended=True)

    def is_idle_in_airbyte(self) -> bool:
        self.airbyte.progress()
        return all(job.is_finished for job in self.airbyte.jobs)

    def sync(self, name: str) -> SimulatedJob:
        return self.airbyte.run_sync(self.airbyte.connection(name), rows=3)

    def sync_by_dagster(self, *names: str) -> str:
        """A run that syncs these connections, as the button in the UI starts it; its id."""
        tables = [table for name in names for table in CONNECTIONS[name]]
        return self.production.dagster.materialize(tables, "ingest")

    def wait_for_run(self, run_id: str) -> None:
        def is_over() -> bool:
            run = self.instance.get_run_by_id(run_id)
            return run is not None and run.is_finished

        wait_until(is_over, "an end of the run", every=0.3, evidence=self.production.last_words)

    def is_below_newer(self) -> bool:
        """Whether the asset in the other location was made after the last report of its table."""
        table, below = self._newest(dg.AssetKey("orders")), self._newest(BELOW)
        return below > table > 0

    def _newest(self, key: dg.AssetKey) -> int:
        """The place of its last materialization in the event log; 0 without any."""
        records = self.instance.fetch_materializations(key, limit=1).records
        return records[0].storage_id if records else 0

    def asked_below(self) -> int:
        """How often that asset was asked for, without runs that were tried again."""
        records = self.instance.get_run_records()
        runs = (record.dagster_run for record in records)
        of_below = (run for run in runs if run.asset_selection == {BELOW})
        return sum("dagster/parent_run_id" not in run.tags for run in of_below)

    def asked_too_often(self) -> int:
        """How often it was asked for without a new report of its table, since the beginning."""
        log = read_log(self.instance, ["orders"])
        reports = sum(self._is_new(each) for each in log)
        return max(0, self.asked_below() - self._asked_before - reports)

    def begin(self) -> None:
        """What comes from here on is judged by itself."""
        self._first = max((job.job_id for job in self.airbyte.jobs), default=0) + 1
        self._asked_before = self.asked_below()

    def judge(self) -> Verdict:
        """What Dagster's event log says of the jobs since the beginning."""
        jobs = [job for job in self.airbyte.jobs if job.job_id >= self._first]
        return compare(jobs, self._log())

    def doubles(self) -> Doubles:
        """What it has more than once of them."""
        return doubles_in(self._log())

    def _log(self) -> list[Reported]:
        return [each for each in read_log(self.instance, self.tables) if self._is_new(each)]

    def _is_new(self, reported: Reported) -> bool:
        return reported.job_id is None or reported.job_id >= self._first

    def jobs_of_runs(self) -> list[SimulatedJob]:
        """Those since the beginning that a run of Dagster reported."""
        ids = {each.job_id for each in self._log() if each.run_id}
        return [job for job in self.airbyte.jobs if job.job_id in ids]

    def come_to_rest(self, seconds: float = 300.0) -> None:
        """Wait until everything has ended, and the sensor has then found nothing new."""
        quiet_since = time.time()

        def is_at_rest() -> bool:
            nonlocal quiet_since
            self.production.check()
            # Of a run whose code server died before it, nobody says for hours that it is dead.
            self.runs.bury()
            if self._is_busy():
                quiet_since = time.time()
            return self.ticks.found_nothing_since(quiet_since)

        words = self.production.last_words
        wait_until(is_at_rest, "rest", seconds=seconds, every=0.5, evidence=words)

    def _is_busy(self) -> bool:
        return (
            bool(self.runs.unfinished())
            or self.runs.are_alive()
            or not all(job.is_finished for job in self.airbyte.jobs)
        )
