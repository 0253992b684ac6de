"""An Airbyte on this machine, of three connections that sync by themselves. Ctrl-C ends it.

It is the simulator that comes with the package: a real server that answers as Airbyte does, without
connectors behind it. Where it is and how to get in is written to `.env`, which Dagster reads.
"""

import os
import random
import threading
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock, SimulatedConnection

# What each sync of a connection brings, more or less.
SHOP = {"orders": 120, "customers": 40}
CRM = {"leads": 25, "accounts": 10}
MANY = 1_000


def plan(
    airbyte: AirbyteSimulator, connection: SimulatedConnection, usual: Mapping[str, int]
) -> None:
    """The next syncs, each with a number of rows of its own."""
    for _ in range(MANY):
        rows = {stream: random.randint(rows // 2, rows * 2) for stream, rows in usual.items()}
        airbyte.plan(connection, rows=rows)


with AirbyteSimulator(port=int(os.environ.get("PORT", "8000")), clock=RealClock()) as airbyte:
    every = timedelta(minutes=1)
    shop = airbyte.add_connection("shop", list(SHOP), schedule=every, sync_seconds=5)
    crm = airbyte.add_connection("crm", list(CRM), schedule=every, sync_seconds=5)
    ads = airbyte.add_connection("ads", ["spend"], schedule=every, sync_seconds=5)
    plan(airbyte, shop, SHOP)
    plan(airbyte, crm, CRM)
    airbyte.plan(ads, outcome="failed", reason="The access token has expired", jobs=MANY)

    settings = "".join(
        f"AIRBYTE_{name.upper()}={value}\n" for name, value in airbyte.workspace_config().items()
    )
    Path(".env").write_text(settings)
    print(f"Airbyte answers at {airbyte.url}, and .env says how to reach it. Ctrl-C ends it.")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print("Good-bye.")
