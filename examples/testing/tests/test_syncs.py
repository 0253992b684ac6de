import dagster as dg
from in_process import Deployment

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection

ORDERS = dg.AssetKey(["shop", "orders"])


def test_a_sync_is_reported_and_revenue_runs(
    airbyte_simulator: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    airbyte_simulator.run_sync(shop, rows={"orders": 3, "users": 1})

    (request,) = deployment.tick().requested

    assert deployment.run(request).success
    event = deployment.instance.get_latest_materialization_event(ORDERS)
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["dagster-airbyte/records_synced"].value == 3


def test_a_sync_is_reported_once(
    airbyte_simulator: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    airbyte_simulator.run_sync(shop)
    assert deployment.tick().reported
    assert not deployment.tick().reported
