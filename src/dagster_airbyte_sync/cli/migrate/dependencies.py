"""Lines by which a project depends on dagster-airbyte: listed, and left to their owner."""

from dagster_airbyte_sync.cli.migrate.changes import Change, FileChanges
from dagster_airbyte_sync.cli.migrate.fates import MENTION, package_in_place_of

_WHY = "a dependency: keep both while you move, and only this one in the end"


def dependency_changes(path: str, content: bytes) -> FileChanges:
    """The lines of a file such as pyproject.toml that name dagster-airbyte, but for comments."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return FileChanges.unreadable(path, "it is not UTF-8")
    changes = [
        Change(number, line.strip(), _WHY, package_in_place_of(found.group()))
        for number, line in enumerate(text.splitlines(), 1)
        if (found := MENTION.search(line)) and not line.lstrip().startswith("#")
    ]
    return FileChanges.of(path, content, content, changes)
