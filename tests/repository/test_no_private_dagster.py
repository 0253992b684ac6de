"""Only what Dagster promises to keep is used, so that a new release of Dagster breaks nothing."""

import ast
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from helpers.checkout import ROOMS, ROOT, files_of, imports_of, python_files, tree_of

# The one place that may look inside Dagster, for what no public name of it can do.
PRIVATE_ALLOWED = ROOT / "tests" / "helpers" / "dagster_private.py"


def checked_files() -> list[Path]:
    product = (file for room in ROOMS for file in files_of(room))
    others = (file for name in ("tests", "examples") for file in python_files(ROOT / name))
    return [file for file in (*product, *others) if file != PRIVATE_ALLOWED]


def test_nothing_private_of_dagster_is_imported() -> None:
    every = (each for file in checked_files() for each in imports_of(file))
    from_dagster = [each for each in every if is_dagster(each.full_name)]
    assert from_dagster
    assert not [str(each) for each in from_dagster if is_private(each.full_name)]


def test_each_name_taken_from_dagster_is_there_and_public() -> None:
    """A type checker does not see it: `dagster` answers for names it does not have."""
    taken = [(file, *found) for file in checked_files() for found in names_from_dagster(file)]
    assert taken
    assert not [
        f"{file.relative_to(ROOT)}:{line} dagster.{name}"
        for file, line, name in taken
        if is_private(f"dagster.{name}") or not hasattr(dg, name.split(".")[0])
    ]


@pytest.mark.parametrize("name", ["dagster._core.storage", "dagster.AssetKey._x", "dagster_shared"])
def test_what_is_private_would_be_found(name: str) -> None:
    assert is_dagster(name)
    assert is_private(name)


def is_dagster(module: str) -> bool:
    return module.partition(".")[0] in {"dagster", "dagster_shared", "dagster_graphql"}


def is_private(name: str) -> bool:
    first, *rest = name.split(".")
    hidden = (part for part in rest if part.startswith("_") and not part.startswith("__"))
    return first == "dagster_shared" or any(hidden)


def names_from_dagster(file: Path) -> Iterator[tuple[int, str]]:
    """What is written as `dg.x`, `dg.x.y` or imported by `from dagster import x`."""
    for each in imports_of(file):
        if each.module == "dagster" and each.name:
            yield each.line, each.name
    aliases = {"dg", "dagster"}
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Attribute):
            name = dotted(node)
            first, _, rest = name.partition(".")
            if first in aliases and rest:
                yield node.lineno, rest


def dotted(node: ast.expr) -> str:
    """`a.b.c` as text; "" for anything that is not a plain chain of names."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""
