"""A list of connections that cannot be read stops no tick: the assets say what they stand for."""

from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault
from helpers.deployment import deployed


def test_a_catalog_that_is_slower_than_a_tick_does_not_fail_each_tick(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process that has not read it yet; also for the first tick, which has no cursor."""
    monkeypatch.setenv("DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS", "4.5")
    shop = airbyte.add_connection("shop", ["orders", "users"])
    deployment = deployed(airbyte, instance)
    first = airbyte.run_sync(shop, rows=1)
    deployment.workspace = AirbyteWorkspace(
        **airbyte.workspace_config(), catalog_ttl=299, request_max_retries=0
    )
    airbyte.add_fault(Fault.slow(6), path="/connections/list", times=None)

    deployment.tick()
    deployment.wait(timedelta(minutes=10))
    second = airbyte.run_sync(shop, rows=1)
    deployment.tick()

    ids = [first.job_id, second.job_id]
    assert deployment.reported_all(["orders", "users"]) == {"orders": ids, "users": ids}


FAULTS = {
    "a 500 for the list": (Fault.status(500), "/connections/list"),
    "a 422 for the list": (Fault.status(422), "/connections/list"),
    "half a list": (Fault.half_json(), "/connections/list"),
    "no answer": (Fault.slow(3), "/connections/list"),
    "a 500 for the destinations": (Fault.status(500), "/destinations"),
    "a 400 for the destinations": (Fault.status(400), "/destinations"),
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_catalog_that_stays_unreadable_fails_no_tick(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance, what: str
) -> None:
    """In a process that has not read it yet."""
    shop = airbyte.add_connection("shop", ["orders", "users"])
    deployment = deployed(airbyte, instance)
    deployment.tick()
    deployment.workspace = AirbyteWorkspace(
        **airbyte.workspace_config(),
        catalog_ttl=300 + [*FAULTS].index(what),
        request_max_retries=0,
        request_timeout=1,
    )
    job = airbyte.run_sync(shop, rows=1)
    fault, path = FAULTS[what]
    airbyte.add_fault(fault, path=path, times=None)

    deployment.tick()

    reported = {"orders": [job.job_id], "users": [job.job_id]}
    assert deployment.reported_all(["orders", "users"]) == reported
