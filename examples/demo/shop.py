"""A small shop whose data Airbyte syncs, mostly on its own schedules."""

import random
from collections.abc import Sequence
from datetime import timedelta

from warehouse import Warehouse

from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    SimulatedConnection,
    SimulatedJob,
    SimulatedStream,
)

Columns = dict[str, str]

# Streams, with their columns and how many rows a sync usually brings.
APPENDED: dict[str, tuple[int, Columns]] = {
    "orders": (14, {"id": "integer", "customer_id": "integer", "amount": "number"}),
    "invoices": (9, {"id": "integer", "order_id": "integer", "amount": "number"}),
    "payments": (7, {"id": "integer", "invoice_id": "integer", "amount": "number"}),
    "tickets": (5, {"id": "integer", "customer_id": "integer", "opened_by": "string"}),
}
REPLACED: dict[str, tuple[int, Columns]] = {
    "customers": (40, {"id": "integer", "name": "string"}),
    "agents": (4, {"id": "integer", "name": "string"}),
    "stock": (25, {"id": "integer", "pieces": "integer"}),
    "ads": (12, {"id": "integer", "spent": "number"}),
    "subscribers": (30, {"id": "integer", "name": "string"}),
    "old_orders": (90, {"id": "integer", "amount": "number"}),
}

FAILING, EMPTY = "Marketing", "Newsletter"
# More syncs than anybody watches.
_MANY = 10_000


class Shop:
    """Seven connections of an Airbyte, and a warehouse that really gets their rows.

    Something is wrong with the last three.
    """

    def __init__(self, airbyte: AirbyteSimulator, warehouse: Warehouse) -> None:
        self._airbyte = airbyte
        self._warehouse = warehouse
        self._connections: dict[str, SimulatedConnection] = {}
        self._destination = airbyte.add_destination("Warehouse", type="sqlite", configuration={})
        airbyte.on_sync_succeeded(self._deliver)
        self._connect("Web shop", ["orders", "customers"], every=timedelta(seconds=15))
        self._connect(
            "Billing",
            ["invoices", "payments"],
            every=timedelta(seconds=20),
            prefix="stripe_",
            namespace="billing",
        )
        # Seldom, so that a sync asked for in Dagster does not meet one that runs already.
        self._connect("Support desk", ["tickets", "agents"], every=timedelta(minutes=10))
        self._connect("Store room", ["stock"], every=None)
        self._connect(FAILING, ["ads"], every=timedelta(seconds=20))
        self._connect(EMPTY, ["subscribers"], every=timedelta(seconds=20))
        airbyte.run_clear(self._connect("Archive", ["old_orders"], every=None))

    @property
    def tables(self) -> dict[str, list[str]]:
        """The tables of each connection, by the names that they have in Dagster."""
        return {
            connection.name: [f"{connection.prefix}{stream.name}" for stream in connection.streams]
            for connection in self._connections.values()
        }

    def _connect(
        self,
        name: str,
        streams: Sequence[str],
        *,
        every: timedelta | None,
        prefix: str = "",
        namespace: str | None = None,
    ) -> SimulatedConnection:
        connection = self._airbyte.add_connection(
            name,
            [_stream(stream, namespace) for stream in streams],
            destination=self._destination,
            prefix=prefix,
            schedule=every,
            sync_seconds=4,
        )
        self._connections[connection.connection_id] = connection
        self._plan_next_sync(connection)
        return connection

    def _plan_next_sync(self, connection: SimulatedConnection) -> None:
        """Every sync brings another number of rows."""
        if connection.name == FAILING:
            self._airbyte.plan(connection, outcome="failed", reason="password expired", jobs=_MANY)
            return
        of_usual = 0 if connection.name == EMPTY else 1
        rows = {
            stream.key: of_usual * random.randint(stream.rows // 2, stream.rows * 2)
            for stream in connection.streams
        }
        self._airbyte.plan(connection, rows=rows)

    def _deliver(self, job: SimulatedJob) -> None:
        """Write the rows that Airbyte reports for the job; a clear brings none."""
        connection = self._connections[job.connection_id]
        for stream in job.streams:
            _, columns = (APPENDED | REPLACED)[stream.name]
            self._warehouse.write(
                ".".join(filter(None, [stream.namespace, connection.prefix + stream.name])),
                columns,
                job.stats[stream.key].records_committed,
                replace=stream.name in REPLACED,
            )
        self._plan_next_sync(connection)


def _stream(name: str, namespace: str | None) -> SimulatedStream:
    usual_rows, columns = (APPENDED | REPLACED)[name]
    return SimulatedStream(
        name,
        namespace=namespace,
        json_schema={"properties": {column: {"type": kind} for column, kind in columns.items()}},
        sync_mode="incremental" if name in APPENDED else "full_refresh",
        rows=usual_rows,
    )
