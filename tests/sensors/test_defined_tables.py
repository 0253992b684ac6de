"""Which assets a job is reported to, and what the log says of those it passes by."""

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace, DagsterAirbyteTranslator
from dagster_airbyte_sync.assets import ConnectionSelector
from dagster_airbyte_sync.resources import AirbyteClient
from dagster_airbyte_sync.sensors.reading.defined_tables import DefinedTables
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, SimulatedConnection, SimulatedJob
from helpers.airbyte_time import Log
from helpers.deployment import Deployment, deployed


@pytest.fixture
def deployment(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> Deployment:
    return deployed(airbyte, instance)


@pytest.fixture
def log() -> Log:
    return Log()


def reported_of(
    deployment: Deployment,
    job: SimulatedJob,
    log: Log,
    selector: ConnectionSelector | None = None,
) -> list[tuple[str, bool]]:
    """The tables found for a job in a tick that remembers nothing, and whether they are synced."""
    client = AirbyteClient(deployment.workspace.settings())
    tables = DefinedTables(
        deployment.defs.get_repository_def(),
        client.catalog,
        client.connection,
        DagsterAirbyteTranslator(),
        selector,
        log.logger,
    )
    found = tables.of(client.job(job.job_id))
    return [(table.key.to_user_string(), table.is_selected) for table in found]


def test_what_is_defined_and_synced_is_found_without_a_word(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment, log: Log
) -> None:
    job = airbyte.run_sync(shop)
    assert reported_of(deployment, job, log) == [("orders", True), ("users", True)]
    assert log.records == []


def test_a_stream_that_its_connection_does_not_sync_any_more_is_named_in_the_log(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment, log: Log
) -> None:
    airbyte.update_connection(shop, streams=["orders"])
    job = airbyte.run_sync(shop)
    assert reported_of(deployment, job, log) == [("orders", True), ("users", False)]
    (record,) = log.records
    assert record.getMessage() == (
        "Connection 'shop' no longer syncs these assets, so nothing is reported for them: users."
        " Reload the code location to remove them."
    )


def test_a_stream_that_is_newer_than_the_definitions_is_reported_and_named_in_the_log(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment, log: Log
) -> None:
    airbyte.update_connection(shop, streams=["orders", "users", "returns"])
    job = airbyte.run_sync(shop)
    assert reported_of(deployment, job, log) == [
        ("orders", True),
        ("users", True),
        ("returns", True),
    ]
    (record,) = log.records
    assert "has streams that are newer than the definitions" in record.getMessage()
    assert record.getMessage().endswith("reported as: returns")


def test_the_last_sync_of_a_connection_that_was_deleted_is_reported_if_the_selector_means_it(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment, log: Log
) -> None:
    airbyte.update_connection(shop, tags=["nightly"])
    job = airbyte.run_sync(shop)
    airbyte.delete_connection(shop)

    def reported_if(selector: ConnectionSelector) -> list[str]:
        return [name for name, _ in reported_of(deployment, job, log, selector)]

    assert reported_if(lambda connection: "nightly" in connection.tags) == ["orders", "users"]
    assert reported_if(lambda connection: connection.is_active) == ["orders", "users"]
    assert reported_if(lambda connection: connection.name != "shop") == []


def test_a_connection_that_nobody_knows_any_more_is_reported_rather_than_lost(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment, log: Log
) -> None:
    job = airbyte.run_sync(shop)
    airbyte.delete_connection(shop)
    airbyte.add_fault(Fault.status(404), path=f"/connections/{shop.connection_id}", times=None)
    assert reported_of(deployment, job, log, lambda connection: False) != []


def test_a_deleted_connection_that_airbyte_does_not_say_just_now_waits(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance, shop: SimulatedConnection
) -> None:
    deployment = deployed(airbyte, instance, connection_selector_fn=lambda each: True)
    deployment.tick()
    job = airbyte.run_sync(shop)
    airbyte.delete_connection(shop)
    deployment.workspace = AirbyteWorkspace(**airbyte.workspace_config(), request_max_retries=0)
    airbyte.add_fault(Fault.status(503), path=f"/connections/{shop.connection_id}")

    deployment.tick()
    deployment.tick()
    assert deployment.reported("orders") == []
    deployment.tick()
    assert deployment.reported("orders") == [job.job_id]
