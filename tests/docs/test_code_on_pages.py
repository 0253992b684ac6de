"""What the README and the documentation show runs as it is printed."""

import json
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml

from dagster_airbyte_sync import AirbyteWorkspaceComponent
from dagster_airbyte_sync.cli import main
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.checkout import ROOT
from helpers.component_yaml import load_yaml
from helpers.dbt_manifest import Source, manifest_of
from helpers.pages import PAGES

SAMPLES = [
    pytest.param(sample, id=f"{page.name}:{number}")
    for page in PAGES
    for number, sample in enumerate(page.samples)
]
INCLUDED = sorted({(page.name, file) for page in PAGES for file in page.included})
COMPONENTS = [
    pytest.param(block, id=page.name)
    for page in PAGES
    for block in page.blocks("yaml")
    if block.startswith("type: dagster_airbyte_sync.")
]
# It lists what is left to do in a project of dagster-airbyte, and is run on such projects.
OWN_TESTS = {"migrate"}
COMMANDS = sorted(
    {command for page in PAGES for command in page.commands if command.split()[0] not in OWN_TESTS}
)


@pytest.fixture
def my_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The code that loads from a snapshot, in a package in the working folder, and beside it."""
    [[from_snapshot]] = [sample.values for sample in SAMPLES if "snapshot=" in str(sample.values)]
    module = tmp_path / "my_project" / "definitions.py"
    module.parent.mkdir()
    for path in (module, tmp_path / "definitions.py"):
        path.write_text(str(from_snapshot))
    shutil.copy(ROOT / "examples" / "production" / "ingest.py", tmp_path)
    manifest = tmp_path / "dbt_project" / "target" / "manifest.json"
    manifest.parent.mkdir(parents=True)
    orders = Source("revenue", "warehouse", "public", "orders")
    manifest.write_text(json.dumps(manifest_of([orders])))
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").touch()
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    main(shlex.split("snapshot --workspace my_project.definitions:airbyte --out airbyte.json"))
    (module.parent / "airbyte.json").write_bytes(Path("airbyte.json").read_bytes())
    yield module
    for name in ("my_project.definitions", "my_project", "definitions", "ingest"):
        sys.modules.pop(name, None)


def test_there_is_code_on_most_pages() -> None:
    assert len(SAMPLES) >= 12
    assert len(COMMANDS) >= 5
    assert COMPONENTS


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_runs(sample: str, my_project: Path) -> None:
    names: dict[str, object] = {"__name__": "sample", "__file__": str(my_project)}
    exec(compile(sample, "sample.py", "exec"), names)
    defs = names.get("defs")
    if isinstance(defs, dg.Definitions):
        dg.Definitions.validate_loadable(defs)
        assert defs.resolve_all_asset_keys()


@pytest.mark.parametrize(("page", "file"), INCLUDED)
def test_a_file_that_a_page_shows_has_a_test_of_its_own(page: str, file: str) -> None:
    assert (ROOT / file).is_file()
    assert file.startswith("examples/")
    own = Path(file).parts[1]
    tests = (path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert any(re.search(rf"\b{re.escape(own)}\b", test) for test in tests)


@pytest.mark.parametrize("written", COMPONENTS)
def test_a_component_in_yaml_loads(written: str, tmp_path: Path) -> None:
    document = yaml.safe_load(written)
    assert document["type"] == "dagster_airbyte_sync.AirbyteWorkspaceComponent"
    attributes = yaml.safe_dump(document["attributes"])
    loaded = load_yaml(AirbyteWorkspaceComponent, attributes, tmp_path / "state")
    assert dg.AssetKey("orders").to_user_string() in {key.split("/")[-1] for key in loaded.keys}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_runs(command: str, my_project: Path) -> None:
    assert main(shlex.split(command)) == 0


def test_what_loads_from_a_snapshot_needs_no_airbyte(
    my_project: Path, airbyte: AirbyteSimulator
) -> None:
    airbyte.stop()
    names: dict[str, object] = {"__file__": str(my_project)}
    exec(compile(my_project.read_text(), "sample.py", "exec"), names)
    defs = names["defs"]
    assert isinstance(defs, dg.Definitions)
    assert dg.AssetKey("orders") in defs.resolve_all_asset_keys()
