"""Finds the names that a file has of dagster-airbyte, and how its nodes are rewritten."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import libcst as cst
from libcst.helpers import get_full_name_for_node

from dagster_airbyte_sync.cli.migrate.changes import Change
from dagster_airbyte_sync.cli.migrate.fates import (
    IN_A_TEXT,
    IS_GONE,
    MENTION,
    MOVED,
    RENAMED,
    REQUIREMENT,
    WORKS,
    Fate,
    fate_of,
    is_theirs,
    package_in_place_of,
    renaming,
    split,
)
from dagster_airbyte_sync.cli.migrate.python.import_statements import Moved, as_imports
from dagster_airbyte_sync.cli.migrate.python.located import Located
from dagster_airbyte_sync.legacy.former_names import OURS, THEIRS

# What becomes of a node: libcst's own types for that differ from node to node.
Rewrite = Callable[[Any], Any]

_ONE_BY_ONE = f"import its names one by one, from {OURS}"


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


class Look(Located):
    """`changes` and `rewrites` are complete once a whole module was visited."""

    def __init__(self) -> None:
        super().__init__()
        self.rewrites: dict[cst.CSTNode, Rewrite] = {}
        self._lines: dict[cst.CSTNode, cst.SimpleStatementLine] = {}
        self._from: list[tuple[cst.ImportFrom, str]] = []
        self._modules: list[cst.ImportAlias] = []
        self._reached: list[_Reached] = []
        self._names: list[tuple[cst.Name, set[str]]] = []
        self._texts: list[str] = []

    # -- what there is ----------------------------------------------------------------------------

    def visit_SimpleStatementLine(self, node: cst.SimpleStatementLine) -> None:
        if len(node.body) == 1:
            self._lines[node.body[0]] = node

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        module = get_full_name_for_node(node.module) if node.module else None
        if module is not None and not node.relative:
            if is_theirs(module):
                self._from.append((node, module))
            elif module == OURS:
                self.changes.extend(self._left_of_ours(node))
        return False

    def visit_Import(self, node: cst.Import) -> bool:
        for alias in node.names:
            module = get_full_name_for_node(alias.name) or ""
            if is_theirs(module):
                self._modules.append(alias)
        return False

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        for origin in self.origins(node):
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
        self._names.append((node, self.origins(node)))

    def visit_SimpleString(self, node: cst.SimpleString) -> None:
        text = node.evaluated_value
        if isinstance(text, str):
            self._texts.append(text)
            found = MENTION.search(text)
            if found and (not re.search(r"\s", text) or REQUIREMENT.fullmatch(text.strip())):
                self.by_hand(node, text, IN_A_TEXT, package_in_place_of(found.group()))

    # -- what to do about it ----------------------------------------------------------------------

    def leave_Module(self, original_node: cst.Module) -> None:
        for node, module in self._from:
            self._decide_from(node, module)
        self._decide_modules()

    def _decide_from(self, node: cst.ImportFrom, module: str) -> None:
        if isinstance(node.names, cst.ImportStar):
            why = "it does not say which names it means"
            self.by_hand(node, f"from {module} import *", why, _ONE_BY_ONE)
            return
        inner = module.removeprefix(THEIRS).lstrip(".")
        moved: list[Moved] = []
        kept: list[cst.ImportAlias] = []
        for alias in node.names:
            name = str(alias.evaluated_name)
            if is_theirs(f"{module}.{name}"):
                self.by_hand(alias, f"{module}.{name}", "a module", _ONE_BY_ONE)
                kept.append(alias)
                continue
            fate = fate_of(name, inner)
            self._note(alias, name, fate)
            if fate.now is None:
                kept.append(alias)
            else:
                moved.append(self._moved(alias, name, fate.now, module))
        if moved:
            self.renamed(node, f"from {module}", MOVED, f"from {OURS}")
            for each in moved:
                if each.name != each.now:
                    self.renamed(each.alias, each.name, renaming(each.name, each.now), each.code)
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
            self.by_hand(name, name.value, "the module itself is used", _ONE_BY_ONE)
        if bare or any(each.fate.now is None for each in reached):
            return
        for alias in self._modules:
            self._rewrite_module(alias)
        for each in reached:
            self._rewrite_attribute(each, first=each.first if own[each.first].asname else OURS)

    def _rewrite_module(self, alias: cst.ImportAlias) -> None:
        given = f" as {alias.evaluated_alias}" if alias.asname else ""
        before = f"import {alias.evaluated_name}{given}"
        self.renamed(alias, before, MOVED, f"import {OURS}{given}")
        self.rewrites[alias] = lambda updated: updated.with_changes(name=cst.Name(OURS))

    def _rewrite_attribute(self, reached: "_Reached", first: str) -> None:
        now, node = str(reached.fate.now), reached.node
        if now != node.attr.value:
            self.renamed(node, node.attr.value, RENAMED, now)
        attribute = node.with_changes(value=cst.Name(first), attr=cst.Name(now))
        self.rewrites[node] = lambda _: attribute

    def _left_of_ours(self, node: cst.ImportFrom) -> Iterator[Change]:
        """Of what is imported from here already, what is not here, or warns."""
        for alias in () if isinstance(node.names, cst.ImportStar) else node.names:
            name = str(alias.evaluated_name)
            fate = fate_of(name)
            if fate.left is not None and fate.why in (IS_GONE, WORKS):
                yield Change(self.line(alias), name, fate.why, fate.left)

    # -- small tools ------------------------------------------------------------------------------

    def _note(self, node: cst.CSTNode, what: str, fate: Fate) -> None:
        if fate.left is not None:
            self.by_hand(node, what, fate.why, fate.left)
