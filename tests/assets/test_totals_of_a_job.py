"""Where Airbyte reports only a job's totals, they stand for a table if nothing else was synced."""

from collections.abc import Iterator

import dagster as dg
import pytest

from dagster_airbyte_sync.assets import Table
from dagster_airbyte_sync.assets.tables.table import as_synced_by
from dagster_airbyte_sync.resources import Connection, Stream, StreamId
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, RealClock, SimulatedConnection
from helpers.deployment import Deployment, deployed

ROWS = "dagster-airbyte/records_synced"


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    """Its syncs end by themselves, a tenth of a second after their start."""
    with AirbyteSimulator(clock=RealClock(), configuration_api=False) as airbyte:
        yield airbyte


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=["orders"], sync_seconds=0.1)


@pytest.fixture
def deployment(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> Deployment:
    """Its definitions know one stream, and so does what it remembers of Airbyte."""
    deployment = deployed(airbyte, instance)
    deployment.tick()
    return deployment


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def test_of_one_stream_they_are_reported(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    airbyte.run_sync(shop, rows=5)
    deployment.tick()
    assert deployment.last("orders").metadata[ROWS].value == 5


def test_they_are_not_reported_if_a_stream_without_an_asset_was_synced_too(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    airbyte.update_connection(shop, streams=["orders", "users"])
    job = airbyte.run_sync(shop, rows={"orders": 1, "users": 1000})
    deployment.tick()
    assert deployment.reported("orders") == [job.job_id]
    assert ROWS not in deployment.last("orders").metadata


@pytest.mark.parametrize(
    ("streams", "is_reported"), [(["orders"], True), (["orders", "users"], False)]
)
def test_a_run_reports_them_or_not_as_the_sensor_does(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deployment: Deployment,
    streams: list[str],
    is_reported: bool,
) -> None:
    airbyte.update_connection(shop, streams=streams)
    assert deployment.materialize("orders").success
    assert (ROWS in deployment.last("orders").metadata) is is_reported


def test_a_run_reports_nothing_of_a_stream_that_is_not_synced_any_more(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    crm = airbyte.add_connection("crm", streams=["leads", "deals"], sync_seconds=0.1)
    deployment = deployed(airbyte, instance)
    airbyte.update_connection(crm, streams=["leads"])
    assert deployment.materialize("leads", "deals").success
    assert deployment.reported_all(["leads", "deals"]) == {"leads": [1], "deals": []}


def test_a_run_reports_its_sync_even_if_airbyte_does_not_say_what_it_syncs_now(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    airbyte.add_fault(Fault.status(500), path=f"/connections/{shop.connection_id}", times=None)
    assert deployment.materialize("orders").success
    assert deployment.reported("orders") == [1]
    assert ROWS not in deployment.last("orders").metadata


def test_a_stream_that_airbyte_lists_without_its_namespace_is_synced_all_the_same() -> None:
    """As Airbyte before 1.7 does in its public API."""
    table = Table("c", StreamId("users", "audit"), dg.AssetSpec("users"))
    (found,) = as_synced_by(
        Connection("c", "shop", "d", all_streams=(Stream("users", sync_mode="full_refresh"),)),
        [table],
    )
    assert (found.is_selected, found.is_alone, found.is_full_refresh) == (True, True, True)
