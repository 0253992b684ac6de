"""A day of a simulated Airbyte as it was reported: tables in each state that a page of Dagster
shows."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

import dagster as dg

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection, SimulatedJob
from helpers.dagster_private import dagster_time
from helpers.deployment import deployed

# Less than a day in all: after that the sensor stores once more what says nothing new.
ROUNDS, EVERY, TAKES = 5, timedelta(hours=3), timedelta(minutes=2, seconds=3)
# Connections, each with one table.
SYNCED_BY_AIRBYTE = {
    "Web shop": "orders",
    "CRM": "contacts",
    "Billing": "invoices",
    "Support desk": "tickets",
}
FAILED_ONCE = {"Marketing": "ads"}
SYNCED_BY_RUNS = {"Store room": "stock", "Returns": "returns"}
REASON = 'FATAL: password authentication failed for user "airbyte"'


@dataclass
class ClockBehind:
    """It goes as the computer's does, and is behind it by less and less."""

    behind: timedelta = timedelta(hours=21, minutes=52)

    def now(self) -> datetime:
        return datetime.now(timezone.utc) - self.behind

    def advance(self, by: float | timedelta) -> datetime:
        self.behind -= by if isinstance(by, timedelta) else timedelta(seconds=by)
        return self.now()

    def set(self, moment: datetime) -> None:
        self.behind = datetime.now(timezone.utc) - moment

    def tick(self) -> None:
        return None


@dataclass
class SeenHistory:
    airbyte: AirbyteSimulator
    connections: dict[str, SimulatedConnection] = field(default_factory=dict)

    def __post_init__(self) -> None:
        warehouse = self.airbyte.add_destination("Warehouse", type="postgres")
        for name, table in (SYNCED_BY_AIRBYTE | FAILED_ONCE | SYNCED_BY_RUNS).items():
            self.connections[table] = self.airbyte.add_connection(
                name, [table], destination=warehouse, sync_seconds=0.1
            )

    def happen(self, instance: dg.DagsterInstance) -> None:
        """All but what the real daemon is to report."""
        with dagster_time(lambda: self.airbyte.now):
            deployment = deployed(self.airbyte, instance, checks=True)
            deployment.tick()
            for number in range(ROUNDS):
                self.airbyte.advance(EVERY)
                for place, table in enumerate(SYNCED_BY_AIRBYTE.values()):
                    self._sync(table, rows=1_150 + 31 * (number * (place + 3) % 7))
                deployment.tick()
            self.airbyte.advance(EVERY)
            assert deployment.materialize(*SYNCED_BY_RUNS.values()).success
            self.airbyte.advance(EVERY)
            deployment.tick()

    def end(self) -> None:
        """What the daemon is to report."""
        for _ in range(2):
            self.airbyte.fail(self._begun("invoices"), reason=REASON)
        self.airbyte.fail(self._begun("ads"), reason=REASON)
        self._sync("returns", rows=17)
        self._sync("contacts", rows=0)
        self._sync("orders", rows=1_204)
        self.airbyte.run_clear(self.connections["tickets"])

    def _sync(self, table: str, rows: int) -> None:
        self.airbyte.succeed(self._begun(table), rows=rows)

    def _begun(self, table: str) -> SimulatedJob:
        """A sync that runs for some minutes already."""
        job = self.airbyte.begin(self.airbyte.start_sync(self.connections[table], scheduled=True))
        self.airbyte.advance(TAKES)
        return job
