"""Each public name of dagster-airbyte is here, or an import of it says what takes its place."""

import importlib.util
import inspect
import pickle
import sys
from typing import Any
from unittest import mock

import pytest

import dagster_airbyte_sync
from dagster_airbyte_sync import AirbyteWorkspace
from dagster_airbyte_sync.legacy.former_imports import say_what_replaces_former_names
from dagster_airbyte_sync.legacy.former_names import GONE, MODULES, SUPERSEDED, former
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers import public_names
from helpers.dagster_airbyte_env import needs_dagster_airbyte, said_there

# Any: of a name that is not there, a type checker would say so first.
PACKAGE: Any = dagster_airbyte_sync
HERE = {*dagster_airbyte_sync.__all__, "__version__"}
ALL_GONE = [name for each in GONE for name in each.names]
MODULES_GONE = [module for module in MODULES if module != "resources"]
MADE_BY_CODE = [module for module in MODULES_GONE if module.startswith("managed")]


@pytest.fixture(scope="module")
def theirs() -> dict[str, list[str]]:
    """The names of the real one, by its modules."""
    return said_there(public_names.__file__)


@needs_dagster_airbyte
def test_each_of_their_names_is_here_or_has_a_successor(theirs: dict[str, list[str]]) -> None:
    """Also those of modules from which people import, and of connectors described in code."""
    unknown = [
        f"{module}.{name}"
        for module, names in theirs.items()
        for name in names
        if name not in HERE and former(name, module) is None
    ]
    assert not unknown
    assert len(theirs[""]) > 20
    assert len(theirs["managed.generated.sources"]) > 100


@needs_dagster_airbyte
def test_no_successor_is_of_a_name_that_never_was(theirs: dict[str, list[str]]) -> None:
    every = {name for names in theirs.values() for name in names}
    assert not {*ALL_GONE, *(name for each in SUPERSEDED for name in each.names)} - every
    assert set(theirs) - {"", "version"} <= set(MODULES)


def test_what_is_gone_is_not_here_and_what_takes_its_place_is() -> None:
    assert not set(ALL_GONE) & HERE
    for each in (*GONE, *SUPERSEDED):
        assert each.renamed is None or each.renamed in HERE


def test_what_is_superseded_is_here() -> None:
    assert {name for each in SUPERSEDED for name in each.names} <= HERE


def import_from(module: str, name: str) -> None:
    exec(f"from {module} import {name}", {})


@pytest.mark.parametrize("name", ALL_GONE)
def test_an_import_says_what_takes_the_place_of_a_name(name: str) -> None:
    with pytest.raises(ImportError) as raised:
        import_from("dagster_airbyte_sync", name)
    said = str(raised.value)
    assert said.startswith(f"{name} of dagster_airbyte is not in dagster_airbyte_sync: use ")
    assert said.endswith(".")
    assert said.count("\n") == 0
    assert "`" not in said


def test_so_does_a_look_at_the_name() -> None:
    """An AttributeError, as of any name that is not there."""
    with pytest.raises(AttributeError, match=r"use build_airbyte_start_job\(\.\.\.\), or"):
        _ = PACKAGE.airbyte_sync_op


def test_any_other_name_is_missing_as_in_any_module() -> None:
    with pytest.raises(ImportError, match="cannot import name 'no_such_name'"):
        import_from("dagster_airbyte_sync", "no_such_name")
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        _ = PACKAGE.no_such_name
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("dagster_airbyte_sync.no_such_module")
    assert importlib.util.find_spec("dagster_airbyte_sync.no_such_module") is None


@pytest.mark.parametrize("module", sorted({*MODULES_GONE} - {*MADE_BY_CODE}))
def test_a_module_of_theirs_says_that_all_names_are_in_the_package(module: str) -> None:
    with pytest.raises(ImportError, match="its names are in the package itself"):
        import_from(f"dagster_airbyte_sync.{module}", "anything")


@pytest.mark.parametrize("module", MADE_BY_CODE)
def test_a_module_of_connections_made_by_code_says_what_makes_them(module: str) -> None:
    """Their names are not in the package."""
    with pytest.raises(ImportError, match="are made in Airbyte, for example with Airbyte's Terr"):
        import_from(f"dagster_airbyte_sync.{module}", "anything")


def test_the_module_that_both_have_says_so_too() -> None:
    with pytest.raises(ImportError, match="from dagster_airbyte_sync import AirbyteWorkspace"):
        import_from("dagster_airbyte_sync.resources", "AirbyteWorkspace")
    with pytest.raises(ImportError, match="AirbyteWorkspaceDefsLoader of dagster_airbyte is not"):
        import_from("dagster_airbyte_sync.resources", "AirbyteWorkspaceDefsLoader")
    import_from("dagster_airbyte_sync.resources", "AirbyteClient")


def test_who_asks_whether_a_name_is_there_is_told_no() -> None:
    assert [name for name in ALL_GONE if hasattr(PACKAGE, name)] == []
    assert getattr(PACKAGE, "AirbyteOutput", "nothing") == "nothing"
    assert not set(ALL_GONE) & set(dir(PACKAGE))
    assert {name for name, _ in inspect.getmembers(PACKAGE)} >= set(PACKAGE.__all__)


def test_pickle_looks_through_all_modules_undisturbed() -> None:
    """As it does for a thing that does not say where it is from."""

    def AirbyteOutput() -> None: ...

    AirbyteOutput.__module__ = None  # type: ignore[assignment]
    AirbyteOutput.__qualname__ = "AirbyteOutput"
    with pytest.raises(pickle.PicklingError):
        pickle.dumps(AirbyteOutput)


def test_a_mock_of_a_name_that_is_here_works() -> None:
    with mock.patch("dagster_airbyte_sync.AirbyteWorkspace") as replaced:
        assert dagster_airbyte_sync.AirbyteWorkspace is replaced


def test_to_load_the_package_again_adds_nothing() -> None:
    before = list(sys.meta_path)
    say_what_replaces_former_names()
    assert sys.meta_path == before


def test_the_specs_of_a_workspace_of_cloud_load_by_their_former_name() -> None:
    with AirbyteSimulator() as airbyte:
        airbyte.add_connection("shop", ["orders"])
        workspace = AirbyteWorkspace(**airbyte.workspace_config())
        with pytest.warns(FutureWarning, match="is load_airbyte_asset_specs") as caught:
            specs = dagster_airbyte_sync.load_airbyte_cloud_asset_specs(workspace)
        assert caught[0].filename == __file__
        assert specs == dagster_airbyte_sync.load_airbyte_asset_specs(workspace)
