"""Two connections, and a sensor that reports what becomes of their syncs."""

import uuid

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.deployment import Deployment, deployed
from helpers.start_jobs import SHOP


@pytest.fixture(autouse=True)
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    airbyte.add_connection("crm", streams=["leads"], connection_id=str(uuid.UUID(int=1)))
    return airbyte.add_connection("shop", streams=SHOP, connection_id=str(uuid.UUID(int=2)))


@pytest.fixture
def deployment(
    shop: SimulatedConnection, airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> Deployment:
    return deployed(airbyte, instance, minimum_interval_seconds=1)
