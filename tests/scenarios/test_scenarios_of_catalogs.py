"""What other tools met in connections, streams and names."""

from collections.abc import Callable, Iterable

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteConnectionTableProps,
    AirbyteWorkspace,
    DagsterAirbyteTranslator,
    build_airbyte_polling_sensor,
    load_airbyte_asset_specs,
)
from dagster_airbyte_sync.assets import DuplicateAssetKey
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection, SimulatedStream
from helpers.deployment import Deployment

Deploy = Callable[..., Deployment]

TWO_USERS = [SimulatedStream("users", namespace="app"), SimulatedStream("users", namespace="audit")]


class ByNamespace(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        spec = super().get_asset_spec(props)
        return spec.replace_attributes(key=f"{props.stream_namespace}_{props.stream_name}")


def reported(deployment: Deployment, names: Iterable[str]) -> dict[str, list[int | None]]:
    deployment.tick()
    deployment.tick()
    return deployment.reported_all(names)


def test_s08_two_streams_of_one_name_in_two_namespaces_are_refused_by_both_names(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    airbyte.add_connection("shop", streams=TWO_USERS)

    with pytest.raises(DuplicateAssetKey, match=r"app\.users.*audit\.users"):
        deploy(airbyte)


def test_s08_two_streams_of_one_name_are_two_tables_under_keys_of_their_own(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=TWO_USERS)
    deployment = deploy(airbyte, definitions={"dagster_airbyte_translator": ByNamespace()})
    job = airbyte.run_sync(shop, rows={("users", "app"): 3, ("users", "audit"): 4})

    names = ["app_users", "audit_users"]
    assert reported(deployment, names) == {name: [job.job_id] for name in names}
    rows = [deployment.last(name).metadata["dagster-airbyte/records_synced"] for name in names]
    assert [each.value for each in rows] == [3, 4]


def test_s08_two_connections_of_one_name_are_kept_apart(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    first = airbyte.add_connection("shop", streams=["orders"])
    second = airbyte.add_connection("shop", streams=["leads"])
    deployment = deploy(airbyte)
    orders, leads = airbyte.run_sync(first).job_id, airbyte.run_sync(second).job_id

    assert reported(deployment, ["orders", "leads"]) == {"orders": [orders], "leads": [leads]}


def test_s08_two_connections_that_write_one_table_are_refused(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    for name in ("shop", "old shop"):
        airbyte.add_connection(name, streams=["orders"])

    with pytest.raises(DuplicateAssetKey, match=r"'shop'.*'old shop'|'old shop'.*'shop'"):
        deploy(airbyte)


def test_s08_a_prefix_keeps_equal_streams_apart(airbyte: AirbyteSimulator, deploy: Deploy) -> None:
    connections = [
        airbyte.add_connection(prefix, streams=["orders"], prefix=prefix) for prefix in ("a_", "b_")
    ]
    deployment = deploy(airbyte)
    a, b = (airbyte.run_sync(connection).job_id for connection in connections)

    assert reported(deployment, ["a_orders", "b_orders"]) == {"a_orders": [a], "b_orders": [b]}


def test_s08_names_with_slashes_arrows_keywords_and_capitals_are_reported(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    names = ["a-b", "src → dst", "class", "MixedCase", "mixedcase", "1st"]
    shop = airbyte.add_connection("shop → warehouse", streams=names)
    deployment = deploy(airbyte)
    job = airbyte.run_sync(shop)

    assert reported(deployment, names) == {name: [job.job_id] for name in names}


def rename(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> None:
    airbyte.update_connection(shop, name="renamed")


def disable(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> None:
    airbyte.update_connection(shop, status="inactive")


def delete(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> None:
    airbyte.delete_connection(shop)


@pytest.mark.parametrize("change", [rename, disable, delete])
def test_s09_a_sync_that_ended_before_its_connection_changed_is_reported(
    airbyte: AirbyteSimulator,
    deploy: Deploy,
    change: Callable[[AirbyteSimulator, SimulatedConnection], None],
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    airbyte.add_connection("crm", streams=["leads"])
    deployment = deploy(airbyte)
    job = airbyte.run_sync(shop)
    change(airbyte, shop)
    deployment.workspace.get_client().catalog(fresh=True)

    assert reported(deployment, ["orders"]) == {"orders": [job.job_id]}


def test_s09_after_a_stream_is_deselected_the_others_are_reported(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders", "users"])
    deployment = deploy(airbyte)
    airbyte.update_connection(shop, streams=["orders", SimulatedStream("users", selected=False)])
    job = airbyte.run_sync(shop)
    deployment.workspace.get_client().catalog(fresh=True)

    assert reported(deployment, ["orders", "users"]) == {"orders": [job.job_id], "users": []}


def test_s09_a_job_of_a_connection_outside_the_selector_is_not_reported(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    crm = airbyte.add_connection("crm", streams=["leads"])
    only_shop = {"connection_selector_fn": lambda connection: connection.name == "shop"}
    deployment = deploy(airbyte, definitions=only_shop)
    airbyte.run_sync(crm)
    job = airbyte.run_sync(shop)

    assert reported(deployment, ["orders", "leads"]) == {"orders": [job.job_id], "leads": []}


def test_s17_a_key_this_code_location_does_not_know_fails_no_tick_and_makes_no_asset(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    """The sensor's translator is not the one the assets were made with."""
    shop = airbyte.add_connection("shop", streams=[SimulatedStream("users", namespace="app")])
    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    sensor = build_airbyte_polling_sensor(
        workspace=workspace, dagster_airbyte_translator=ByNamespace()
    )
    defs = dg.Definitions(
        load_airbyte_asset_specs(workspace), sensors=[sensor], resources={"airbyte": workspace}
    )
    deployment = Deployment(airbyte, workspace, defs, instance)
    airbyte.run_sync(shop)

    deployment.tick()

    assert deployment.reported("app_users") == []
