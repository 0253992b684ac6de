"""What users install: one import package, complete, the same from wheel and from sdist."""

import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

import dagster_airbyte_sync
from helpers.artefacts import Artefacts
from helpers.checkout import FRONT_DOOR, PACKAGE, ROOMS, ROOT
from helpers.clean_environment import CleanEnvironment

# What they share is made once.
pytestmark = pytest.mark.xdist_group("wheel")

LINKED = ("sensors", "assets", "resources")
NAME = f"{PACKAGE}-{dagster_airbyte_sync.__version__}"
PLUGIN = f"{PACKAGE}_pytest"

# Prints where each public name of the installed package comes from.
IMPORT_EVERYTHING = """
import json, sys
import dagster_airbyte_sync as root, dagster_airbyte_sync.testing as testing
found = [getattr(module, name) for module in (root, testing) for name in module.__all__]
modules = [m for n, m in sys.modules.items() if n.partition(".")[0] == "dagster_airbyte_sync"]
print(json.dumps({
    "names": len(found),
    "files": [module.__file__ for module in modules],
    "stray": sorted({"sensors", "assets", "resources"} & set(sys.modules)),
    "version": root.__version__,
}))
"""


def test_the_wheel_holds_one_import_package_and_the_plugin_of_pytest(built: Artefacts) -> None:
    top = {name.partition("/")[0] for name in wheel_contents(built.wheel_from_tree)}
    assert top == {PACKAGE, f"{PLUGIN}.py", f"{NAME}.dist-info"}


def test_the_wheel_from_the_sdist_is_the_wheel_from_the_tree(built: Artefacts) -> None:
    from_sdist = wheel_contents(built.wheel_from_sdist)
    assert from_sdist == wheel_contents(built.wheel_from_tree)


def test_the_wheel_holds_every_file_of_the_rooms(built: Artefacts) -> None:
    folders = {"": ROOMS[FRONT_DOOR], **{f"{room}/": ROOT / room for room in LINKED}}
    expected = {
        f"{PACKAGE}/{prefix}{file}"
        for prefix, folder in folders.items()
        for file in files_under(folder)
    } | {f"{PLUGIN}.py"}
    found = {name for name in wheel_contents(built.wheel_from_tree) if ".dist-info/" not in name}
    assert f"{PACKAGE}/py.typed" in expected
    assert found == expected


def test_the_sdist_holds_the_folders_as_they_are_and_no_links(built: Artefacts) -> None:
    with tarfile.open(built.sdist) as sdist:
        members = sdist.getmembers()
    names = {member.name.removeprefix(f"{NAME}/") for member in members}
    assert all(member.name.startswith(f"{NAME}/") and member.isfile() for member in members)
    assert {"README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml", "Makefile"} <= names
    assert {
        "resources/client/client.py",
        "assets/events/sync_events.py",
        "sensors/tick.py",
    } <= names
    assert {"tests/conftest.py", "examples/demo/definitions.py"} <= names
    assert not [name for name in names if name.startswith(f"src/{PACKAGE}/sensors")]


def test_at_run_time_it_needs_little_besides_dagster(built: Artefacts) -> None:
    always = [need for need in needs(built) if "extra ==" not in need]
    of_the_command_line = {"click", "python-dotenv", "rich"}
    assert {name_in(need) for need in always} - of_the_command_line == {
        "dagster",
        "requests",
        "cachetools",
    }


def test_it_does_not_need_dagster_airbyte_whatever_the_extra(built: Artefacts) -> None:
    assert "dagster-airbyte" not in {name_in(need) for need in needs(built)}


def test_it_says_which_pythons_it_works_with(built: Artefacts) -> None:
    metadata = metadata_of(built)
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["License-Expression"] == "Apache-2.0"


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_installed_every_public_name_can_be_imported(
    kind: str, built: Artefacts, tmp_path: Path
) -> None:
    clean = CleanEnvironment.create(tmp_path / "environment")
    clean.install(built.named(kind))
    seen = clean.json(IMPORT_EVERYTHING)
    assert isinstance(seen, dict)
    assert seen["names"] > 30
    assert seen["version"] == dagster_airbyte_sync.__version__
    assert seen["stray"] == []
    assert {Path(file).is_relative_to(clean.folder) for file in seen["files"]} == {True}


def wheel_contents(wheel: Path) -> dict[str, int]:
    """The checksum of each file, by name."""
    with zipfile.ZipFile(wheel) as archive:
        return {entry.filename: entry.CRC for entry in archive.infolist()}


def files_under(folder: Path) -> set[str]:
    """All files of a folder, not through links, but what Python leaves behind."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def metadata_of(built: Artefacts) -> Message:
    with zipfile.ZipFile(built.wheel_from_tree) as archive:
        text = archive.read(f"{NAME}.dist-info/METADATA").decode("utf-8")
    return Parser().parsestr(text)


def needs(built: Artefacts) -> list[str]:
    found = metadata_of(built).get_all("Requires-Dist")
    assert found
    return found


def name_in(need: str) -> str:
    """`dagster` of `dagster<2,>=1.12; extra == "x"`."""
    end = next((at for at, sign in enumerate(need) if sign in " <>=!~;["), len(need))
    return need[:end]
