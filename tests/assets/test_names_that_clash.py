"""Names that clash: distinct assets, or an error that names both sides and the way out."""

import itertools

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteWorkspace,
    DuplicateAssetKey,
    NamespacedTranslator,
    build_airbyte_assets_definitions,
    build_airbyte_definitions,
    build_schedules_from_airbyte,
    load_airbyte_asset_specs,
)
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedStream
from helpers.deployment import deployed

NOON = {"cron": "0 0 12 * * ?"}
TWINS = [SimulatedStream("users", namespace="eu"), SimulatedStream("users", namespace="us")]
ODD = ["a/b", "a-b", "a.b", "a->b", "a b", "class", "Class", "n" * 300, "größe", "→"]


def workspace(airbyte: AirbyteSimulator) -> AirbyteWorkspace:
    return AirbyteWorkspace(**airbyte.workspace_config())


def test_one_stream_in_two_namespaces_is_an_error_with_the_translator_that_is_the_way_out(
    airbyte: AirbyteSimulator,
) -> None:
    airbyte.add_connection("shop", TWINS)

    with pytest.raises(DuplicateAssetKey, match=r"eu\.users.*us\.users.*NamespacedTranslator\(\)"):
        load_airbyte_asset_specs(workspace(airbyte))


def test_with_it_each_is_an_asset_with_the_name_of_its_own_table(airbyte: AirbyteSimulator) -> None:
    warehouse = airbyte.add_destination(configuration={"database": "dw", "schema": "public"})
    airbyte.add_connection("shop", [*TWINS, "orders"], destination=warehouse, prefix="raw_")

    specs = load_airbyte_asset_specs(workspace(airbyte), NamespacedTranslator())

    assert {tuple(spec.key.path): spec.metadata["dagster/table_name"] for spec in specs} == {
        ("eu", "raw_users"): "dw.eu.raw_users",
        ("us", "raw_users"): "dw.us.raw_users",
        ("raw_orders",): "dw.public.raw_orders",
    }


def test_the_sensor_reports_each_of_them_its_own_sync(airbyte: AirbyteSimulator) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        shop = airbyte.add_connection("shop", TWINS)
        deployment = deployed(airbyte, instance, dagster_airbyte_translator=NamespacedTranslator())
        job = airbyte.run_sync(shop)

        reported = deployment.tick().materialized

    assert sorted(reported) == [("eu/users", job.job_id), ("us/users", job.job_id)]


def test_a_table_that_two_connections_write_is_an_error_that_names_both(
    airbyte: AirbyteSimulator,
) -> None:
    warehouse = airbyte.add_destination(configuration={"database": "dw", "schema": "public"})
    one = airbyte.add_connection("shop", ["users"], destination=warehouse)
    other = airbyte.add_connection("crm", ["users"], destination=warehouse)

    with pytest.raises(DuplicateAssetKey) as error:
        load_airbyte_asset_specs(workspace(airbyte))

    said = str(error.value)
    assert f"'shop' ({one.connection_id})" in said
    assert f"'crm' ({other.connection_id})" in said
    assert "connection_id" in said


def test_two_connections_of_one_name_have_assets_ops_and_schedules_of_their_own(
    airbyte: AirbyteSimulator,
) -> None:
    for stream in ("orders", "users"):
        airbyte.add_connection("shop", [stream], schedule=NOON)

    ops, schedules = names_of_ops_and_schedules(airbyte)

    assert len(set(ops)) == len(set(schedules)) == 2


def test_connections_of_any_name_have_ops_and_schedules_of_their_own(
    airbyte: AirbyteSimulator,
) -> None:
    for number, name in enumerate(ODD):
        airbyte.add_connection(name, [f"stream_{number}"], schedule=NOON)

    ops, schedules = names_of_ops_and_schedules(airbyte)

    assert len(set(ops)) == len(set(schedules)) == len(ODD)


def test_a_connection_named_like_the_check_of_another_loads_beside_it(
    airbyte: AirbyteSimulator,
) -> None:
    """The names of ops differ in a code location, whatever kind of definition they are of."""
    airbyte.add_connection("Orders", ["orders"])
    airbyte.add_connection("Check Orders", ["check_orders"])

    dg.Definitions.validate_loadable(build_airbyte_definitions(workspace(airbyte)))


def test_a_connection_named_like_one_of_another_workspace_loads_beside_it() -> None:
    with AirbyteSimulator() as world, AirbyteSimulator() as europe:
        world.add_connection("EU Shop", ["orders"])
        europe.add_connection("Shop", ["invoices"])
        defs = dg.Definitions.merge(
            build_airbyte_definitions(workspace(world)),
            build_airbyte_definitions(workspace(europe), resource_key="airbyte_eu"),
        )

        dg.Definitions.validate_loadable(defs)


def names_of_ops_and_schedules(airbyte: AirbyteSimulator) -> tuple[list[str], list[str]]:
    """The names that Dagster takes: all definitions together are valid."""
    made = build_airbyte_assets_definitions(workspace=workspace(airbyte))
    schedules = build_schedules_from_airbyte(workspace(airbyte))
    defs = build_airbyte_definitions(workspace(airbyte))
    dg.Definitions.validate_loadable(
        dg.Definitions.merge(defs, dg.Definitions(schedules=schedules))
    )
    return [each.op.name for each in made], [each.name for each in schedules]


def test_streams_of_any_name_in_namespaces_of_any_name_are_assets_of_their_own(
    airbyte: AirbyteSimulator,
) -> None:
    pairs = list(itertools.product(["", "a/b", "A-B", "a->b", "class"], ODD))
    streams = [SimulatedStream(name, namespace=namespace or None) for namespace, name in pairs]
    airbyte.add_connection("shop", streams)

    defs = build_airbyte_definitions(
        workspace(airbyte), dagster_airbyte_translator=NamespacedTranslator()
    )

    dg.Definitions.validate_loadable(defs)
    assert {tuple(key.path) for key in defs.resolve_all_asset_keys()} == {
        (namespace, name) if namespace else (name,) for namespace, name in pairs
    }


def test_names_without_a_latin_letter_are_no_clash_between_two_builders(
    airbyte: AirbyteSimulator,
) -> None:
    """Nor do others share a definition's name with what another builder has."""
    names = ["売上", "在庫", "売上 → Snowflake", "在庫 → Snowflake"]
    for number, name in enumerate(names):
        airbyte.add_connection(name, [f"table_{number}"])
    airbyte_workspace = workspace(airbyte)
    of_each = [
        build_airbyte_definitions(
            airbyte_workspace,
            connection_selector_fn=lambda connection, name=name: connection.name == name,  # type: ignore[misc]
            sensor_name=f"sensor_{number}",
        )
        for number, name in enumerate(names)
    ]
    dg.Definitions.validate_loadable(dg.Definitions.merge(*of_each))
