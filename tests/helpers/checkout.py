"""The files of this checkout, for tests that read the code instead of running it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "dagster_airbyte_sync"
FRONT_DOOR = "front door"

# The rooms, by the folder that holds their files.
ROOMS = {
    "resources": ROOT / "resources",
    "assets": ROOT / "assets",
    "sensors": ROOT / "sensors",
    "testing": ROOT / "src" / PACKAGE / "testing",
    FRONT_DOOR: ROOT / "src" / PACKAGE,
}


@dataclass(frozen=True)
class Import:
    """One name that a file imports, and from where: `from a import b` is the module a, name b."""

    file: Path
    line: int
    module: str
    name: str | None = None

    @property
    def full_name(self) -> str:
        return f"{self.module}.{self.name}" if self.name else self.module

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.full_name}"


def python_files(folder: Path) -> list[Path]:
    """All Python files under a folder. Not through links, so each file of a room comes once."""
    found = (path for path in folder.rglob("*.py") if not _is_behind_link(path, folder))
    return sorted(found)


def files_of(room: str) -> list[Path]:
    """The files of one room; the front door is the root package without `testing`."""
    inner = ROOMS["testing"]
    files = python_files(ROOMS[room])
    return files if room != FRONT_DOOR else [file for file in files if inner not in file.parents]


def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def imports_of(file: Path) -> Iterator[Import]:
    """Every import of a file, also those inside functions."""
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Import):
            yield from (Import(file, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (Import(file, node.lineno, module, alias.name) for alias in node.names)


def _is_behind_link(path: Path, folder: Path) -> bool:
    between = (parent for parent in path.parents if folder in parent.parents)
    return any(parent.is_symlink() for parent in between)
