import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator


@pytest.fixture
def sources(airbyte: AirbyteSimulator) -> None:
    """Three connections, of which one has two tables."""
    airbyte.add_connection("shop", streams=["orders", "users"], tags=["finance"])
    airbyte.add_connection("crm", streams=["leads"], tags=["finance", "sales"])
    airbyte.add_connection("billing", streams=["invoices"])
