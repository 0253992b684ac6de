"""A week of a shop's syncs, as a sensor and a run have reported them."""

import math
import random
from datetime import timedelta

import dagster as dg

from dagster_airbyte_sync import AirbyteWorkspace
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection, SimulatedStream
from helpers.dagster_private import dagster_time
from helpers.deployment import Deployment
from helpers.seen_history import ClockBehind

EVERY, ROUNDS = timedelta(hours=4), 42
REASON = "OAuthException: the access token has expired; sign in again to go on"
# Connections, with what a usual sync brings.
SHOP = {
    "Web shop": {"orders": 1_900, "customers": 260},
    "Billing": {"payments": 1_500},
    "Marketing": {"ad_spend": 420},
}
SOURCES = {
    "Web shop": ("Shop database", "postgres"),
    "Billing": ("Stripe", "stripe"),
    "Marketing": ("Facebook", "facebook-marketing"),
}
COLUMNS = {"id": "integer", "amount": "number", "created_at": "string"}


class PastWeek:
    """`happen` lets it pass; it ends now."""

    def __init__(self, airbyte: AirbyteSimulator) -> None:
        self.airbyte = airbyte
        self.chance = random.Random(7)
        warehouse = airbyte.add_destination("Warehouse", type="snowflake")
        self.connections: dict[str, SimulatedConnection] = {
            name: airbyte.add_connection(
                name,
                [_stream(table) for table in tables],
                destination=warehouse,
                source_name=SOURCES[name][0],
                source_type=SOURCES[name][1],
                sync_seconds=0.1,
            )
            for name, tables in SHOP.items()
        }

    @staticmethod
    def clock() -> ClockBehind:
        return ClockBehind(EVERY * (ROUNDS - 1) + timedelta(minutes=15))

    def happen(self, instance: dg.DagsterInstance, defs: dg.Definitions) -> None:
        workspace = AirbyteWorkspace(**self.airbyte.workspace_config())
        with dagster_time(lambda: self.airbyte.now):
            deployment = Deployment(self.airbyte, workspace, defs, instance)
            deployment.tick()
            began = self.airbyte.now
            for number in range(ROUNDS):
                if number:
                    self.airbyte.advance(began + EVERY - self.airbyte.now)
                began = self.airbyte.now
                for name in self.connections:
                    self._sync(name, number)
                deployment.tick()
            deployment.materialize("revenue", "unpaid", "marketing_return")

    def _sync(self, name: str, number: int) -> None:
        connection = self.connections[name]
        job = self.airbyte.begin(self.airbyte.start_sync(connection))
        rows = {table: self._rows(usual, number) for table, usual in SHOP[name].items()}
        self.airbyte.advance(40 + sum(rows.values()) / 25)
        if name == "Marketing" and number >= ROUNDS - 3:
            self.airbyte.fail(job, reason=REASON, type="config_error")
        else:
            self.airbyte.succeed(job, rows=rows)

    def _rows(self, usual: int, number: int) -> int:
        """More by day than by night."""
        day = 1 + 0.6 * math.sin(2 * math.pi * number * EVERY / timedelta(days=1))
        return round(usual * day * self.chance.uniform(0.85, 1.15))


def _stream(table: str) -> SimulatedStream:
    properties = {column: {"type": kind} for column, kind in COLUMNS.items()}
    return SimulatedStream(table, json_schema={"properties": properties})
