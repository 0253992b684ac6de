"""What stands for a connection, and what is said of a member that stands for none."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteSettingsError,
    AirbyteWorkspace,
    WhenAll,
    build_airbyte_definitions,
    build_airbyte_when_all_sensor,
    load_airbyte_asset_specs,
)
from dagster_airbyte_sync.sensors.when_all.members import members_of, tables_in
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.deployment import Deployment
from helpers.downstream import DOWNSTREAM
from helpers.when_all import TRIGGER, Deploy, Triggered, triggered

pytestmark = pytest.mark.usefixtures("sources")


@pytest.fixture
def workspace(airbyte: AirbyteSimulator) -> AirbyteWorkspace:
    return AirbyteWorkspace(**airbyte.workspace_config())


def found(workspace: AirbyteWorkspace, *wanted: str | dg.AssetKey) -> dict[str, list[str]]:
    defs = dg.Definitions(load_airbyte_asset_specs(workspace))
    members = members_of(wanted, tables_in(defs.get_repository_def()))
    assert not members.unknown
    return {
        member.name: sorted(table.key.to_user_string() for table in member.tables)
        for member in members.known
    }


def test_a_name_or_an_id_stands_for_a_connection(
    workspace: AirbyteWorkspace, airbyte: AirbyteSimulator
) -> None:
    whole = {"shop": ["orders", "users"]}
    assert found(workspace, "shop") == whole
    assert found(workspace, airbyte.connection("shop").connection_id) == whole


def test_a_tag_stands_for_each_connection_that_has_it(workspace: AirbyteWorkspace) -> None:
    assert set(found(workspace, "tag:finance")) == {"crm", "shop"}
    assert set(found(workspace, "tag:sales", "billing")) == {"billing", "crm"}


def test_a_table_stands_for_itself_unless_its_whole_connection_is_a_member(
    workspace: AirbyteWorkspace,
) -> None:
    orders = dg.AssetKey("orders")
    assert found(workspace, orders) == {"shop (orders)": ["orders"]}
    assert found(workspace, orders, "shop") == {"shop": ["orders", "users"]}


def test_a_name_that_two_connections_have_stands_for_both(airbyte: AirbyteSimulator) -> None:
    airbyte.add_connection("crm", streams=["contacts"], connection_id="another")
    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    defs = dg.Definitions(load_airbyte_asset_specs(workspace))
    members = members_of(["crm"], tables_in(defs.get_repository_def()))
    assert len(members.known) == 2


def test_the_tags_of_a_connection_are_in_the_metadata_of_its_tables(
    workspace: AirbyteWorkspace,
) -> None:
    tags = {
        spec.key.to_user_string(): spec.metadata.get("dagster-airbyte/connection_tags")
        for spec in load_airbyte_asset_specs(workspace)
    }
    assert tags == {
        "orders": ["finance"],
        "users": ["finance"],
        "leads": ["finance", "sales"],
        "invoices": None,
    }


@pytest.mark.parametrize("member", ["crm2", "tag:fin", dg.AssetKey("gone"), dg.AssetKey("revenue")])
def test_members_that_are_all_unknown_are_an_error_that_names_the_known_ones(
    workspace: AirbyteWorkspace, member: str | dg.AssetKey
) -> None:
    nightly = WhenAll("nightly", [member])
    with pytest.raises(
        AirbyteSettingsError, match=r"when_all 'nightly': nothing here matches .*'billing', 'crm'"
    ):
        build_airbyte_definitions(workspace, when_all=[nightly])


def test_an_unknown_table_is_called_a_table(workspace: AirbyteWorkspace) -> None:
    nightly = WhenAll("nightly", ["crm2", dg.AssetKey("gone")])
    with pytest.raises(AirbyteSettingsError, match="matches 'crm2', the table 'gone'\\."):
        build_airbyte_definitions(workspace, when_all=[nightly])


def test_one_that_is_gone_among_others_stops_nothing_from_loading(
    workspace: AirbyteWorkspace,
) -> None:
    """It may have been renamed in Airbyte. The sensor names it at each tick."""
    defs = build_airbyte_definitions(workspace, when_all=[WhenAll("nightly", ["shop", "gone"])])
    dg.Definitions.validate_loadable(defs)


@pytest.fixture
def unchecked(deploy: Deploy, workspace: AirbyteWorkspace) -> Callable[..., Triggered]:
    """The trigger beside other definitions, which may have its members or not."""

    def make(*members: str, **options: Any) -> Triggered:
        deployment: Deployment = deploy(*DOWNSTREAM)
        sensor = build_airbyte_when_all_sensor(
            WhenAll("nightly", members, **options), workspace=workspace
        )
        defs = dg.Definitions.merge(deployment.defs, dg.Definitions(sensors=[sensor]))
        deployment = replace(deployment, defs=defs)
        both = Triggered([deployment], replace(deployment, sensor=TRIGGER, ticks=[]))
        both.report()
        both.tick()
        return both

    return make


def test_an_unknown_member_that_comes_to_light_in_a_tick_is_missing_and_named_once(
    unchecked: Callable[..., Triggered], capsys: pytest.CaptureFixture[str]
) -> None:
    nightly = unchecked("shop", "crm2")
    nightly.sync("shop", "crm")
    tick = nightly.tick()
    assert tick.requests == []
    assert str(tick.summary).endswith("waiting for crm2. Nothing here matches crm2.")
    said = capsys.readouterr().err
    assert said.count("The connections are: 'billing', 'crm', 'shop'.") == 1


def test_an_unknown_member_is_missing_at_the_deadline(
    unchecked: Callable[..., Triggered],
) -> None:
    nightly = unchecked("shop", "crm2", deadline=timedelta(hours=1))
    nightly.sync("shop")
    assert nightly.tick().requests == []
    nightly.wait(hours=1)
    (request,) = nightly.tick().requests
    assert request.tags["dagster-airbyte/when_all_missing"] == "crm2"


def test_members_may_belong_to_other_definitions_where_a_selector_leaves_them_out(
    workspace: AirbyteWorkspace,
) -> None:
    build_airbyte_definitions(
        workspace,
        connection_selector_fn=lambda connection: connection.name == "shop",
        when_all=[WhenAll("nightly", ["shop", "crm"])],
    )


@pytest.mark.parametrize(
    "name", ["Postgres → Snowflake, daily", "a:b|c", "tags", "  spaces  ", "Ω" * 300]
)
def test_connections_may_have_any_name(
    deploy: Deploy, airbyte: AirbyteSimulator, name: str
) -> None:
    airbyte.add_connection(name, streams=["odd"])
    follows = dg.asset(name="follows", deps=["odd", "leads"])(lambda: None)
    nightly = triggered(deploy, follows, members=[name, "crm"])
    nightly.sync(name)
    assert nightly.tick().requests == []
    nightly.sync("crm")
    (request,) = nightly.tick().requests
    assert name in request.tags["dagster-airbyte/when_all_members"]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"name": "every night"}, "name is 'every night'"),
        ({"name": ""}, "name is ''"),
        ({"members": []}, "members is"),
        ({"members": "crm"}, "members is 'crm'"),
        ({"members": ["crm", "tag:"]}, "members is"),
        ({"members": ["crm", 5]}, "members is"),
        ({"downstream": "group:marts"}, "downstream is 'group:marts'"),
        ({"deadline": timedelta(0)}, "deadline is"),
        ({"deadline": 4}, "deadline is 4"),
        ({"at_deadline": "stop"}, "at_deadline is 'stop': give 'start' or 'report'"),
    ],
)
def test_what_cannot_work_is_named(options: dict[str, Any], named: str) -> None:
    with pytest.raises(AirbyteSettingsError, match=named):
        WhenAll(**{"name": "nightly", "members": ["crm"], **options})


def test_two_triggers_need_two_names(workspace: AirbyteWorkspace) -> None:
    same = [WhenAll("nightly", ["crm"]), WhenAll("nightly", ["shop"])]
    with pytest.raises(AirbyteSettingsError, match="several named nightly"):
        build_airbyte_definitions(workspace, when_all=same)


def test_an_interval_that_dagster_would_make_another_is_an_error(
    workspace: AirbyteWorkspace,
) -> None:
    with pytest.raises(AirbyteSettingsError, match="at least 1"):
        build_airbyte_when_all_sensor(
            WhenAll("nightly", ["crm"]), workspace=workspace, minimum_interval_seconds=0
        )
