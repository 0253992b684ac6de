"""What is wrong as definitions load is one sentence that names it, and says what to change."""

import pickle
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteConnectionTableProps,
    AirbyteResource,
    AirbyteSettingsError,
    AirbyteWorkspace,
    DagsterAirbyteTranslator,
    DuplicateAssetKey,
    airbyte_assets,
    build_airbyte_assets_definitions,
    build_airbyte_definitions,
    build_schedules_from_airbyte,
    load_airbyte_asset_specs,
    load_assets_from_airbyte_instance,
)
from dagster_airbyte_sync.resources import AirbyteUnavailable
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedStream

# Whatever loads definitions, with the name under which it takes a selector.
Build = Callable[..., object]
BUILDERS: dict[str, Build] = {
    "specs": load_airbyte_asset_specs,
    "assets": lambda workspace, **options: build_airbyte_assets_definitions(
        workspace=workspace, **options
    ),
    "everything": build_airbyte_definitions,
    "schedules": build_schedules_from_airbyte,
}
by_each = pytest.mark.parametrize("build", BUILDERS.values(), ids=BUILDERS.keys())
LOGGER = "dagster_airbyte_sync"


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        yield airbyte


def workspace(airbyte: AirbyteSimulator) -> AirbyteWorkspace:
    return AirbyteWorkspace(
        **airbyte.workspace_config(), catalog_ttl=0, request_retry_delay=0, request_max_retries=0
    )


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == LOGGER]


# The user's own code


class Broken(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        if props.table_name == "users":
            raise LookupError("no owner\nof users")
        return super().get_asset_spec(props)


class Forgetful(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        return None  # type: ignore[return-value]


@by_each
def test_a_translator_that_raises_is_named_with_table_and_connection(
    airbyte: AirbyteSimulator, build: Build
) -> None:
    shop = airbyte.add_connection("shop", ["orders", "users"])
    with pytest.raises(AirbyteSettingsError) as error:
        build(workspace(airbyte), dagster_airbyte_translator=Broken())
    assert str(error.value) == (
        "The translator (or `translation`) raised LookupError: no owner of users for the table"
        f" 'users' of connection 'shop' ({shop.connection_id})."
    )
    assert isinstance(error.value.__cause__, LookupError)


@pytest.mark.parametrize(
    ("translator", "named"),
    [
        (
            Forgetful(),
            "must return an AssetSpec, but returned a NoneType for the table 'orders' of co",
        ),
        (
            Forgetful,
            r"The translator is the class Forgetful: give an instance of it, Forgetful\(\)",
        ),
    ],
)
def test_what_is_no_translator_or_no_spec_is_called_that(
    airbyte: AirbyteSimulator, translator: Any, named: str
) -> None:
    airbyte.add_connection("shop", ["orders"])
    with pytest.raises(AirbyteSettingsError, match=named):
        load_airbyte_asset_specs(workspace(airbyte), translator)


@by_each
@pytest.mark.parametrize("include_inactive", [True, False])
def test_a_selector_that_raises_is_named_with_the_connection(
    airbyte: AirbyteSimulator, build: Build, include_inactive: bool
) -> None:
    shop = airbyte.add_connection("shop", ["orders"])
    is_for_all = build is build_schedules_from_airbyte
    options = {} if is_for_all else {"include_inactive": include_inactive}
    with pytest.raises(AirbyteSettingsError) as error:
        build(workspace(airbyte), connection_selector_fn=lambda each: {}[each.name], **options)
    assert str(error.value) == (
        "The function that selects connections raised KeyError: 'shop' for connection 'shop'"
        f" ({shop.connection_id})."
    )
    assert isinstance(error.value.__cause__, KeyError)


def test_what_is_no_selector_is_called_that(airbyte: AirbyteSimulator) -> None:
    airbyte.add_connection("shop")
    with pytest.raises(AirbyteSettingsError, match="connection_selector_fn is 'shop': give a f"):
        load_airbyte_asset_specs(workspace(airbyte), connection_selector_fn="shop")  # type: ignore[arg-type]


def test_groups_of_the_translator_beside_group_name_are_named(airbyte: AirbyteSimulator) -> None:
    class Grouped(DagsterAirbyteTranslator):
        def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
            return super().get_asset_spec(props).replace_attributes(group_name="raw")

    shop = airbyte.add_connection("shop", ["orders"])
    with pytest.raises(
        AirbyteSettingsError, match=r"group_name is 'all', but .*'orders' into the group 'raw': le"
    ):
        airbyte_assets(
            connection_id=shop.connection_id,
            workspace=workspace(airbyte),
            group_name="all",
            dagster_airbyte_translator=Grouped(),
        )


# Nothing to load


@pytest.mark.parametrize("name", ["specs", "assets", "everything"])
def test_a_workspace_that_is_empty_loads_and_that_is_said_once(
    airbyte: AirbyteSimulator, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        made = BUILDERS[name](workspace(airbyte))
    if isinstance(made, dg.Definitions):
        dg.Definitions.validate_loadable(made)
    (line,) = said(caplog)
    workspace_id = airbyte.workspace_id
    assert line.startswith(f"There are no connections in the Airbyte workspace {workspace_id}, so")
    assert line.endswith("reload the code location; if there are some now, check workspace_id.")


@pytest.mark.parametrize("name", ["specs", "assets", "everything"])
def test_a_selector_that_selects_nothing_is_said_once_with_the_names_there_are(
    airbyte: AirbyteSimulator, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(22):
        airbyte.add_connection(f"shop {number:02}")
    for _ in range(2):
        BUILDERS[name](workspace(airbyte), connection_selector_fn=lambda each: False)
    (line,) = said(caplog)
    assert line.startswith("connection_selector_fn accepts none of the connections in the Airbyte")
    names = ", ".join(f"'shop {number:02}'" for number in range(20))
    assert line.endswith(f"They are: {names} and 2 more.")


def test_why_else_there_are_no_tables_is_said_too(
    airbyte: AirbyteSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    airbyte.add_connection("shop", status="inactive")
    load_airbyte_asset_specs(workspace(airbyte), include_inactive=False)
    airbyte.add_connection("crm", [SimulatedStream("leads", selected=False)])
    load_airbyte_asset_specs(
        workspace(airbyte), connection_selector_fn=lambda each: each.name == "crm"
    )
    paused, empty = said(caplog)
    assert "are paused, and include_inactive=False leaves them out, so" in paused
    assert paused.endswith(": 'shop'.")
    assert empty.startswith("No stream is enabled in Airbyte in any selected connection of")


# Keys


def test_all_keys_that_clash_are_named_at_once(airbyte: AirbyteSimulator) -> None:
    for name in ("shop", "old shop", "crm"):
        airbyte.add_connection(name, ["orders", "users", f"only {name}"])
    with pytest.raises(DuplicateAssetKey) as error:
        load_airbyte_asset_specs(workspace(airbyte))
    head, orders, users, way_out = str(error.value).splitlines()
    assert head == "2 asset keys would stand for several streams each:"
    for name in ("shop", "old shop", "crm"):
        assert f"stream 'orders' of connection {name!r} (" in orders
        assert f"stream 'users' of connection {name!r} (" in users
    assert way_out.startswith("Give them different keys in a DagsterAirbyteTranslator")
    again = pickle.loads(pickle.dumps(error.value))
    assert (str(again), again.by_namespace) == (str(error.value), False)


def test_of_very_many_keys_that_clash_the_rest_is_counted(airbyte: AirbyteSimulator) -> None:
    for name in ("shop", "old shop"):
        airbyte.add_connection(name, [f"table_{n}" for n in range(60)])
    with pytest.raises(DuplicateAssetKey, match=r"60 asset keys .*\n(- '.*\n){50}- and 10 more\nG"):
        load_airbyte_asset_specs(workspace(airbyte))


def test_the_former_loader_names_its_own_arguments(airbyte: AirbyteSimulator) -> None:
    for name in ("shop", "crm"):
        airbyte.add_connection(name, ["orders"])
    with pytest.warns(FutureWarning), pytest.raises(DuplicateAssetKey) as error:
        load_assets_from_airbyte_instance(_resource(airbyte))
    assert "connection_to_asset_key_fn" in str(error.value)
    assert "connection_filter" in str(error.value)


# Airbyte is down


@by_each
def test_an_airbyte_that_is_down_is_one_sentence_with_the_snapshot_as_the_way_out(
    airbyte: AirbyteSimulator, build: Build
) -> None:
    down = workspace(airbyte)
    airbyte.stop()
    with pytest.raises(AirbyteUnavailable) as error:
        build(down)
    _is_one_sentence(error.value, "With snapshot=Path(FILE) they load without Airbyte, from a file")


def test_so_it_is_for_the_decorator_and_the_former_loader(airbyte: AirbyteSimulator) -> None:
    down, resource = workspace(airbyte), _resource(airbyte)
    airbyte.stop()
    with pytest.raises(AirbyteUnavailable) as error:
        airbyte_assets(connection_id="any", workspace=down)
    _is_one_sentence(error.value, "With snapshot=Path(FILE) they load")
    with pytest.raises(AirbyteUnavailable) as error:
        load_assets_from_airbyte_instance(resource)
    _is_one_sentence(error.value, "build_airbyte_assets_definitions(snapshot=...) need not")


def _is_one_sentence(error: BaseException, way_out: str) -> None:
    text = str(error)
    assert text.startswith("Definitions cannot load without an answer from Airbyte: ")
    assert "no answer (ConnectionError): is Airbyte running" in text
    assert way_out in text
    assert error.__cause__ is None
    assert error.__suppress_context__
    assert str(pickle.loads(pickle.dumps(error))) == text


def _resource(airbyte: AirbyteSimulator) -> AirbyteResource:
    host, _, port = airbyte.url.removeprefix("http://").partition(":")
    return AirbyteResource(
        host=host,
        port=port,
        client_id=airbyte.client_id,
        client_secret=airbyte.client_secret,
        request_max_retries=0,
    )
