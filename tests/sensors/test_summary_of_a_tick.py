"""The line beside a tick names the connections, and what is wrong with them."""

from collections.abc import Callable

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.deployment import Deployment

Deploy = Callable[..., Deployment]


def fail(airbyte: AirbyteSimulator, connection: SimulatedConnection, reason: str) -> None:
    airbyte.fail(airbyte.start_sync(connection), reason=reason)


def line(deployment: Deployment) -> str:
    """What the next tick says, up to where it says how far it has read."""
    return (deployment.tick().summary or "").partition(" Read up to ")[0]


def test_it_says_which_connections_were_reported_failed_and_were_cleared(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("Web shop", streams=["orders", "users"])
    crm = airbyte.add_connection("CRM", streams=["leads"])
    billing = airbyte.add_connection("Billing", streams=["invoices"])
    stock = airbyte.add_connection("Stock", streams=["pieces"])
    deployment = deploy(checks=True)
    airbyte.run_sync(shop)
    assert line(deployment) == "Reported 1 sync: Web shop (2 tables)."

    airbyte.run_sync(shop)
    airbyte.run_sync(shop)
    airbyte.run_sync(crm)
    fail(airbyte, billing, "connection refused")
    fail(airbyte, billing, "password\nexpired")
    airbyte.cancel(airbyte.start_sync(stock))
    assert line(deployment) == (
        "Reported 3 syncs: Web shop, CRM (5 tables). Failed: Billing (2 times: password expired)."
        " Cancelled: Stock."
    )

    airbyte.run_clear(crm)
    assert line(deployment) == "Cleared: CRM."
    assert line(deployment) == "Nothing new."


def test_it_stays_a_line_however_many_connections_there_are(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    connections = [airbyte.add_connection(f"c{n} {'x' * n}", [f"t{n}"]) for n in range(40)]
    deployment = deploy(checks=True)
    for connection in connections:
        airbyte.run_sync(connection)
        fail(airbyte, connection, "no route to host " * 20)

    said = line(deployment)

    assert len(said) < 400
    assert said.startswith("Reported 40 syncs: c0, c1 x, c2 xx, ")
    assert " and 30 more (40 tables). Failed: c0 (no route to host no route" in said
    assert said.endswith(" ...) and 39 more.")
