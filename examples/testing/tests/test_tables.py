import dagster as dg
from pipeline import ByConnection

from dagster_airbyte_sync import AirbyteWorkspace, load_airbyte_asset_specs
from dagster_airbyte_sync.testing import AirbyteSimulator


def test_tables_have_the_name_of_their_connection(airbyte_simulator: AirbyteSimulator) -> None:
    airbyte_simulator.add_connection("shop", ["orders"])
    airbyte = AirbyteWorkspace(**airbyte_simulator.workspace_config())
    (orders,) = load_airbyte_asset_specs(airbyte, dagster_airbyte_translator=ByConnection())
    assert orders.key == dg.AssetKey(["shop", "orders"])
    assert orders.owners == ["team:data"]
