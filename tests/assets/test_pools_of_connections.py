"""One pool for each source, destination, or whatever else connections share: `pool=` a function."""

import re
from collections.abc import Callable, Iterator

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteSettingsError,
    AirbyteWorkspace,
    Connection,
    airbyte_assets,
    build_airbyte_assets_definitions,
    build_airbyte_definitions,
)
from dagster_airbyte_sync.testing import AirbyteSimulator


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        airbyte.add_connection("shop", streams=["orders", "users"])
        airbyte.add_connection("crm", streams=["leads"])
        yield airbyte


def workspace_of(airbyte: AirbyteSimulator) -> AirbyteWorkspace:
    return AirbyteWorkspace(**airbyte.workspace_config())


def of_source(connection: Connection) -> str | None:
    return connection.source_id


def pools(definitions: Callable[[], object]) -> dict[str, str | None]:
    """The pool of the op of each asset."""
    made = definitions()
    found = made if isinstance(made, list) else assets_in(made)
    ops = [(each.keys, each.op) for each in found if isinstance(each.op, dg.OpDefinition)]
    return {key.to_user_string(): op.pool for keys, op in ops for key in keys}


def assets_in(made: object) -> list[dg.AssetsDefinition]:
    assert isinstance(made, dg.Definitions)
    return list({id(each): each for each in graph_of(made)}.values())


def graph_of(defs: dg.Definitions) -> list[dg.AssetsDefinition]:
    return list(defs.get_repository_def().assets_defs_by_key.values())


def test_a_function_says_the_pool_of_each_connection(airbyte: AirbyteSimulator) -> None:
    shop, crm = airbyte.connection("shop"), airbyte.connection("crm")
    expected = {"orders": shop.source_id, "users": shop.source_id, "leads": crm.source_id}
    workspace = workspace_of(airbyte)
    built = pools(lambda: build_airbyte_assets_definitions(workspace=workspace, pool=of_source))
    in_one_call = pools(lambda: build_airbyte_definitions(workspace, checks=False, pool=of_source))

    assert shop.source_id != crm.source_id
    assert built == in_one_call == expected


def test_none_is_no_pool(airbyte: AirbyteSimulator) -> None:
    def only_of_shop(connection: Connection) -> str | None:
        return "shop" if connection.name == "shop" else None

    built = pools(
        lambda: build_airbyte_assets_definitions(workspace=workspace_of(airbyte), pool=only_of_shop)
    )
    assert built == {"orders": "shop", "users": "shop", "leads": None}


def test_the_decorator_takes_one_too(airbyte: AirbyteSimulator) -> None:
    crm = airbyte.connection("crm")

    @airbyte_assets(
        connection_id=crm.connection_id, workspace=workspace_of(airbyte), pool=of_source
    )
    def sync_crm(context: dg.AssetExecutionContext) -> None: ...

    assert pools(lambda: [sync_crm]) == {"leads": crm.source_id}


def raises(connection: Connection) -> str:
    raise KeyError(connection.name)


@pytest.mark.parametrize(
    ("pool", "says"),
    [
        (raises, "The function given as pool raised KeyError: 'crm' for connection 'crm'"),
        (lambda connection: 7, "The function given as pool returned 7 for connection 'crm'"),
        (lambda connection: "", "The function given as pool returned '' for connection 'crm'"),
        ("two words", "pool is 'two words' for connection 'crm'"),
    ],
    ids=["raises", "a number", "nothing", "words"],
)
def test_what_is_no_pool_is_an_error_that_names_the_connection(
    airbyte: AirbyteSimulator, pool: str | Callable[[Connection], str], says: str
) -> None:
    airbyte.delete_connection(airbyte.connection("shop"))
    with pytest.raises(AirbyteSettingsError, match=re.escape(says)):
        build_airbyte_assets_definitions(workspace=workspace_of(airbyte), pool=pool)
