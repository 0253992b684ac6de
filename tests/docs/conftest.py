"""An Airbyte that has what the pages speak of, and variables that lead there."""

from collections.abc import Iterator

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.variables import variables

SHOP_ID = "e0d5c1a4-7f0c-4a52-8a4e-1f2b3c4d5e6f"


@pytest.fixture(autouse=True)
def airbyte(monkeypatch: pytest.MonkeyPatch) -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        airbyte.add_connection(
            "shop", streams=["orders", "users", "customers"], connection_id=SHOP_ID
        )
        airbyte.add_connection("crm", streams=["leads"])
        for prefix in ("AIRBYTE", "AIRBYTE_CLOUD"):
            for name, value in variables(airbyte.workspace_config(), prefix).items():
                monkeypatch.setenv(name, value)
        yield airbyte
