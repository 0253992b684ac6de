"""Which assets a component makes, and what runs when they are materialized."""

from collections.abc import Iterable

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteCloudWorkspace,
    AirbyteConnectionTableProps,
    AirbyteSettingsError,
    AirbyteWorkspace,
    AirbyteWorkspaceComponent,
    Connection,
    SyncEvent,
)
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.component_yaml import Load, Loaded


def test_a_workspace_alone_gives_assets_checks_sensor_and_resource(load: Load) -> None:
    loaded = load()
    dg.Definitions.validate_loadable(loaded.defs)
    assert loaded.keys == {"orders", "users", "contacts"}
    checks = {key.name for key in loaded.defs.resolve_asset_graph().asset_check_keys}
    assert checks == {"airbyte_sync", "airbyte_rows"}
    assert [sensor.name for sensor in loaded.sensors] == ["airbyte_sync_sensor"]
    assert set(loaded.defs.resources or {}) == {"airbyte"}
    assert not loaded.schedules


@pytest.mark.parametrize(
    ("checks", "names"),
    [
        ("false", set[str]()),
        ("true", {"airbyte_sync", "airbyte_rows"}),
        ("{rows: false, connection: true}", {"airbyte_sync", "airbyte_connection"}),
        (
            "{schema: true, rows_factor: '{{ 5 }}'}",
            {"airbyte_sync", "airbyte_rows", "airbyte_schema"},
        ),
    ],
)
def test_checks_are_on_or_off_or_those_that_are_named(
    load: Load, checks: str, names: set[str]
) -> None:
    graph = load(f"checks: {checks}").defs.resolve_asset_graph()
    assert {key.name for key in graph.asset_check_keys} == names


@pytest.mark.parametrize(
    "selector",
    ["by_name: [shop]", "by_name: shop", "by_tag: [prod]", 'by_name_pattern: "s*p"', "by_id: ID"],
)
def test_a_selector_leaves_other_connections_out(
    load: Load, airbyte: AirbyteSimulator, selector: str
) -> None:
    selector = selector.replace("ID", airbyte.connection("shop").connection_id)
    assert load(f"connection_selector: {{{selector}}}").keys == {"orders", "users"}


def test_a_selector_may_be_a_function_from_a_template_variable(load: Load) -> None:
    def no_schedule(connection: Connection) -> bool:
        return connection.schedule.kind == "manual"

    loaded = load('connection_selector: "{{ no_schedule }}"', no_schedule=no_schedule)
    assert loaded.keys == {"contacts"}


def test_a_name_that_looks_like_a_number_stays_a_name(
    load: Load, airbyte: AirbyteSimulator
) -> None:
    airbyte.add_connection("2024", streams=["old"])
    assert load('connection_selector: {by_name: ["2024"]}').keys == {"old"}


@pytest.mark.parametrize("name", ["2024", "{{ props.connection_name }}"])
def test_text_in_translation_that_looks_like_a_number_stays_text(
    load: Load, airbyte: AirbyteSimulator, name: str
) -> None:
    airbyte.add_connection("2024", streams=["old"])
    loaded = load(
        f"""
        connection_selector: {{by_id: {airbyte.connection("2024").connection_id}}}
        translation:
          key: "{name}"
          key_prefix: ["{name}", x]
          group_name: "{name}"
          description: "{name}"
        """
    )
    spec = loaded.spec("2024/x/2024")
    assert (spec.group_name, spec.description) == ("2024", "2024")


def pools_of(loaded: Loaded) -> dict[str, str | None]:
    assets = loaded.defs.get_repository_def().assets_defs_by_key
    ops = {key.to_user_string(): each.op for key, each in assets.items()}
    return {key: op.pool for key, op in ops.items() if isinstance(op, dg.OpDefinition)}


def test_what_airbyte_knows_of_a_connection_makes_groups_owners_and_kinds(
    load: Load, airbyte: AirbyteSimulator
) -> None:
    airbyte.add_connection("erp", ["invoices"], tags=["Finance EU"], source_type="postgres")
    loaded = load(
        """\
        translation:
          group_name: "{{ props.tag_group }}"
          owners: ["team:{{ props.tag_group or 'data' }}"]
          kinds: ["airbyte", "{{ props.source_type }}", "{{ props.destination_type }}"]
        """
    )
    invoices, contacts = loaded.spec("invoices"), loaded.spec("contacts")
    assert (invoices.group_name, invoices.owners) == ("finance_eu", ["team:finance_eu"])
    # Dagster's own.
    assert (contacts.group_name, contacts.owners) == ("default", ["team:data"])
    assert contacts.kinds == {"airbyte", "faker", "postgres"}


def test_the_graph_may_begin_at_the_sources(load: Load) -> None:
    loaded = load("source_assets: true")
    key = "airbyte_sources/shop_source/orders"
    assert [dep.asset_key.to_user_string() for dep in loaded.spec("orders").deps] == [key]
    assert loaded.spec(key).group_name == "shop_source"


def test_a_template_variable_may_make_them(load: Load) -> None:
    def source(props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        return dg.AssetSpec(["systems", props.stream_name])

    loaded = load("source_assets: '{{ source }}'", source=source)
    assert loaded.keys >= {"systems/orders", "systems/contacts"}


@pytest.mark.parametrize("pool", ["{{ connection.source_id }}", "{{ of_source }}"])
def test_a_pool_is_a_template_with_the_connection(
    load: Load, airbyte: AirbyteSimulator, pool: str
) -> None:
    loaded = load(f'pool: "{pool}"', of_source=lambda connection: connection.source_id)
    sources = {each.name: each.source_id for each in map(airbyte.connection, ("shop", "crm"))}
    assert pools_of(loaded) == {
        "orders": sources["shop"],
        "users": sources["shop"],
        "contacts": sources["crm"],
    }


@pytest.mark.parametrize("pool", ["airbyte", "2024"])
def test_a_pool_may_be_a_name(load: Load, pool: str) -> None:
    assert set(pools_of(load(f'pool: "{pool}"')).values()) == {pool}


def test_a_pool_that_fails_names_the_connection(load: Load) -> None:
    with pytest.raises(AirbyteSettingsError, match=r"for connection '(shop|crm)'"):
        load('pool: "{{ connection.sauce_id }}"')


def test_translation_knows_the_spec_and_the_props(load: Load) -> None:
    loaded = load(
        """
        translation:
          key: "{{ props.connection_name }}/{{ spec.key.path[-1] }}"
          key_prefix: airbyte
          group_name: "{{ props.connection_group }}"
          description: "{{ props.table_name }} in {{ props.destination_type }}"
          metadata: {stream: "{{ props.stream_name }}"}
          tags: {tier: "1"}
          owners: ["team:data"]
          deps: [raw/source]
          code_version: "3"
        """
    )
    spec = loaded.spec("airbyte/shop/orders")
    assert spec.group_name == "shop"
    assert spec.description == "orders in postgres"
    assert spec.metadata["stream"] == "orders"
    assert spec.metadata["dagster-airbyte/connection_name"] == "shop"
    assert spec.tags["tier"] == "1"
    assert spec.owners == ["team:data"]
    assert [dep.asset_key.to_user_string() for dep in spec.deps] == ["raw/source"]
    assert spec.code_version == "3"
    assert spec.kinds == {"airbyte", "postgres"}


def test_a_group_may_be_made_of_any_connections_name(load: Load, airbyte: AirbyteSimulator) -> None:
    airbyte.add_connection("Postgres → Snowflake", streams=["leads"])
    loaded = load('translation: {group_name: "{{ props.connection_group }}"}')
    assert loaded.spec("leads").group_name == "postgres_snowflake"
    with pytest.raises(AirbyteSettingsError, match=r"'Postgres → Snowflake'.*connection_group"):
        load('translation: {group_name: "{{ props.connection_name }}"}')


@pytest.mark.parametrize(
    "template", ["{{ renamed(spec) }}", "{{ {'key': 'all/' + props.stream_name} }}"]
)
def test_translation_may_be_one_template(load: Load, template: str) -> None:
    def renamed(spec: dg.AssetSpec) -> dg.AssetSpec:
        return spec.replace_attributes(key=spec.key.with_prefix("all"))

    loaded = load(f'translation: "{template}"', renamed=renamed)
    assert loaded.keys == {"all/orders", "all/users", "all/contacts"}


def test_translation_takes_partitions(load: Load) -> None:
    loaded = load('translation: {partitions_def: {type: daily, start_date: "2024-01-01"}}')
    partitions = loaded.spec("orders").partitions_def
    assert partitions == dg.DailyPartitionsDefinition("2024-01-01")


def test_without_sync_the_tables_are_only_observed(load: Load) -> None:
    loaded = load("sync: false")
    assert loaded.keys == {"orders", "users", "contacts"}
    assert not loaded.defs.resolve_asset_graph().materializable_asset_keys


def test_without_checks_there_are_none(load: Load) -> None:
    assert not load("checks: false").defs.resolve_asset_graph().asset_check_keys


def test_connections_that_are_paused_are_left_out_on_demand(
    load: Load, airbyte: AirbyteSimulator
) -> None:
    airbyte.update_connection(airbyte.connection("shop"), status="inactive")
    assert load().spec("orders").tags["dagster-airbyte/connection_status"] == "inactive"
    assert load("include_inactive: false").keys == {"contacts"}


def test_freshness_comes_from_airbytes_schedules(load: Load) -> None:
    loaded = load("freshness: true")
    assert loaded.spec("orders").freshness_policy is not None
    assert loaded.spec("contacts").freshness_policy is None


def test_ops_are_named_as_those_of_dagster_airbytes_component(
    load: Load, airbyte: AirbyteSimulator
) -> None:
    """Which keeps capitals, unlike its builder."""
    airbyte.add_connection("Shop DB", streams=["a"])
    for id in ("1b3e5f70-0000-4000-8000-000000000000", "2b3e5f70-0000-4000-8000-000000000000"):
        airbyte.add_connection("Twin", streams=[id[0]], connection_id=id)
    names = {node.name for node in load().defs.resolve_implicit_global_asset_job_def().nodes}
    assert {name for name in names if "check" not in name} == {
        "airbyte_shop",
        "airbyte_crm",
        "airbyte_Shop_DB",
        "airbyte_Twin_1b3e5f70_0000_4000_8000_000000000000",
        "airbyte_Twin_2b3e5f70_0000_4000_8000_000000000000",
    }


def test_resource_key_begins_every_name(load: Load) -> None:
    loaded = load("resource_key: second\nschedules: [{cron: '@daily'}]")
    assert set(loaded.defs.resources or {}) == {"second"}
    assert set(loaded.schedules) == {"second_sync_schedule"}
    assert [sensor.name for sensor in loaded.sensors] == ["second_sync_sensor"]


class Customised(AirbyteWorkspaceComponent):
    """As a project overrides it."""

    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        return super().get_asset_spec(props).merge_attributes(metadata={"mine": props.stream_name})

    def execute(
        self,
        context: dg.AssetExecutionContext,
        airbyte: AirbyteWorkspace | AirbyteCloudWorkspace,
    ) -> Iterable[SyncEvent]:
        context.log.info("Before the sync")
        yield from super().execute(context, airbyte)
        context.log.info("After the sync")


def test_a_subclass_changes_specs_and_translation_comes_after_it(load: Load) -> None:
    loaded = load('translation: {group_name: "{{ spec.metadata.mine }}"}', component=Customised)
    assert loaded.spec("orders").group_name == "orders"


def test_a_subclass_changes_what_runs(
    load: Load, airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    airbyte.update_connection(airbyte.connection("crm"), sync_seconds=0)
    loaded = load("connection_selector: {by_name: crm}", component=Customised)
    run = loaded.defs.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance)
    assert run.success
    assert len(airbyte.jobs) == 1
    reported = run.asset_materializations_for_node("airbyte_crm")
    assert [each.asset_key for each in reported] == [dg.AssetKey("contacts")]
