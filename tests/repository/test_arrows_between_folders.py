"""Arrows point one way: front door -> sensors -> assets -> resources."""

from collections.abc import Iterable

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
    """The names that a room's `__init__.py` lists, or one of its modules that has no state."""
    outside = (each for other in ROOMS if other != room for each in ours(other))
    inner = [each for each in outside if each.module.startswith(f"{PACKAGE}.{room}.")]
    assert not [str(each) for each in inner if each.module not in SHARED_MODULES]


# Small tools that other rooms use as modules.
SHARED_MODULES = {f"{PACKAGE}.resources.reading"}


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
