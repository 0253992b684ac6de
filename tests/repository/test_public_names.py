"""What users import."""

import importlib
import inspect
import subprocess
import sys
from types import ModuleType

import pytest

import dagster_airbyte_sync

# dagster-airbyte's own names, which keep their meaning: moving over is a change of import.
FROM_DAGSTER_AIRBYTE = {
    "AirbyteClient",
    "AirbyteCloudWorkspace",
    "AirbyteConnectionTableProps",
    "AirbyteJob",
    "AirbyteResource",
    "AirbyteWorkspace",
    "BaseAirbyteWorkspace",
    "DagsterAirbyteTranslator",
    "airbyte_assets",
    "airbyte_resource",
    "build_airbyte_assets_definitions",
    "load_airbyte_asset_specs",
    "load_airbyte_cloud_asset_specs",
    "load_assets_from_airbyte_instance",
}
PUBLIC_MODULES = ["dagster_airbyte_sync", "dagster_airbyte_sync.testing"]


@pytest.fixture(params=PUBLIC_MODULES)
def module(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


def test_each_listed_name_is_there(module: ModuleType) -> None:
    assert not [name for name in module.__all__ if not hasattr(module, name)]


def test_each_name_is_listed_once(module: ModuleType) -> None:
    assert len(set(module.__all__)) == len(module.__all__)


def test_what_a_module_imports_for_its_users_is_listed(module: ModuleType) -> None:
    found = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert found == set(module.__all__)


def test_each_name_says_what_it_is(module: ModuleType) -> None:
    things = {name: getattr(module, name) for name in module.__all__}
    named = {
        name: it for name, it in things.items() if inspect.isclass(it) or inspect.isroutine(it)
    }
    assert not [name for name, thing in named.items() if not has_docstring(thing)]


def has_docstring(thing: object) -> bool:
    """Dataclasses without one get their signature as a docstring."""
    written = thing.__doc__ or ""
    return bool(written) and not written.startswith(f"{getattr(thing, '__name__', '')}(")


def test_dagster_airbytes_names_are_there() -> None:
    assert set(dagster_airbyte_sync.__all__) >= FROM_DAGSTER_AIRBYTE


def test_nothing_imports_the_folders_directly() -> None:
    assert not {"sensors", "assets", "resources"} & set(sys.modules)


@pytest.mark.parametrize("missing", ["flask", "dagster_webserver", "libcst", "pytest"])
def test_the_root_does_without_what_only_extras_install(missing: str) -> None:
    run = run_without(missing, "import dagster_airbyte_sync")
    assert run.returncode == 0, run.stderr


def test_the_simulator_says_which_extra_it_needs() -> None:
    run = run_without("flask", "import dagster_airbyte_sync.testing")
    assert run.returncode
    assert run.stderr.rstrip().endswith("pip install 'dagster-airbyte-sync[testing]'")


def run_without(missing: str, code: str) -> subprocess.CompletedProcess[str]:
    hide = f"import sys; sys.modules[{missing!r}] = None; "
    return subprocess.run(
        [sys.executable, "-c", hide + code], capture_output=True, text=True, check=False
    )
