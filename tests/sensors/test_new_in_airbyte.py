"""Connections and streams that Airbyte has and the remembered catalog does not, or no longer."""

from collections.abc import Callable

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteError, AirbyteWorkspace, build_airbyte_definitions
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault
from helpers.deployment import Deployment

Deploy = Callable[..., Deployment]

CATALOG = "/api/v1/connections/list"


def catalog_requests(airbyte: AirbyteSimulator) -> int:
    return sum(request.path == CATALOG for request in airbyte.requests)


def redefine(deployment: Deployment) -> None:
    """The code location loads anew and knows all streams; the sensor's process still does not."""
    another_process = AirbyteWorkspace(**deployment.airbyte.workspace_config(), catalog_ttl=299)
    deployment.defs = build_airbyte_definitions(another_process, checks=False)


def test_a_sync_of_a_connection_added_since_the_catalog_was_read_is_reported(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    """The asset stands in somebody's own definitions, found by its key alone."""
    airbyte.add_connection("shop", streams=["orders"])
    own = dg.AssetsDefinition(specs=[dg.AssetSpec("users")])
    deployment = deploy(own)
    crm = airbyte.add_connection("crm", streams=["users"])
    job = airbyte.run_sync(crm)

    deployment.tick()

    assert deployment.reported("users") == [job.job_id]


def test_a_stream_added_since_the_catalog_was_read_is_reported_where_it_is_defined(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy()
    airbyte.update_connection(shop, streams=["orders", "users"])
    redefine(deployment)
    job = airbyte.run_sync(shop)

    deployment.tick()

    assert deployment.reported_all(["orders", "users"]) == {
        "orders": [job.job_id],
        "users": [job.job_id],
    }


def test_the_catalog_is_read_at_most_once_a_tick_however_much_is_unknown(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy()
    deployment.tick()
    for number in range(3):
        added = airbyte.add_connection(f"new {number}", streams=[f"table_{number}"])
        airbyte.run_sync(added)
        airbyte.delete_connection(added)
    before = catalog_requests(airbyte)

    first = deployment.tick()
    after_first = catalog_requests(airbyte)
    deployment.tick()

    assert after_first == before + 1
    assert catalog_requests(airbyte) == after_first
    assert first.events == []


def test_a_catalog_that_cannot_be_read_again_stops_nothing_that_is_known(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy()
    known = airbyte.run_sync(shop)
    airbyte.run_sync(airbyte.add_connection("crm", streams=["users"]))
    airbyte.add_fault(Fault.status(400), path="/connections/list", times=None)

    deployment.tick()

    assert deployment.reported("orders") == [known.job_id]


def test_a_stream_that_the_connection_lost_keeps_its_asset_and_hears_of_no_sync(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders", "users"])
    deployment = deploy()
    airbyte.update_connection(shop, streams=["orders"])
    job = airbyte.run_sync(shop)

    deployment.tick()

    assert deployment.reported_all(["orders", "users"]) == {"orders": [job.job_id], "users": []}


def test_a_short_refusal_fails_a_tick_and_reports_nothing_wrong(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    """The public API, which was asked instead, does not say which streams a refresh was of."""
    shop = airbyte.add_connection("shop", streams=["orders", "users"])
    deployment = deploy()
    deployment.tick()
    job = airbyte.start_refresh(shop, [shop.streams[0].key])
    airbyte.succeed(job, rows=3)
    airbyte.add_fault(Fault.status(404), path="/jobs/list_for_workspaces")

    with pytest.raises(AirbyteError):
        deployment.tick()
    deployment.tick()

    assert deployment.reported_all(["orders", "users"]) == {"orders": [job.job_id], "users": []}
    assert deployment.last("orders").metadata["dagster-airbyte/records_synced"].value == 3
