"""Before 1.7 one of Airbyte's APIs names streams with their namespace, and the other without."""

from collections.abc import Iterator

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteConnectionTableProps,
    AirbyteWorkspace,
    DagsterAirbyteTranslator,
)
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, SimulatedStream
from helpers.deployment import deployed


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(version="1.6.0") as airbyte:
        yield airbyte


class NamespacedNames(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        key = dg.AssetKey(f"{props.stream_name}_of_{props.stream_namespace}")
        return super().get_asset_spec(props).replace_attributes(key=key)


def in_namespace(name: str, namespace: str) -> SimulatedStream:
    return SimulatedStream(name, namespace=namespace)


def another_process(airbyte: AirbyteSimulator) -> AirbyteWorkspace:
    """One that knows nothing yet, as a daemon's does when it begins."""
    return AirbyteWorkspace(**airbyte.workspace_config(), request_retry_delay=0, catalog_ttl=299)


def test_what_was_defined_without_namespaces_is_reported_once_the_configuration_api_is_open(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    shop = airbyte.add_connection(
        "shop", [in_namespace("orders", "public"), in_namespace("users", "audit")]
    )
    airbyte.add_fault(Fault.status(403), path="/api/v1/", times=None)
    deployment = deployed(airbyte, instance)
    airbyte.clear_faults()
    deployment.workspace = another_process(airbyte)
    job = airbyte.run_sync(shop, rows={"orders": 3, "users": 1})
    deployment.tick()
    assert deployment.reported_all(["orders", "users"]) == {
        "orders": [job.job_id],
        "users": [job.job_id],
    }
    assert deployment.last("orders").metadata["dagster-airbyte/records_synced"].value == 3


def test_of_a_refresh_only_its_stream_is_reported_though_the_names_differ(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    shop = airbyte.add_connection(
        "shop", [in_namespace("orders", "public"), in_namespace("users", "audit")]
    )
    airbyte.add_fault(Fault.status(403), path="/api/v1/", times=None)
    deployment = deployed(airbyte, instance)
    airbyte.clear_faults()
    deployment.workspace = another_process(airbyte)
    job = airbyte.start_refresh(shop, [shop.streams[0].key])
    airbyte.succeed(job, rows=3)
    deployment.tick()
    assert deployment.reported_all(["orders", "users"]) == {"orders": [job.job_id], "users": []}


def test_what_was_defined_with_namespaces_is_reported_by_the_public_api(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    """Also where two tables have one name: two are listed, so both are synced."""
    shop = airbyte.add_connection(
        "shop", [in_namespace("orders", "public"), in_namespace("orders", "audit")]
    )
    deployment = deployed(airbyte, instance, dagster_airbyte_translator=NamespacedNames())
    airbyte.add_fault(Fault.status(403), path="/api/v1/", times=None)
    deployment.workspace = another_process(airbyte)
    job = airbyte.run_sync(shop)
    deployment.tick()
    assert deployment.reported_all(["orders_of_public", "orders_of_audit"]) == {
        "orders_of_public": [job.job_id],
        "orders_of_audit": [job.job_id],
    }
