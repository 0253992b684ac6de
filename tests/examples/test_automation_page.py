"""The guide to automation: its samples have the assets, the files and the conditions it names."""

import re
from collections.abc import Iterator
from inspect import signature

import dagster as dg
import pytest

import dagster_airbyte_sync
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.checkout import ROOT
from helpers.variables import variables

FOLDER = ROOT / "examples" / "automation"
PAGE = (ROOT / "docs" / "guides" / "automation.md").read_text()
SAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.S | re.M)
CONDITIONS = re.findall(r"^\| `([^`]+\))` \|", PAGE, flags=re.M)
FILES = re.findall(r"examples/automation/(\w+\.py)\)", PAGE)


@pytest.fixture(autouse=True)
def airbyte(monkeypatch: pytest.MonkeyPatch) -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        airbyte.add_connection("shop", streams=["orders", "customers"])
        airbyte.add_connection("crm", streams=["leads"])
        for name, value in variables(airbyte.workspace_config()).items():
            monkeypatch.setenv(name, value)
        yield airbyte


def defined_by(code: str) -> dg.Definitions:
    names: dict[str, object] = {"__name__": "sample"}
    exec(compile(code, "sample", "exec"), names)
    defs = names["defs"]
    assert isinstance(defs, dg.Definitions)
    dg.Definitions.validate_loadable(defs)
    return defs


def test_there_are_samples_files_and_conditions() -> None:
    assert (len(SAMPLES), len(FILES), len(CONDITIONS)) == (3, 2, 5)


@pytest.mark.parametrize("sample", SAMPLES, ids=range(len(SAMPLES)))
def test_a_sample_runs(sample: str) -> None:
    assert dg.AssetKey("revenue") in defined_by(sample).resolve_all_asset_keys()


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_it_links_loads(file: str) -> None:
    assert defined_by((FOLDER / file).read_text()).resolve_all_asset_keys()


def test_the_example_has_an_asset_for_each_condition_of_the_table() -> None:
    defs = defined_by((FOLDER / "marts.py").read_text())
    shown = {str(spec.automation_condition) for spec in defs.resolve_all_asset_specs()}
    known = {**vars(dagster_airbyte_sync), **vars(dg)}

    assert {str(eval(text, known)) for text in CONDITIONS} | {"None"} == shown


@pytest.mark.parametrize("argument", re.findall(r"\| `(\w+)=` \|", PAGE))
def test_the_sensor_takes_the_arguments_that_it_names(argument: str) -> None:
    assert argument in signature(dagster_airbyte_sync.build_airbyte_definitions).parameters
