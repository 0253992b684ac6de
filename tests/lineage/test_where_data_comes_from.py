"""With `source_assets` the graph begins at the system that Airbyte reads from."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteConnectionTableProps,
    AirbyteInstance,
    AirbyteSettingsError,
    AirbyteWorkspace,
    airbyte_source_asset,
    build_airbyte_assets_definitions,
    build_airbyte_definitions,
    load_airbyte_asset_specs,
)
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, SimulatedStream

UI = "https://airbyte.example.com"
ORDERS = "airbyte_sources/shop_db/public/orders"


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        airbyte.add_connection(
            "to the lake",
            [SimulatedStream("orders", "public"), SimulatedStream("users", "public")],
            source_name="Shop DB",
            source_type="postgres",
        )
        yield airbyte


def workspace(airbyte: AirbyteSimulator) -> AirbyteWorkspace:
    return AirbyteWorkspace(**airbyte.workspace_config(), ui_url=UI, request_retry_delay=0)


Loaded = dict[str, dg.AssetSpec]
Load = Callable[..., Sequence[dg.AssetSpec | dg.AssetsDefinition]]


def by_key(assets: Sequence[dg.AssetSpec | dg.AssetsDefinition] | dg.Definitions) -> Loaded:
    needed = {"airbyte": dg.ResourceDefinition.none_resource()}
    defs = (
        assets
        if isinstance(assets, dg.Definitions)
        else dg.Definitions(assets=assets, resources=needed)
    )
    return {each.key.to_user_string(): each for each in defs.resolve_all_asset_specs()}


def load(airbyte: AirbyteSimulator, **options: object) -> Loaded:
    options = {"source_assets": True, **options}
    return by_key(load_airbyte_asset_specs(workspace(airbyte), **options))  # type: ignore[arg-type]


def above(spec: dg.AssetSpec) -> list[str]:
    return [dep.asset_key.to_user_string() for dep in spec.deps]


@pytest.mark.parametrize(
    "build",
    [
        lambda workspace: load_airbyte_asset_specs(workspace, source_assets=True),
        lambda workspace: build_airbyte_assets_definitions(workspace=workspace, source_assets=True),
        lambda workspace: build_airbyte_definitions(workspace, source_assets=True),
        lambda workspace: build_airbyte_definitions(workspace, sync=False, source_assets=True),
    ],
    ids=["specs", "assets", "everything", "everything observed"],
)
def test_each_builder_puts_a_source_above_each_table(
    airbyte: AirbyteSimulator, build: Load
) -> None:
    found = by_key(build(workspace(airbyte)))
    assert above(found["orders"]) == [ORDERS]
    assert above(found[ORDERS]) == []
    assert set(found) == {"orders", "users", ORDERS, ORDERS.replace("orders", "users")}


def test_without_it_there_is_none(airbyte: AirbyteSimulator) -> None:
    assert set(load(airbyte, source_assets=False)) == {"orders", "users"}
    assert above(load(airbyte, source_assets=False)["orders"]) == []


def test_a_source_says_what_it_is(airbyte: AirbyteSimulator) -> None:
    source = load(airbyte)[ORDERS]
    of = airbyte.connection("to the lake")
    page = f"{UI}/workspaces/{airbyte.workspace_id}/source/{of.source_id}"
    assert source.description == f"orders of public, which Airbyte reads from [Shop DB]({page})."
    assert (source.kinds, source.group_name) == ({"postgres"}, "shop_db")
    known = {key: value for key, value in source.metadata.items() if key.startswith("dagster-airb")}
    assert known == {
        "dagster-airbyte/source_id": of.source_id,
        "dagster-airbyte/source_name": "Shop DB",
        "dagster-airbyte/source_type": "postgres",
        "dagster-airbyte/source_url": dg.MetadataValue.url(page),
        "dagster-airbyte/stream_name": "orders",
        "dagster-airbyte/stream_namespace": "public",
    }


def test_two_connections_of_one_source_meet_there(airbyte: AirbyteSimulator) -> None:
    airbyte.add_connection(
        "to the mart",
        [SimulatedStream("orders", "public")],
        source_of=airbyte.connection("to the lake"),
        prefix="mart_",
    )
    found = load(airbyte)
    assert above(found["orders"]) == above(found["mart_orders"]) == [ORDERS]


def test_two_calls_share_the_assets_of_what_both_read(airbyte: AirbyteSimulator) -> None:
    airbyte.add_connection(
        "to the mart",
        [SimulatedStream("orders", "public"), SimulatedStream("visits", "public")],
        source_of=airbyte.connection("to the lake"),
        prefix="mart_",
    )
    lake, mart = (
        build_airbyte_assets_definitions(
            workspace=workspace(airbyte),
            source_assets=True,
            connection_selector_fn=lambda connection, name=name: connection.name == name,  # type: ignore[misc]
        )
        for name in ("to the lake", "to the mart")
    )
    found = by_key([*lake, *mart])
    assert above(found["orders"]) == above(found["mart_orders"]) == [ORDERS]
    assert {f"airbyte_sources/shop_db/public/{each}" for each in ("orders", "users", "visits")} == {
        each for each in found if each.startswith("airbyte_sources")
    }


def test_so_do_two_calls_whose_function_gives_no_group(airbyte: AirbyteSimulator) -> None:
    airbyte.add_connection(
        "to the mart",
        [SimulatedStream("orders", "public")],
        source_of=airbyte.connection("to the lake"),
        prefix="mart_",
    )
    built = [
        made
        for name in ("to the lake", "to the mart")
        for made in build_airbyte_assets_definitions(
            workspace=workspace(airbyte),
            source_assets=lambda props: dg.AssetSpec(["sources", props.stream_name]),
            connection_selector_fn=lambda connection, name=name: connection.name == name,  # type: ignore[misc]
        )
    ]
    assert above(by_key(built)["mart_orders"]) == ["sources/orders"]


def test_those_that_another_call_makes_otherwise_are_others(airbyte: AirbyteSimulator) -> None:
    def of_orders(owner: str) -> dg.AssetsDefinition:
        built = build_airbyte_assets_definitions(
            workspace=workspace(airbyte),
            source_assets=lambda props: airbyte_source_asset(props).replace_attributes(
                owners=[f"team:{owner}"]
            ),
        )
        return next(each for each in built if dg.AssetKey(ORDERS.split("/")) in each.keys)

    one, other = of_orders("data"), of_orders("sales")
    assert next(iter(one.specs)).owners == ["team:data"]
    assert next(iter(other.specs)).owners == ["team:sales"]


def test_two_sources_of_one_name_are_kept_apart_with_all_their_streams(
    airbyte: AirbyteSimulator,
) -> None:
    streams = [SimulatedStream("orders", "public"), SimulatedStream("visits", "public")]
    other = airbyte.add_connection("another", streams, source_name="shop db", prefix="x_")
    first, found, names = airbyte.connection("to the lake"), load(airbyte), set[object]()
    for table, of, stream in (
        ("orders", first, "orders"),
        ("users", first, "users"),
        ("x_orders", other, "orders"),
        ("x_visits", other, "visits"),
    ):
        key = f"airbyte_sources/shop_db_{of.source_id[:8]}/public/{stream}"
        assert above(found[table]) == [key]
        assert found[key].group_name == f"shop_db_{of.source_id[:8]}"
    names = {
        found[above(found[table])[0]].metadata["dagster-airbyte/source_name"]
        for table in found
        if above(found[table])
    }
    assert names == {"Shop DB", "shop db"}


def of_one_connection_each(airbyte: AirbyteSimulator) -> dg.Definitions:
    """Definitions for each connection, put together."""
    of = workspace(airbyte)

    def defs(only: str) -> dg.Definitions:
        return build_airbyte_definitions(
            of,
            connection_selector_fn=lambda each: each.id == only,
            sensor_name=f"sensor_{only[:8]}",
            source_assets=True,
        )

    merged = dg.Definitions.merge(*(defs(each.connection_id) for each in airbyte.connections))
    dg.Definitions.validate_loadable(merged)
    return merged


def test_a_source_has_one_key_whatever_is_selected(airbyte: AirbyteSimulator) -> None:
    other = airbyte.add_connection("another", ["orders"], source_name="Shop DB", prefix="x_")
    airbyte.add_connection("again", ["visits"], source_of=other, prefix="y_")
    whole = load(airbyte)
    assert above(whole["y_visits"]) == [f"airbyte_sources/shop_db_{other.source_id[:8]}/visits"]
    assert set(by_key(of_one_connection_each(airbyte))) == set(whole)


def test_two_definitions_of_one_stream_of_a_source_may_be_put_together(
    airbyte: AirbyteSimulator,
) -> None:
    """Also if Airbyte has other columns in each, as it reads a schema anew for each connection."""
    schema = {"properties": {"id": {"type": "integer"}, "late": {"type": "string"}}}
    airbyte.add_connection(
        "to the mart",
        [SimulatedStream("orders", "public", json_schema=schema)],
        source_of=airbyte.connection("to the lake"),
        prefix="mart_",
    )
    merged = of_one_connection_each(airbyte)
    assert merged.resolve_asset_graph().get(dg.AssetKey(ORDERS.split("/"))).child_keys == {
        dg.AssetKey("orders"),
        dg.AssetKey("mart_orders"),
    }


def test_a_source_whose_name_is_not_known_is_known_by_its_id(airbyte: AirbyteSimulator) -> None:
    airbyte.add_fault(Fault.status(403), path="/sources", times=None)
    of = airbyte.connection("to the lake").source_id
    assert above(load(airbyte)["orders"]) == [f"airbyte_sources/source_{of[:8]}/public/orders"]


def test_of_an_instance_the_workspace_is_in_the_key(airbyte: AirbyteSimulator) -> None:
    airbyte.rename_workspace(airbyte.workspaces[0], "Sales EU")
    instance = AirbyteInstance(**airbyte.instance_config())
    found = by_key(load_airbyte_asset_specs(instance, source_assets=True))
    key = "airbyte_sources/sales_eu/shop_db/public/orders"
    assert above(found["sales_eu/orders"]) == [key]


def own(props: AirbyteConnectionTableProps) -> dg.AssetSpec:
    spec = airbyte_source_asset(props)
    return spec.replace_attributes(key=["systems", *spec.key.path[-2:]], group_name="systems")


def test_a_function_makes_other_assets_of_them(airbyte: AirbyteSimulator) -> None:
    found = load(airbyte, source_assets=own)
    assert above(found["orders"]) == ["systems/public/orders"]
    assert found["systems/public/orders"].group_name == "systems"


def broken(props: AirbyteConnectionTableProps) -> dg.AssetSpec:
    raise KeyError(props.stream_name)


def no_spec(props: AirbyteConnectionTableProps) -> dg.AssetSpec:
    return props.stream_name  # type: ignore[return-value]


def taken(props: AirbyteConnectionTableProps) -> dg.AssetSpec:
    return airbyte_source_asset(replace(props)).replace_attributes(key=props.stream_name)


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (broken, r"source_assets raised KeyError: 'orders' for the stream 'orders' of the source"),
        (no_spec, r"must return an AssetSpec, but returned a str for the stream 'orders'"),
        (taken, r"'orders' would stand for a stream of a source and for the table of connection"),
    ],
)
def test_a_function_that_cannot_be_used_is_an_error(
    airbyte: AirbyteSimulator, function: object, problem: str
) -> None:
    with pytest.raises(AirbyteSettingsError, match=problem):
        load(airbyte, source_assets=function)
