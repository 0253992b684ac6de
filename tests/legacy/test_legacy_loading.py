"""`AirbyteResource` and `load_assets_from_airbyte_instance` on today's Airbyte."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import responses

from dagster_airbyte_sync import (
    AirbyteConnectionMetadata,
    AirbyteResource,
    AirbyteSettingsError,
    airbyte_resource,
    build_airbyte_definitions,
    build_airbyte_polling_sensor,
    load_assets_from_airbyte_instance,
)
from dagster_airbyte_sync.resources import write_snapshot_file
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.simulated import host_and_port


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(auth="basic") as airbyte:
        yield airbyte


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", ["orders", "users"], sync_seconds=0)


def fields(airbyte: AirbyteSimulator, **more: Any) -> dict[str, Any]:
    credentials = {"username": airbyte.username, "password": airbyte.password}
    return {**host_and_port(airbyte), **credentials, "poll_interval": 0.01, **more}


def load(resource: Any, **arguments: Any) -> Any:
    with pytest.warns(FutureWarning, match="from before Airbyte's workspaces"):
        return load_assets_from_airbyte_instance(resource, **arguments)


def specs(airbyte: AirbyteSimulator, **arguments: Any) -> list[dg.AssetSpec]:
    """All specs of what is loaded."""
    loaded = load(AirbyteResource(**fields(airbyte)), **arguments)
    return [spec for definition in loaded for spec in definition.specs]


def test_it_is_one_object_in_a_list_or_the_list_itself(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    """As users wrote `assets=[loaded]`, and as they write `assets=loaded` today."""
    loaded = load(AirbyteResource(**fields(airbyte)))
    for assets in ([loaded], loaded, [*loaded]):
        keys = dg.Definitions(assets=assets).resolve_asset_graph().get_all_asset_keys()
        assert {key.to_user_string() for key in keys} == {"orders", "users"}
    assert len(loaded) == 1


@pytest.mark.parametrize("how", ["resource", "configured"])
def test_its_assets_sync_without_another_resource(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, how: str
) -> None:
    """They bring their own, as they did."""
    given = fields(airbyte)
    made = AirbyteResource(**given) if how == "resource" else airbyte_resource.configured(given)
    definitions = dg.Definitions(assets=[load(made)])
    airbyte.on_request(lambda _: airbyte.progress())
    run = definitions.resolve_implicit_global_asset_job_def().execute_in_process()
    assert run.success
    [job] = airbyte.jobs
    metadata = run.asset_materializations_for_node("airbyte_shop")[0].metadata
    assert metadata["dagster-airbyte/job_id"].value == str(job.job_id)
    assert airbyte.workspace_id in str(metadata["dagster-airbyte/job_url"].value)


def test_its_assets_stand_beside_a_sensor_and_the_resource_of_that(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    resource = AirbyteResource(**fields(airbyte))
    definitions = dg.Definitions(
        assets=[load(resource)],
        sensors=[build_airbyte_polling_sensor(workspace=resource)],
        resources={"airbyte": resource},
    )
    dg.Definitions.validate_loadable(definitions)
    airbyte.on_request(lambda _: airbyte.progress())
    assert definitions.resolve_implicit_global_asset_job_def().execute_in_process().success


def test_two_calls_stand_side_by_side(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> None:
    """Each connection syncs on its own server, or with the resource of its own call."""
    airbyte.add_connection("crm", ["leads"], sync_seconds=0)
    names: list[Callable[[AirbyteConnectionMetadata], bool]]
    names = [lambda meta: meta.name == "crm", lambda meta: meta.name == "shop"]
    with AirbyteSimulator(auth="basic") as other:
        other.add_connection("erp", ["bills"], sync_seconds=0)
        loaded = [
            load(AirbyteResource(**fields(airbyte)), connection_filter=named) for named in names
        ]
        loaded.append(load(AirbyteResource(**fields(other))))
        airbyte.on_request(lambda _: airbyte.progress())
        other.on_request(lambda _: other.progress())
        job = dg.Definitions(assets=loaded).resolve_implicit_global_asset_job_def()
        assert job.execute_in_process().success
        assert (len(airbyte.jobs), len(other.jobs)) == (2, 1)


def test_it_is_a_workspace_for_everything_else(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    """The sensor, too, and nobody has to say the workspace."""
    resource = AirbyteResource(**fields(airbyte))
    defs = build_airbyte_definitions(resource, start_from=timedelta(days=1))
    [sensor] = defs.get_repository_def().sensor_defs
    airbyte.run_sync(shop, rows=3)
    with (
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_sensor_context(
            instance, definitions=defs, sensor_name=sensor.name, resources={"airbyte": resource}
        ) as context,
    ):
        result = sensor.evaluate_tick(context)
    reported = [
        event for event in result.asset_events if isinstance(event, dg.AssetMaterialization)
    ]
    assert len(reported) == 2


def test_the_workspace_is_asked_for_once(airbyte: AirbyteSimulator) -> None:
    airbyte.add_connection("shop")
    load(AirbyteResource(**fields(airbyte)))
    load(AirbyteResource(**fields(airbyte)))
    paths = [request.path for request in airbyte.requests]
    assert paths.count("/api/public/v1/workspaces") == 1


def test_a_given_workspace_is_not_asked_for(airbyte: AirbyteSimulator) -> None:
    load(AirbyteResource(**fields(airbyte)), workspace_id=airbyte.workspace_id)
    assert "/api/public/v1/workspaces" not in [request.path for request in airbyte.requests]


def test_of_several_workspaces_one_must_be_chosen() -> None:
    rows = [{"workspaceId": f"id-{name}", "name": name} for name in ("sales", "finance")]
    with responses.RequestsMock() as mock:
        mock.get("http://several:8000/api/public/v1/workspaces", json={"data": rows})
        with pytest.raises(
            AirbyteSettingsError, match=r"2 workspaces: .*'sales' \(id-sales\).*set workspace_id"
        ):
            AirbyteResource(host="several", port="8000").settings()


def test_an_airbyte_that_shows_no_workspace_is_an_error() -> None:
    with responses.RequestsMock() as mock:
        mock.get("https://nobody/api/public/v1/workspaces", json={"data": []})
        with pytest.raises(AirbyteSettingsError, match="shows none: set workspace_id"):
            AirbyteResource(host="nobody", port="", use_https=True).settings()


def test_where_the_workspace_is_not_said_definitions_load_from_a_snapshot(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, tmp_path: Path
) -> None:
    resource = AirbyteResource(**fields(airbyte))
    write_snapshot_file(resource.fetch_catalog(), tmp_path / "airbyte.json")
    airbyte.forget_requests()
    defs = build_airbyte_definitions(resource, snapshot=tmp_path / "airbyte.json")
    keys = defs.resolve_asset_graph().get_all_asset_keys()
    assert {key.to_user_string() for key in keys} == {"orders", "users"}
    assert airbyte.requests == []


# The loader's arguments


def test_groups_are_names_of_connections_and_keys_those_of_tables(
    airbyte: AirbyteSimulator,
) -> None:
    airbyte.add_connection("Shop/Orders & More", ["orders"], prefix="s_")
    [spec] = specs(airbyte)
    assert (spec.key, spec.group_name) == (dg.AssetKey("s_orders"), "shop_orders_more")


@pytest.mark.parametrize(
    ("arguments", "group"),
    [
        ({"connection_to_group_fn": None}, "default"),
        ({"connection_to_group_fn": lambda name: f"of_{name}"}, "of_shop"),
        ({"connection_meta_to_group_fn": lambda meta: meta.stream_prefix or "none"}, "none"),
    ],
    ids=["no groups", "by name", "by metadata"],
)
def test_groups_are_what_is_asked_for(
    airbyte: AirbyteSimulator, arguments: dict[str, Any], group: str
) -> None:
    airbyte.add_connection("shop", ["orders"])
    assert [spec.group_name for spec in specs(airbyte, **arguments)] == [group]


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        ({"key_prefix": "raw"}, ["raw", "orders"]),
        ({"key_prefix": ["raw", "airbyte"]}, ["raw", "airbyte", "orders"]),
        (
            {"connection_to_asset_key_fn": lambda meta, table: dg.AssetKey([meta.name, table])},
            ["shop", "orders"],
        ),
    ],
    ids=["a prefix", "a longer prefix", "a function"],
)
def test_keys_are_what_is_asked_for(
    airbyte: AirbyteSimulator, arguments: dict[str, Any], key: list[str]
) -> None:
    airbyte.add_connection("shop", ["orders"])
    assert [spec.key for spec in specs(airbyte, **arguments)] == [dg.AssetKey(key)]


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        ({"io_manager_key": "warehouse"}, {"warehouse"}),
        (
            {"connection_to_io_manager_key_fn": lambda name: "lake" if name == "crm" else None},
            {"lake", "io_manager"},
        ),
    ],
    ids=["one", "by connection"],
)
def test_io_managers_are_those_asked_for(
    airbyte: AirbyteSimulator, arguments: dict[str, Any], keys: set[str]
) -> None:
    airbyte.add_connection("shop", ["orders"])
    airbyte.add_connection("crm", ["leads"])
    loaded = load(AirbyteResource(**fields(airbyte)), **arguments)
    outputs = [output for made in loaded for output in made.op.output_dict.values()]
    assert {output.io_manager_key for output in outputs} == keys


@pytest.mark.parametrize("name", ["cancel_sync_on_run_termination", "cancel_on_termination"])
@pytest.mark.parametrize("how", ["resource", "configured"])
def test_a_sync_that_shall_not_be_cancelled_is_not_by_a_loader_with_a_workspace_id(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, name: str, how: str
) -> None:
    """The loader makes the resource anew, and Dagster does before each run."""
    given = fields(airbyte, **{name: False})
    made = AirbyteResource(**given) if how == "resource" else airbyte_resource.configured(given)
    [definition] = load(made, workspace_id=airbyte.workspace_id)
    [bound] = definition.resource_defs.values()
    with dg.build_resources({"airbyte": bound}) as resources:
        assert resources.airbyte.cancel_on_termination is False


@pytest.mark.parametrize(
    "arguments",
    [
        {"connection_to_group_fn": str, "connection_meta_to_group_fn": str},
        {"io_manager_key": "a", "connection_to_io_manager_key_fn": str},
    ],
    ids=["groups", "io managers"],
)
def test_arguments_that_contradict_each_other_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(AirbyteSettingsError, match="are both set: remove one of them"):
        load_assets_from_airbyte_instance(AirbyteResource(host="a", port="1"), **arguments)


def test_something_else_than_the_resource_is_named() -> None:
    with pytest.raises(AirbyteSettingsError, match=r"airbyte is a str, .*workspace="):
        load_assets_from_airbyte_instance("airbyte")  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:Class `LegacyFreshnessPolicy`")
def test_a_former_freshness_policy_becomes_one_of_today(airbyte: AirbyteSimulator) -> None:
    airbyte.add_connection("shop", ["orders"])

    def policy(meta: AirbyteConnectionMetadata) -> dg.LegacyFreshnessPolicy:
        return dg.LegacyFreshnessPolicy(maximum_lag_minutes=90)

    [spec] = specs(airbyte, connection_to_freshness_policy_fn=policy)
    assert spec.freshness_policy == dg.FreshnessPolicy.time_window(timedelta(minutes=90))


@pytest.mark.filterwarnings("ignore:.*`AutoMaterializePolicy")
def test_a_former_automation_policy_becomes_a_condition(airbyte: AirbyteSimulator) -> None:
    airbyte.add_connection("shop", ["orders"])
    eager = dg.AutoMaterializePolicy.eager()
    [spec] = specs(airbyte, connection_to_auto_materialize_policy_fn=lambda meta: eager)
    assert spec.automation_condition == eager.to_automation_condition()


def test_policies_of_today_are_taken_as_they_are(airbyte: AirbyteSimulator) -> None:
    airbyte.add_connection("shop", ["orders"])
    fresh = dg.FreshnessPolicy.time_window(timedelta(hours=1))
    eager = dg.AutomationCondition.eager()
    [spec] = specs(
        airbyte,
        connection_to_freshness_policy_fn=lambda meta: fresh,
        connection_to_auto_materialize_policy_fn=lambda meta: eager,
    )
    assert (spec.freshness_policy, spec.automation_condition) == (fresh, eager)


def test_callbacks_know_streams_and_destination(airbyte: AirbyteSimulator) -> None:
    warehouse = airbyte.add_destination(configuration={"database": "dw", "schema": "public"})
    airbyte.add_connection("shop", ["orders"], destination=warehouse, prefix="s_")
    seen: list[AirbyteConnectionMetadata] = []

    def look(meta: AirbyteConnectionMetadata) -> bool:
        seen.append(meta)
        return True

    load(AirbyteResource(**fields(airbyte)), connection_filter=look)
    meta = seen[0]
    assert (meta.name, meta.stream_prefix, meta.has_basic_normalization) == ("shop", "s_", False)
    assert meta.stream_data[0]["config"] == {"selected": True}
    assert meta.destination["connectionConfiguration"] == {"database": "dw", "schema": "public"}
