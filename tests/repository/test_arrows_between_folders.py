"""Arrows point one way: front door -> sensors -> assets -> resources, and so within these."""

from collections import Counter
from collections.abc import Iterable
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from helpers.checkout import FRONT_DOOR, PACKAGE, ROOMS, ROOT, Import, files_of, imports_of
from helpers.checkout import python_files as files_in

# What each room may know of this package, besides itself.
MAY_KNOW = {
    "resources": set[str](),
    "assets": {"resources"},
    "sensors": {"assets", "resources"},
    "testing": set[str](),
    FRONT_DOOR: {"sensors", "assets", "resources"},
}
PUBLIC_MODULES = {PACKAGE, f"{PACKAGE}.testing"}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_lies_before_it(room: str) -> None:
    known = MAY_KNOW[room] | {room}
    assert not [str(each) for each in ours(room) if room_of(each) not in known]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_by_absolute_names(room: str) -> None:
    every = [each for file in files_of(room) for each in imports_of(file)]
    assert every
    assert not [str(each) for each in every if each.module.startswith((".", *MAY_KNOW))]


@pytest.mark.parametrize("room", ["resources", "assets", "sensors"])
def test_other_rooms_see_only_what_a_room_shows(room: str) -> None:
    """The names that its `__init__.py` lists, small tools, or an inner room made for two."""
    inner = [
        (each, (*SHARED, *SHOWN_TO.get("cli" if "cli" in each.file.parts else other, ())))
        for other in ROOMS
        if other != room
        for each in ours(other)
        if each.module.startswith(f"{PACKAGE}.{room}.")
    ]
    assert not [str(each) for each, shown in inner if not each.full_name.startswith(shown)]


# Small tools that others use module by module.
SHARED = (
    f"{PACKAGE}.resources.json_values",
    f"{PACKAGE}.resources.schedules.",
    f"{PACKAGE}.assets.tables.keys",
    f"{PACKAGE}.assets.sync.progress",
)
# A sensor reports a sync just as a step does, and the command line looks at what was reported.
_ROOMS = ("tables", "checks", "event_log", "events", "look", "queue")
_REPORTING = tuple(f"{PACKAGE}.assets.{inner}." for inner in _ROOMS)
SHOWN_TO = {"sensors": _REPORTING, "cli": _REPORTING}

# The inner rooms of a folder, the lowest first, and the files beside them that all may use.
INNER = {
    "resources": ("records", "schedules", "http", "api", "access", "client"),
    "assets": (
        "tables",
        "lineage",
        "checks",
        "event_log",
        "events",
        "look",
        "asked",
        "queue",
        "sync",
        "start_jobs",
        "schedules",
    ),
    "sensors": (
        "cursor",
        "reading",
        "details",
        "looks",
        "run_requests",
        "when_all",
        "failures",
        "queue",
        "past",
    ),
}
FOR_ALL = {
    "resources": ("errors", "garbage", "json_rows", "json_values"),
    "sensors": ("shard", "tick_basics"),
}
# The second sensor is made of what the first one is made of, which knows nothing of it.
ALSO_KNOWS = {
    "queue": ("polling_sensor",),
    "failures": ("cursor_advance", "decision", "polling_sensor"),
    "past": ("decision", "tick", "until_certain", "polling_sensor"),
}


@pytest.mark.parametrize(
    ("folder", "inner"), [(folder, inner) for folder, rooms in INNER.items() for inner in rooms]
)
def test_an_inner_room_imports_only_those_below_it(folder: str, inner: str) -> None:
    below = INNER[folder][: INNER[folder].index(inner) + 1] + ALSO_KNOWS.get(inner, ())
    known = {f"{PACKAGE}.{folder}.{name}" for name in (*below, *FOR_ALL.get(folder, ()))}
    every = (each for file in files_in(ROOMS[folder] / inner) for each in imports_of(file))
    own = [each for each in every if each.module.startswith(f"{PACKAGE}.{folder}")]
    names = [(each, ".".join(each.full_name.split(".")[:3])) for each in own]
    assert not [str(each) for each, name in names if name not in known]


@pytest.mark.parametrize("inner", ALSO_KNOWS)
def test_what_an_inner_room_is_made_of_does_not_know_it(inner: str) -> None:
    beside = (file for file in files_of("sensors") if file.parent.name != inner)
    every = (each for file in beside if file.name != "__init__.py" for each in imports_of(file))
    assert not [str(each) for each in every if f".{inner}." in each.module]


def test_no_files_import_each_other_in_a_circle() -> None:
    """Not for their types either."""
    files = {module_of(file): file for room in ROOMS for file in files_of(room)}
    graph = {
        module: {known for each in imports_of(file) for known in (each.full_name, each.module)}
        for module, file in files.items()
        # A folder's `__init__` shows what its files have.
        if file.name != "__init__.py"
    }
    known = {module: imported & graph.keys() for module, imported in graph.items()}
    assert len(known) > 100
    TopologicalSorter(known).prepare()


def module_of(file: Path) -> str:
    """The name by which a file is imported."""
    inner = file.relative_to(ROOT).with_suffix("")
    return ".".join((PACKAGE, *inner.parts)).replace(f"{PACKAGE}.src.{PACKAGE}", PACKAGE)


@pytest.mark.parametrize("folder", INNER)
def test_every_inner_room_has_its_place(folder: str) -> None:
    folders = {each.parent.name for each in files_in(ROOMS[folder])} - {folder}
    assert folders == set(INNER[folder])


def test_no_folder_has_more_files_side_by_side_than_one_can_see() -> None:
    counts = Counter(file.parent for room in ROOMS for file in files_of(room))
    assert not {str(folder.relative_to(ROOT)): n for folder, n in counts.items() if n > MOST_FILES}


MOST_FILES = 12


def test_no_room_but_resources_does_http() -> None:
    http = {"requests", "urllib", "urllib3", "http", "socket", "httpx"}
    rooms = ["assets", "sensors", FRONT_DOOR]
    every = (each for room in rooms for file in files_of(room) for each in imports_of(file))
    assert not [str(each) for each in every if each.module.partition(".")[0] in http]


def test_the_simulator_knows_neither_dagster_nor_the_rooms() -> None:
    every = [each for file in files_of("testing") for each in imports_of(file)]
    foreign = (each for each in every if not each.module.startswith(f"{PACKAGE}.testing"))
    assert not [str(each) for each in foreign if each.module.startswith("dagster")]


def test_examples_use_public_names_only() -> None:
    every = [each for file in files_in(ROOT / "examples") for each in imports_of(file)]
    from_us = [each for each in every if each.module.startswith(PACKAGE)]
    assert from_us
    assert not [str(each) for each in from_us if each.module not in PUBLIC_MODULES]
    assert not [str(each) for each in from_us if each.name is None or each.name.startswith("_")]


def ours(room: str) -> Iterable[Import]:
    every = (each for file in files_of(room) for each in imports_of(file))
    return [each for each in every if each.module.partition(".")[0] == PACKAGE]


def room_of(imported: Import) -> str:
    """The room an import reaches into; `from dagster_airbyte_sync import x` is the front door."""
    parts = imported.full_name.split(".")[1:]
    return parts[0] if parts and parts[0] in ROOMS else FRONT_DOOR
