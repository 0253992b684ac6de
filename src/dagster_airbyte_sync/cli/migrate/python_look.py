"""Finds what a syntax tree has of dagster-airbyte, and how its nodes are rewritten."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import libcst as cst
from libcst.helpers import get_full_name_for_node
from libcst.metadata import PositionProvider, QualifiedNameProvider, QualifiedNameSource

from dagster_airbyte_sync.cli.migrate.changes import Change
from dagster_airbyte_sync.cli.migrate.fates import (
    CALLS_WITH_REPLACED_ARGUMENTS,
    IN_A_TEXT,
    IS_GONE,
    MENTION,
    MOVED,
    RENAMED,
    REPLACED_ARGUMENTS,
    REPLACED_METHODS,
    SYNC_BY_ID,
    WORKS,
    Fate,
    fate_of,
    is_ours,
    is_theirs,
    package_in_place_of,
    renaming,
    split,
)
from dagster_airbyte_sync.cli.migrate.import_statements import Moved, as_imports
from dagster_airbyte_sync.legacy.former_names import OURS, THEIRS

# What becomes of a node: libcst's own types for that differ from node to node.
Rewrite = Callable[[Any], Any]

_ONE_BY_ONE = f"import its names one by one, from {OURS}"
_AN_ARGUMENT = "its successor has no such argument"


@dataclass(frozen=True)
class _Reached:
    """A name of dagster-airbyte that a file reaches through its module: `da.AirbyteWorkspace`."""

    node: cst.Attribute
    fate: Fate

    @property
    def written(self) -> str:
        return get_full_name_for_node(self.node) or self.node.attr.value

    @property
    def first(self) -> str:
        return self.written.partition(".")[0]


class Look(cst.CSTVisitor):
    """`changes` and `rewrites` are complete once a whole module was visited."""

    METADATA_DEPENDENCIES = (PositionProvider, QualifiedNameProvider)

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[Change] = []
        self.rewrites: dict[cst.CSTNode, Rewrite] = {}
        self._is_of_either = False
        self._lines: dict[cst.CSTNode, cst.SimpleStatementLine] = {}
        self._from: list[tuple[cst.ImportFrom, str]] = []
        self._modules: list[cst.ImportAlias] = []
        self._reached: list[_Reached] = []
        self._names: list[tuple[cst.Name, set[str]]] = []
        self._methods: list[Change] = []
        self._texts: list[str] = []

    # -- what there is ----------------------------------------------------------------------------

    def visit_SimpleStatementLine(self, node: cst.SimpleStatementLine) -> None:
        if len(node.body) == 1:
            self._lines[node.body[0]] = node

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        module = get_full_name_for_node(node.module) if node.module else None
        if module is not None and not node.relative:
            self._is_of_either = self._is_of_either or is_theirs(module) or is_ours(module)
            if is_theirs(module):
                self._from.append((node, module))
            elif module == OURS:
                self.changes.extend(self._left_of_ours(node))
        return False

    def visit_Import(self, node: cst.Import) -> bool:
        for alias in node.names:
            module = get_full_name_for_node(alias.name) or ""
            self._is_of_either = self._is_of_either or is_theirs(module) or is_ours(module)
            if is_theirs(module):
                self._modules.append(alias)
        return False

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        for origin in self._origins(node):
            if parts := split(origin):
                module, name = parts
                self._reached.append(_Reached(node, fate_of(name, module)))
                return False
        node.value.visit(self)
        return False

    def visit_Arg(self, node: cst.Arg) -> bool:
        # Not its keyword, which is no name of this file.
        node.value.visit(self)
        return False

    def visit_Name(self, node: cst.Name) -> None:
        self._names.append((node, self._origins(node)))

    def visit_SimpleString(self, node: cst.SimpleString) -> None:
        text = node.evaluated_value
        if isinstance(text, str):
            self._texts.append(text)
            found = MENTION.search(text)
            if found and not re.search(r"\s", text):
                self._by_hand(node, text, IN_A_TEXT, package_in_place_of(found.group()))

    def visit_Call(self, node: cst.Call) -> None:
        keywords = {each.keyword.value: each for each in node.args if each.keyword}
        called = {origin.rpartition(".")[2] for origin in self._origins(node.func)}
        if called & set(CALLS_WITH_REPLACED_ARGUMENTS):
            for name in keywords.keys() & REPLACED_ARGUMENTS.keys():
                self._by_hand(keywords[name], f"{name}=", _AN_ARGUMENT, REPLACED_ARGUMENTS[name])
        method = node.func.attr.value if isinstance(node.func, cst.Attribute) else ""
        if method in REPLACED_METHODS:
            instead, why = REPLACED_METHODS[method]
            self._methods.append(Change(self._line(node.func), f"{method}(...)", why, instead))
        elif method == "sync_and_poll" and "connection_id" in keywords:
            what = "sync_and_poll(connection_id=...)"
            self._methods.append(Change(self._line(node.func), what, IS_GONE, SYNC_BY_ID))

    # -- what to do about it ----------------------------------------------------------------------

    def leave_Module(self, original_node: cst.Module) -> None:
        for node, module in self._from:
            self._decide_from(node, module)
        self._decide_modules()
        if self._is_of_either:
            self.changes.extend(self._methods)

    def _decide_from(self, node: cst.ImportFrom, module: str) -> None:
        if isinstance(node.names, cst.ImportStar):
            why = "it does not say which names it means"
            self._by_hand(node, f"from {module} import *", why, _ONE_BY_ONE)
            return
        inner = module.removeprefix(THEIRS).lstrip(".")
        moved: list[Moved] = []
        kept: list[cst.ImportAlias] = []
        for alias in node.names:
            name = str(alias.evaluated_name)
            if is_theirs(f"{module}.{name}"):
                self._by_hand(alias, f"{module}.{name}", "a module", _ONE_BY_ONE)
                kept.append(alias)
                continue
            fate = fate_of(name, inner)
            self._note(alias, name, fate)
            if fate.now is None:
                kept.append(alias)
            else:
                moved.append(self._moved(alias, name, fate.now, module))
        if moved:
            self._renamed(node, f"from {module}", MOVED, f"from {OURS}")
            for each in moved:
                if each.name != each.now:
                    self._renamed(each.alias, each.name, renaming(each.name, each.now), each.code)
            self._rewrite_import(node, moved, kept)

    def _rewrite_import(
        self, node: cst.ImportFrom, moved: list[Moved], kept: list[cst.ImportAlias]
    ) -> None:
        statements = as_imports(node, moved, kept)
        line = self._lines.get(node)
        if len(statements) == 1:
            self.rewrites[node] = lambda _: statements[0]
        elif line is None:
            self.rewrites[node] = lambda _: cst.FlattenSentinel(statements)
        else:
            first = line.with_changes(body=[statements[0]])
            rest = cst.SimpleStatementLine(body=[statements[1]])
            self.rewrites[line] = lambda _: cst.FlattenSentinel([first, rest])

    def _moved(self, alias: cst.ImportAlias, name: str, now: str, module: str) -> Moved:
        """How the name is imported; where it changes, what it is called in the file changes, too.

        Not if the new name stands for something else there, or a text has the old one.
        """
        if name == now or alias.asname is not None:
            return Moved(alias, name, now)
        origin = f"{module}.{name}"
        others = {f"{OURS}.{now}", *(f"{where}.{now}" for _, where in self._from)}
        is_taken = any(node.value == now and not origins & others for node, origins in self._names)
        if is_taken or any(re.search(rf"\b{name}\b", text) for text in self._texts):
            return Moved(alias, name, now, as_before=True)
        for node, origins in self._names:
            if node.value == name and origin in origins:
                self.rewrites[node] = lambda updated: updated.with_changes(value=now)
        return Moved(alias, name, now)

    def _decide_modules(self) -> None:
        """`import dagster_airbyte` changes with all that is reached through it, or not at all."""
        own = {str(alias.evaluated_alias or THEIRS): alias for alias in self._modules}
        reached = [each for each in self._reached if each.first in own]
        for each in reached:
            self._note(each.node, each.written, each.fate)
        bare = [
            name
            for name, origins in self._names
            if name.value in own and any(map(is_theirs, origins))
        ]
        for name in bare:
            self._by_hand(name, name.value, "the module itself is used", _ONE_BY_ONE)
        if bare or any(each.fate.now is None for each in reached):
            return
        for alias in self._modules:
            self._rewrite_module(alias)
        for each in reached:
            self._rewrite_attribute(each, first=each.first if own[each.first].asname else OURS)

    def _rewrite_module(self, alias: cst.ImportAlias) -> None:
        given = f" as {alias.evaluated_alias}" if alias.asname else ""
        before = f"import {alias.evaluated_name}{given}"
        self._renamed(alias, before, MOVED, f"import {OURS}{given}")
        self.rewrites[alias] = lambda updated: updated.with_changes(name=cst.Name(OURS))

    def _rewrite_attribute(self, reached: "_Reached", first: str) -> None:
        now, node = str(reached.fate.now), reached.node
        if now != node.attr.value:
            self._renamed(node, node.attr.value, RENAMED, now)
        attribute = node.with_changes(value=cst.Name(first), attr=cst.Name(now))
        self.rewrites[node] = lambda _: attribute

    def _left_of_ours(self, node: cst.ImportFrom) -> Iterator[Change]:
        """Of what is imported from here already, what is not here, or warns."""
        for alias in () if isinstance(node.names, cst.ImportStar) else node.names:
            name = str(alias.evaluated_name)
            fate = fate_of(name)
            if fate.left is not None and fate.why in (IS_GONE, WORKS):
                yield Change(self._line(alias), name, fate.why, fate.left)

    # -- small tools ------------------------------------------------------------------------------

    def _note(self, node: cst.CSTNode, what: str, fate: Fate) -> None:
        if fate.left is not None:
            self._by_hand(node, what, fate.why, fate.left)

    def _renamed(self, node: cst.CSTNode, what: str, why: str, instead: str) -> None:
        self.changes.append(Change(self._line(node), what, why, instead, "rename"))

    def _by_hand(self, node: cst.CSTNode, what: str, why: str, instead: str) -> None:
        self.changes.append(Change(self._line(node), what, why, instead))

    def _line(self, node: cst.CSTNode) -> int:
        return int(self.get_metadata(PositionProvider, node).start.line)

    def _origins(self, node: cst.CSTNode) -> set[str]:
        """What was imported under the name, dotted."""
        found = self.get_metadata(QualifiedNameProvider, node, set())
        return {each.name for each in found if each.source is QualifiedNameSource.IMPORT}
