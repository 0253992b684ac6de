"""The files of a project that name dagster-airbyte, and what each has to change."""

import os
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path

from dagster_airbyte_sync.cli.migrate.changes import FileChanges
from dagster_airbyte_sync.cli.migrate.dependencies import dependency_changes
from dagster_airbyte_sync.cli.mistakes import Mistake

Reader = Callable[[str, bytes], FileChanges]

# What others have made, and tools keep.
_NOT_OURS = {"node_modules", "site-packages", "__pycache__", "build", "dist"}
# Hidden, and yet of the project: what its CI does.
_CI = {".github", ".circleci", ".buildkite"}
# Either way of writing both packages' names has one of these.
_NAMES = (b"dagster_airbyte", b"dagster-airbyte")
_DEPENDENCIES = (
    "pyproject.toml",
    "setup.cfg",
    "Pipfile",
    "tox.ini",
    "*requirements*.txt",
    "*requirements*.in",
    "constraints*.txt",
    "*Dockerfile*",
)


def project_changes(path: Path) -> list[FileChanges]:
    """What the files below a folder, or one file, have to change; those with nothing are left out.

    Raises Mistake without the extra, and OSError for a file that may not be read.
    """
    readers = _readers()
    found = (_changes(file, readers) for file in _files(path))
    return [each for each in found if each and (each.is_changed or each.changes or each.problem)]


def _readers() -> dict[str, Reader]:
    try:
        from dagster_airbyte_sync.cli.migrate.python.python_files import python_changes
        from dagster_airbyte_sync.cli.migrate.yaml_files import yaml_changes
    except ModuleNotFoundError as missing:
        raise Mistake(
            f"`migrate` needs {missing.name}: pip install 'dagster-airbyte-sync[migrate]'"
        ) from None
    return {".py": python_changes, ".yaml": yaml_changes, ".yml": yaml_changes}


def _changes(file: Path, readers: dict[str, Reader]) -> FileChanges | None:
    has_dependencies = any(fnmatch(file.name, pattern) for pattern in _DEPENDENCIES)
    read = readers.get(file.suffix) or (dependency_changes if has_dependencies else None)
    content = file.read_bytes() if read else b""
    is_of_interest = any(name in content for name in _NAMES)
    return read(str(file), content) if read and is_of_interest else None


def _files(path: Path) -> Iterator[Path]:
    """In the order of their names, not through links."""
    if path.is_file():
        yield path
        return
    for folder, folders, files in os.walk(path):
        here = Path(folder)
        folders[:] = sorted(each for each in folders if _is_own(here / each))
        yield from (here / each for each in sorted(files) if _is_plain(here / each))


def _is_plain(file: Path) -> bool:
    return file.is_file() and not file.is_symlink()


def _is_own(folder: Path) -> bool:
    is_hidden = folder.name.startswith(".") and folder.name not in _CI
    is_environment = (folder / "pyvenv.cfg").exists()
    return not (is_hidden or is_environment or folder.name in _NOT_OURS)
