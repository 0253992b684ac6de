"""What a YAML file has of dagster-airbyte, and the file with the types of components renamed.

Only the words change, in their places: comments, quotes and order stay.
"""

import re
from collections.abc import Iterator

import yaml

from dagster_airbyte_sync.cli.migrate.changes import Change, FileChanges, Kind
from dagster_airbyte_sync.cli.migrate.fates import (
    IN_A_TEXT,
    MENTION,
    fate_of,
    package_in_place_of,
    renaming,
    split,
)
from dagster_airbyte_sync.legacy.former_names import OURS


def yaml_changes(path: str, content: bytes) -> FileChanges:
    """What a file has to change. One that cannot be parsed, as a template, is unreadable."""
    try:
        text = content.decode("utf-8")
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except UnicodeDecodeError:
        return FileChanges.unreadable(path, "it is not UTF-8")
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}" if error.problem_mark else "it"
        return FileChanges.unreadable(path, f"{line} is not YAML")
    except yaml.YAMLError:
        return FileChanges.unreadable(path, "it is not YAML")
    changes: list[Change] = []
    edits: dict[int, tuple[int, str]] = {}
    for node, is_type in (each for made in documents for each in _scalars(made)):
        if not MENTION.search(node.value):
            continue
        start, end = node.start_mark.index, node.end_mark.index
        if "\n" in node.value:
            changes.extend(_in_lines(node.start_mark.line + 1, text[start:end]))
            continue
        change = _change(node.start_mark.line + 1, node.value, is_type)
        changes.append(change)
        if change.kind == "rename":
            edits[start] = (end, text[start:end].replace(node.value, change.instead))
    return FileChanges.of(path, content, _edited(text, edits).encode("utf-8"), changes)


def _in_lines(first: int, block: str) -> Iterator[Change]:
    """A text of several lines, such as a script of a CI job."""
    for number, line in enumerate(block.splitlines(), first):
        if MENTION.search(line):
            yield Change(number, line.strip(), IN_A_TEXT, MENTION.sub(_package, line.strip()))


def _change(line: int, value: str, is_type: bool) -> Change:
    parts = split(value)
    if parts is None:
        return Change(line, value, IN_A_TEXT, MENTION.sub(_package, value))
    module, name = parts
    fate = fate_of(name, module)
    if fate.now is None or fate.left is not None:
        return Change(line, value, fate.why, str(fate.left))
    kind: Kind = "rename" if is_type else "by hand"
    return Change(line, value, renaming(name, fate.now), f"{OURS}.{fate.now}", kind)


def _package(mentioned: re.Match[str]) -> str:
    return package_in_place_of(mentioned.group())


def _scalars(node: yaml.Node | None, is_type: bool = False) -> Iterator[tuple[yaml.Node, bool]]:
    """All texts, and whether each is what a `type:` says."""
    if isinstance(node, yaml.ScalarNode):
        yield node, is_type
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _scalars(each)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _scalars(key)
            yield from _scalars(value, isinstance(key, yaml.ScalarNode) and key.value == "type")


def _edited(text: str, edits: dict[int, tuple[int, str]]) -> str:
    for start in sorted(edits, reverse=True):
        end, now = edits[start]
        text = text[:start] + now + text[end:]
    return text
