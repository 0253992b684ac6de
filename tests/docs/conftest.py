"""An Airbyte that has what the pages speak of, one of Cloud, and variables that lead there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.cloud import simulated_cloud
from helpers.variables import variables

SHOP_ID = "e0d5c1a4-7f0c-4a52-8a4e-1f2b3c4d5e6f"


@pytest.fixture(autouse=True)
def airbyte(monkeypatch: pytest.MonkeyPatch) -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        airbyte.add_connection(
            "shop", streams=["orders", "users", "customers"], connection_id=SHOP_ID
        )
        airbyte.add_connection("crm", streams=["leads"])
        for name, value in variables(airbyte.workspace_config()).items():
            monkeypatch.setenv(name, value)
        yield airbyte


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AirbyteSimulator]:
    """Airbyte Cloud, under its own names."""
    with simulated_cloud(tmp_path) as cloud:
        cloud.airbyte.add_connection("shop", streams=["orders"])
        settings = cloud.airbyte.cloud_workspace_config()
        for name, value in variables(settings, "AIRBYTE_CLOUD").items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("HTTPS_PROXY", cloud.proxy.url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(cloud.ca_file))
        yield cloud.airbyte
