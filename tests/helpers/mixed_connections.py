"""An Airbyte with a connection of every kind, and a Dagster to which most of it was reported."""

from datetime import timedelta

import dagster as dg

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.deployment import deployed

HOURLY = {"cron": "0 0 * * * ?", "timezone": "Europe/Berlin"}
LONG = "Salesforce EMEA production accounts and opportunities to Snowflake (nightly, full refresh)"
REASON = (
    "State 401: the access token has expired and could not be refreshed, because the user who"
    " authorised it has left the company. Authorise the source anew, and sync again."
)


def mixed(airbyte: AirbyteSimulator, instance: dg.DagsterInstance) -> None:
    """Good, failing, late, empty, cleared, paused, running and never synced ones; the last sync of
    "fresh" was not reported yet. It takes the simulated Airbyte 40 hours."""
    added = {
        name: airbyte.add_connection(name, [table], schedule=schedule)
        for name, table, schedule in (
            (LONG, "accounts", HOURLY),
            ("shop", "orders", HOURLY),
            ("late", "leads", HOURLY),
            ("ads [red]of[/red] 広告", "clicks", None),
            ("cleared", "events", None),
            ("paused", "stock", HOURLY),
            ("running", "taps", None),
            ("fresh", "views", None),
            ("cancelled", "tickets", None),
        )
    }
    _sync(airbyte, *added.values())
    airbyte.advance(timedelta(hours=38))
    airbyte.update_connection(added["paused"], status="inactive")
    _fail(airbyte, added[LONG])
    deployment = deployed(airbyte, instance, checks=True, start_from=timedelta(days=30))
    deployment.tick()
    airbyte.advance(timedelta(hours=1))
    _fail(airbyte, added[LONG])
    airbyte.cancel(airbyte.start_sync(added["cancelled"]))
    _sync(airbyte, added["shop"])
    airbyte.run_sync(added["ads [red]of[/red] 広告"], rows=0)
    airbyte.run_clear(added["cleared"])
    airbyte.add_connection("never synced", ["nothing"])
    deployment.tick()
    _sync(airbyte, added["fresh"])
    airbyte.begin(airbyte.start_sync(added["running"]))
    airbyte.advance(timedelta(minutes=30))


def _sync(airbyte: AirbyteSimulator, *connections: SimulatedConnection) -> None:
    for each in connections:
        airbyte.run_sync(each, rows=1_234_567_890)
    airbyte.advance(60)


def _fail(airbyte: AirbyteSimulator, connection: SimulatedConnection) -> None:
    job = airbyte.start_sync(connection, scheduled=True)
    airbyte.advance(90)
    airbyte.begin(job)
    airbyte.advance(90)
    airbyte.fail(job, reason=REASON, origin="source", type="config_error")
