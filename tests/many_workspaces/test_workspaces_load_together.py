"""Definitions of all workspaces of an instance: keys, groups, metadata, and how much is asked."""

import logging

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteConnectionTableProps,
    AirbyteInstance,
    AirbyteSettingsError,
    AirbyteWorkspace,
    DagsterAirbyteTranslator,
    DuplicateAssetKey,
    NamespacedTranslator,
    build_airbyte_assets_definitions,
    build_airbyte_definitions,
    load_airbyte_asset_specs,
)
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedStream
from helpers.workspaces import Company, paths

ALL = ["finance/orders", "finance/users", "sales_eu/orders", "sales_eu/users", "support/tickets"]


def keys_of(specs: object) -> list[str]:
    assert isinstance(specs, list)
    return sorted(spec.key.to_user_string() for spec in specs)


def test_keys_and_groups_are_by_workspace(either: Company) -> None:
    specs = list(load_airbyte_asset_specs(either.instance_of()))
    assert keys_of(specs) == ALL
    groups = {spec.key.to_user_string(): spec.group_name for spec in specs}
    assert groups["finance/orders"] == "finance"
    assert groups["sales_eu/orders"] == "sales_eu"


def test_workspaces_whose_names_lose_their_letters_are_apart(company: Company) -> None:
    """Of tables of one name in both, definitions did not load."""
    names = {"財務 EU": company.sales, "人事 EU": company.finance, "支援": company.support}
    for name, workspace in names.items():
        company.airbyte.rename_workspace(workspace, name)
    defs = build_airbyte_definitions(company.instance_of())
    eu = [f"eu_{each.workspace_id[:8]}" for each in (company.sales, company.finance)]
    expected = {(group, table) for group in eu for table in ("orders", "users")}
    expected.add((f"workspace_{company.support.workspace_id[:8]}", "tickets"))
    assert {tuple(key.path) for key in defs.resolve_all_asset_keys()} == expected


def test_a_spec_says_whose_it_is_and_links_there(either: Company) -> None:
    specs = load_airbyte_asset_specs(either.instance_of())
    spec = next(each for each in specs if each.key.path == ["finance", "orders"])
    here = either.finance.workspace_id
    assert spec.metadata["dagster-airbyte/workspace_id"] == here
    assert spec.metadata["dagster-airbyte/workspace_name"] == "Finance"
    link = spec.metadata["dagster-airbyte/connection_url"]
    assert isinstance(link, dg.UrlMetadataValue)
    page = f"/workspaces/{here}/connections/{either.books.connection_id}"
    assert (link.value or "").endswith(page)
    assert page in (spec.description or "")


def test_a_load_costs_four_requests_and_one_a_workspace(company: Company) -> None:
    company.airbyte.forget_requests()
    build_airbyte_definitions(company.instance_of())
    asked = paths(company.airbyte)
    assert sorted(asked) == sorted(
        [
            "v1/workspaces",
            *3 * ["v1/connections/list"],
            "v1/destinations",
            "v1/sources",
            "v1/instance_configuration",
        ]
    )


def test_a_list_of_workspaces_is_all_there_is(either: Company) -> None:
    chosen = either.instance_of([either.finance, either.support])
    specs = list(load_airbyte_asset_specs(chosen))
    assert keys_of(specs) == ["finance/orders", "finance/users", "support/tickets"]


def test_ids_may_come_from_variables(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINANCE", company.finance.workspace_id)
    resource = AirbyteInstance(
        **company.airbyte.instance_config(), workspace_ids=[dg.EnvVar("FINANCE")]
    )
    assert len(load_airbyte_asset_specs(resource)) == 2


def test_credentials_that_see_some_load_those(either: Company) -> None:
    either.airbyte.hide_workspace(either.finance)
    specs = list(load_airbyte_asset_specs(either.instance_of()))
    assert keys_of(specs) == ["sales_eu/orders", "sales_eu/users", "support/tickets"]


def test_of_a_list_the_missing_are_named_and_the_rest_loads(
    either: Company, caplog: pytest.LogCaptureFixture
) -> None:
    either.airbyte.hide_workspace(either.finance)
    with caplog.at_level(logging.WARNING):
        specs = list(load_airbyte_asset_specs(either.instance_of(either.workspaces)))
    assert keys_of(specs) == ["sales_eu/orders", "sales_eu/users", "support/tickets"]
    named = [each for each in caplog.messages if either.finance.workspace_id in each]
    assert len(named) == 1


def test_a_workspace_that_is_listed_but_may_not_be_read_is_left_out(either: Company) -> None:
    either.airbyte.hide_workspace(either.finance, listed=True)
    specs = list(load_airbyte_asset_specs(either.instance_of()))
    assert keys_of(specs) == ["sales_eu/orders", "sales_eu/users", "support/tickets"]


def test_no_workspace_at_all_is_an_error(either: Company) -> None:
    for workspace in either.workspaces:
        either.airbyte.hide_workspace(workspace)
    with pytest.raises(AirbyteSettingsError, match="shows these credentials no workspace"):
        load_airbyte_asset_specs(either.instance_of())


def test_none_of_the_list_is_an_error_that_names_what_there_is(either: Company) -> None:
    either.airbyte.hide_workspace(either.finance)
    with pytest.raises(AirbyteSettingsError, match=r"none of the workspaces .* 'Sales EU'"):
        load_airbyte_asset_specs(either.instance_of([either.finance]))


def test_a_deleted_workspace_has_no_assets(either: Company) -> None:
    either.airbyte.delete_workspace(either.finance)
    specs = list(load_airbyte_asset_specs(either.instance_of()))
    assert keys_of(specs) == ["sales_eu/orders", "sales_eu/users", "support/tickets"]


@pytest.mark.parametrize("ids", [[], [""], ["sales"]])
def test_a_list_that_cannot_work_fails_at_once(company: Company, ids: list[str]) -> None:
    with pytest.raises(AirbyteSettingsError, match="workspace_ids"):
        AirbyteInstance(**company.airbyte.instance_config(), workspace_ids=ids)


class Flat(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        name = f"{props.workspace_id or ''}_{props.table_name}"
        return super().get_asset_spec(props).replace_attributes(key=name, group_name="all")


def test_a_translator_of_the_user_s_is_honoured(company: Company) -> None:
    specs = load_airbyte_asset_specs(company.instance_of(), Flat())
    keys = {spec.key.to_user_string() for spec in specs}
    assert f"{company.finance.workspace_id}_orders" in keys
    assert {spec.group_name for spec in specs} == {"all"}


def test_equal_keys_are_an_error_that_names_the_workspaces(company: Company) -> None:
    company.airbyte.rename_workspace(company.finance, "sales (EU)")
    with pytest.raises(DuplicateAssetKey) as error:
        load_airbyte_asset_specs(company.instance_of())
    assert company.finance.workspace_id in str(error.value)
    assert company.sales.workspace_id in str(error.value)


def test_namespaces_are_behind_the_workspace(company: Company) -> None:
    streams = [SimulatedStream("logs", namespace="audit")]
    company.airbyte.add_connection("more", streams, workspace=company.support)
    specs = load_airbyte_asset_specs(company.instance_of(), NamespacedTranslator())
    assert ["support", "audit", "logs"] in [spec.key.path for spec in specs]


def test_a_workspace_whose_name_has_no_letters_is_called_by_its_id(company: Company) -> None:
    company.airbyte.rename_workspace(company.support, "💬")
    specs = load_airbyte_asset_specs(company.instance_of())
    first = f"workspace_{company.support.workspace_id[:8]}"
    assert [first, "tickets"] in [spec.key.path for spec in specs]


def test_connections_of_one_name_are_two_definitions(company: Company) -> None:
    definitions = build_airbyte_assets_definitions(workspace=company.instance_of())
    assert len({each.op.name for each in definitions}) == 3


def test_more_workspaces_than_fit_on_a_page_are_all_there(company: Company) -> None:
    for number in range(7):
        workspace = company.airbyte.add_workspace(f"Team {number}")
        company.airbyte.add_connection("own", ["events"], workspace=workspace)
    specs = load_airbyte_asset_specs(company.instance_of(max_items_per_page=2))
    assert len(specs) == 12


def test_a_single_workspace_of_them_is_as_it_was(company: Company) -> None:
    """Its keys, its metadata and its requests."""
    company.airbyte.forget_requests()
    specs = list(load_airbyte_asset_specs(AirbyteWorkspace(**company.airbyte.workspace_config())))
    assert keys_of(specs) == ["orders", "users"]
    assert not any("workspace" in key for spec in specs for key in spec.metadata)
    assert {spec.group_name for spec in specs} == {None}
    assert len(paths(company.airbyte)) == 4


def test_more_than_a_hundred_workspaces_are_asked_for_in_parts() -> None:
    with AirbyteSimulator(configuration_api=False) as airbyte:
        for number in range(130):
            workspace = airbyte.add_workspace(f"Team {number}")
            airbyte.add_connection("own", ["events"], workspace=workspace)
        resource = AirbyteInstance(**airbyte.instance_config(), request_retry_delay=0.01)
        assert len(load_airbyte_asset_specs(resource)) == 130
        asked = [each.query.get("workspaceIds", [""])[0] for each in airbyte.requests]
        assert max(map(len, asked)) < 4_000
