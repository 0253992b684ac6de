"""A simulated Airbyte, the two code locations of examples/automation in servers of their own, and
Dagster's daemons over both. All of them have one time, which the test moves."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedClock, SimulatedConnection
from helpers.checkout import ROOT
from helpers.dagster_private import (
    OVER_CODE_SERVERS,
    AutomationDaemon,
    CodeServer,
    automation_daemon,
    dagster_time,
)
from helpers.local_instance import local_instance
from helpers.variables import variables

EXAMPLE = ROOT / "examples" / "automation"
TABLES = ("orders", "customers")
UTC = timezone.utc


@dataclass
class Automated:
    airbyte: AirbyteSimulator
    instance: dg.DagsterInstance
    daemon: AutomationDaemon
    connections: Mapping[str, SimulatedConnection]
    waiting: list[dg.DagsterRun] = field(default_factory=list)

    def sync(self, table: str, rows: int = 3) -> None:
        """Somebody syncs the table in Airbyte, and the sensor reports it."""
        self.airbyte.run_sync(self.connections[table], rows=rows)
        self._report()

    def fail_sync(self, table: str) -> None:
        self.airbyte.fail(self.airbyte.start_sync(self.connections[table]))
        self._report()

    def clear(self, table: str) -> None:
        self.airbyte.run_clear(self.connections[table])
        self._report()

    def _report(self) -> None:
        self.wait(seconds=31)
        self.daemon.report()

    def report_elsewhere(self, name: str) -> None:
        """Something else than Airbyte reports an asset, without a data version."""
        with dagster_time(lambda: self.airbyte.now):
            self.instance.report_runless_asset_event(dg.AssetMaterialization(name))

    def evaluate(self, *, run_later: bool = False) -> list[str]:
        """The assets that the conditions want, each as often as a run of it is asked for.

        These runs are cancelled at once, as that is quick; `run_later` leaves them in the queue.
        """
        self.wait(seconds=31)
        runs = self.daemon.evaluate()
        if run_later:
            self.waiting += runs
        else:
            for run in runs:
                self.instance.report_run_canceled(run)
        return sorted(key.to_user_string() for run in runs for key in run.asset_selection or ())

    def run_waiting(self) -> None:
        """Execute the runs in the queue; all must succeed."""
        self.daemon.execute(self.waiting)
        self.waiting.clear()

    def settle(self) -> None:
        """Evaluate until no condition wants anything any more."""
        for _ in range(10):
            if not self.evaluate():
                return
        raise AssertionError("The conditions ask for runs again and again")

    def wait(self, **by: float) -> None:
        self.airbyte.advance(timedelta(**by))

    def wait_until(self, clock: time, zone: str) -> None:
        """Until clocks in that zone show this the next time."""
        now = self.airbyte.now.astimezone(ZoneInfo(zone))
        day = now.date() + timedelta(days=now.time() >= clock)
        self.airbyte.advance(datetime.combine(day, clock, ZoneInfo(zone)).astimezone(UTC) - now)

    @contextmanager
    def automation_off(self) -> Iterator[None]:
        self.daemon.stop_automation()
        yield
        self.daemon.start_automation()


@contextmanager
def automated(folder: Path, empty_storage: Path) -> Iterator[Automated]:
    """Every table was synced once, and nothing is left to do."""
    clock = SimulatedClock(datetime.now(UTC))
    with (
        AirbyteSimulator(clock=clock) as airbyte,
        local_instance(folder, empty_storage, OVER_CODE_SERVERS) as instance,
    ):
        connections = {name: airbyte.add_connection(name, [name]) for name in TABLES}
        servers = [CodeServer(EXAMPLE / "tables.py"), CodeServer(EXAMPLE / "marts.py")]
        environ = variables(airbyte.workspace_config())
        with automation_daemon(instance, servers, environ, lambda: airbyte.now) as daemon:
            made = Automated(airbyte, instance, daemon, connections)
            daemon.report()
            made.report_elsewhere("exchange_rates")
            for table in TABLES:
                made.sync(table)
            made.settle()
            yield made
