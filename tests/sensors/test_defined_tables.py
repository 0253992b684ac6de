"""Which assets a job is told to, and what the log says of those it passes by."""

import dagster as dg
import pytest

from dagster_airbyte_sync import DagsterAirbyteTranslator
from dagster_airbyte_sync.resources import AirbyteClient
from dagster_airbyte_sync.sensors.defined_tables import DefinedTables
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection, SimulatedJob
from helpers.airbyte_time import Log
from helpers.deployment import Deployment, deployed


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=["orders", "users"])


@pytest.fixture
def deployment(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> Deployment:
    return deployed(airbyte, instance)


@pytest.fixture
def log() -> Log:
    return Log()


def told_of(deployment: Deployment, job: SimulatedJob, log: Log) -> list[tuple[str, bool]]:
    """The tables found for a job in a tick that remembers nothing, and whether they are synced."""
    client = AirbyteClient(deployment.workspace.settings())
    tables = DefinedTables(
        deployment.defs.get_repository_def(),
        client.catalog,
        DagsterAirbyteTranslator(),
        None,
        log.logger,
        list,
    )
    found = tables.of(client.job(job.job_id))
    return [(table.key.to_user_string(), table.is_selected) for table in found]


def test_what_is_defined_and_synced_is_found_without_a_word(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment, log: Log
) -> None:
    job = airbyte.run_sync(shop)
    assert told_of(deployment, job, log) == [("orders", True), ("users", True)]
    assert log.records == []


def test_a_stream_that_its_connection_does_not_sync_any_more_is_named_in_the_log(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment, log: Log
) -> None:
    airbyte.update_connection(shop, streams=["orders"])
    job = airbyte.run_sync(shop)
    assert told_of(deployment, job, log) == [("orders", True), ("users", False)]
    (record,) = log.records
    assert record.getMessage() == (
        "Connection 'shop' does not sync these assets any more, so nothing is told of them:"
        " users. Reload the code location, and they are gone."
    )


def test_a_stream_without_an_asset_is_named_in_the_log(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment, log: Log
) -> None:
    airbyte.update_connection(shop, streams=["orders", "users", "returns"])
    job = airbyte.run_sync(shop)
    assert told_of(deployment, job, log) == [("orders", True), ("users", True)]
    (record,) = log.records
    assert "has streams without an asset here" in record.getMessage()
    assert record.getMessage().endswith("returns")
