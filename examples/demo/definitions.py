"""What a user writes: an Airbyte workspace, and an asset that is computed from what it syncs."""

import sqlite3
from contextlib import closing

import dagster as dg

from dagster_airbyte_sync import (
    AirbyteWorkspace,
    WhenAll,
    build_airbyte_definitions,
    build_airbyte_sync_schedule,
)

airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
    poll_interval=1,
)


class WarehouseResource(dg.ConfigurableResource["WarehouseResource"]):
    """The database that Airbyte writes to."""

    path: str

    def revenue(self) -> tuple[int, float]:
        """How many orders there are, and what they are worth."""
        with closing(sqlite3.connect(self.path)) as database:
            orders, total = database.execute(
                "SELECT count(*), coalesce(sum(amount), 0) FROM orders"
            ).fetchone()
        return orders, total

    def unpaid(self) -> float:
        """What has been ordered, less what has been paid."""
        with closing(sqlite3.connect(self.path)) as database:
            (ordered,) = database.execute("SELECT coalesce(sum(amount), 0) FROM orders").fetchone()
            (paid,) = database.execute(
                'SELECT coalesce(sum(amount), 0) FROM "billing.stripe_payments"'
            ).fetchone()
        return float(ordered - paid)


@dg.asset(deps=["orders"], kinds={"python"})
def revenue(warehouse: WarehouseResource) -> dg.MaterializeResult[None]:
    """The worth of all orders. Computed anew whenever Airbyte has synced them."""
    orders, total = warehouse.revenue()
    return dg.MaterializeResult(
        metadata={"orders": orders, "total": dg.MetadataValue.float(round(total, 2))}
    )


@dg.asset(deps=["orders", "stripe_payments"], kinds={"python"})
def unpaid(warehouse: WarehouseResource) -> dg.MaterializeResult[None]:
    """What customers owe. Computed anew whenever both its sources have been synced."""
    return dg.MaterializeResult(
        metadata={"total": dg.MetadataValue.float(round(warehouse.unpaid(), 2))}
    )


balance = WhenAll(
    "balance", members=["Web shop", "Billing"], downstream=dg.AssetSelection.assets("unpaid")
)

sync_tickets = dg.define_asset_job(
    "sync_tickets",
    selection=["tickets"],
    description="Starts a sync of tickets in Airbyte now, and waits for it.",
)

# Airbyte has no schedule for this one: Dagster asks for each of its syncs. The runs of the schedule
# end at once; the sensor reports the syncs, with a link to the run that asked.
stock = build_airbyte_sync_schedule(
    workspace=airbyte,
    name="sync_stock",
    cron_schedule="* * * * *",
    assets=["stock"],
    wait=False,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)

defs = dg.Definitions.merge(
    build_airbyte_definitions(
        airbyte,
        minimum_interval_seconds=2,
        downstream=dg.AssetSelection.assets("revenue"),
        when_all=[balance],
    ),
    dg.Definitions(
        assets=[revenue, unpaid],
        jobs=[sync_tickets],
        schedules=[stock],
        resources={"warehouse": WarehouseResource(path=dg.EnvVar("WAREHOUSE_PATH"))},
        executor=dg.in_process_executor,
    ),
)
