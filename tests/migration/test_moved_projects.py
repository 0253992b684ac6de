"""examples/migration: each project as it was for dagster-airbyte, and the same project moved.

What differs between the two is listed in the guide, docs/guides/moving-over.md, and nowhere else.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedStream
from helpers import described_definitions
from helpers.checkout import ROOT
from helpers.dagster_airbyte_env import needs_dagster_airbyte, said_there
from helpers.described_definitions import Described, describe_file
from helpers.simulated import host_and_port
from helpers.variables import variables

FOLDER = ROOT / "examples" / "migration"
FILES = sorted(file.name for file in (FOLDER / "after").iterdir() if file.is_file())
STYLES = [file.partition(".")[0] for file in FILES]
CONNECTION = "e0d5c1a4-7f0c-4a52-8a4e-1f2b3c4d5e6f"

# | `field` | style | there | here | why |
GUIDE = (ROOT / "docs" / "guides" / "moving-over.md").read_text()
DIFFERENT = GUIDE.partition("## What is different on purpose")[2].partition("\n### ")[0]
ROWS = re.findall(r"^\| `([^`]+)` \| (\w+) \|", DIFFERENT, flags=re.M)


@pytest.fixture(scope="module")
def airbyte() -> Iterator[AirbyteSimulator]:
    """1.6 is the last whose workspaces dagster-airbyte's former loader can list."""
    with AirbyteSimulator(auth="basic", version="1.6.0") as airbyte:
        warehouse = airbyte.add_destination(configuration={"database": "dw", "schema": "public"})
        hidden = SimulatedStream("hidden", selected=False)
        users = SimulatedStream("users", namespace="eu")
        airbyte.add_connection(
            "shop", ["orders", users, hidden], destination=warehouse, connection_id=CONNECTION
        )
        airbyte.add_connection("CRM", ["leads"], destination=warehouse, prefix="crm_")
        airbyte.add_connection("scratch", ["nothing"])
        yield airbyte


@pytest.fixture(scope="module")
def environ(airbyte: AirbyteSimulator) -> dict[str, str]:
    return variables({**airbyte.workspace_config(), **host_and_port(airbyte)})


@pytest.fixture(scope="module")
def before(environ: dict[str, str]) -> dict[str, Described]:
    files = [str(FOLDER / "before" / file) for file in FILES]
    said = said_there(described_definitions.__file__, *files, environ=environ)
    return dict(zip(STYLES, (said[file] for file in files), strict=True))


@pytest.fixture
def after(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Described]:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    described = [describe_file(FOLDER / "after" / file) for file in FILES]
    return dict(zip(STYLES, described, strict=True))


def differences(one: Any, other: Any, field: str = "") -> set[str]:
    """The names of the fields that are not equal."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return set() if one == other else {field}
    names = one.keys() | other.keys()
    return {found for name in names for found in differences(one.get(name), other.get(name), name)}


def listed(style: str) -> set[str]:
    return {field for field, of in ROWS if of in ("every", style)}


def test_each_project_has_its_other_half() -> None:
    assert sorted(file.name for file in (FOLDER / "before").iterdir() if file.is_file()) == FILES
    assert STYLES == ["builder", "component", "decorator", "legacy"]


@needs_dagster_airbyte
def test_the_assets_are_the_same(before: dict[str, Described], after: dict[str, Described]) -> None:
    for style in STYLES:
        assert before[style]["assets"].keys() == after[style]["assets"].keys()
        assert before[style]["assets"]


@needs_dagster_airbyte
def test_what_differs_is_what_the_guide_lists(
    before: dict[str, Described], after: dict[str, Described]
) -> None:
    """No more, and no less: a row that is true no longer goes."""
    found = {style: differences(before[style], after[style]) for style in STYLES}
    assert [(style, more) for style in STYLES if (more := found[style] - listed(style))] == []
    stale = [
        (field, of)
        for field, of in ROWS
        if not any(field in found[style] for style in STYLES if of in ("every", style))
    ]
    assert not stale


@needs_dagster_airbyte
def test_the_former_project_runs_here_with_only_the_import_changed(
    before: dict[str, Described], after: dict[str, Described]
) -> None:
    """The variables are those of `after`."""
    for style, file in zip(STYLES, FILES, strict=True):
        moved = describe_file(FOLDER / "before" / file, "dagster_airbyte_sync")
        assert moved["assets"].keys() == before[style]["assets"].keys()
        assert moved["jobs"] == before[style]["jobs"]
