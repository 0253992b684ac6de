"""`from dagster_airbyte import ...` as a statement that imports from here, and one for the rest."""

from collections.abc import Sequence
from dataclasses import dataclass

import libcst as cst

from dagster_airbyte_sync.legacy.former_names import OURS


@dataclass(frozen=True)
class Moved:
    """A name that is imported from here: `now` in the place of `name`.

    With `as_before` it keeps its name in the file.
    """

    alias: cst.ImportAlias
    name: str
    now: str
    as_before: bool = False

    @property
    def code(self) -> str:
        given = self.alias.evaluated_alias or (self.name if self.as_before else None)
        return self.now if given is None else f"{self.now} as {given}"

    def imported(self) -> cst.ImportAlias:
        alias = self.alias.with_changes(name=cst.Name(self.now))
        return alias.with_changes(asname=_as(self.name)) if self.as_before else alias


def _as(name: str) -> cst.AsName:
    return cst.AsName(
        name=cst.Name(name),
        whitespace_before_as=cst.SimpleWhitespace(" "),
        whitespace_after_as=cst.SimpleWhitespace(" "),
    )


def as_imports(
    node: cst.ImportFrom, moved: Sequence[Moved], kept: Sequence[cst.ImportAlias]
) -> list[cst.ImportFrom]:
    """The statements, in the form of the one that they replace."""
    each_once = {each.code: each.imported() for each in reversed(moved)}
    now = _with(node, list(reversed(each_once.values())))
    ours = now.with_changes(module=cst.Name(OURS))
    return [ours, _with(node, kept)] if kept else [ours]


def _with(node: cst.ImportFrom, aliases: Sequence[cst.ImportAlias]) -> cst.ImportFrom:
    assert not isinstance(node.names, cst.ImportStar)
    *before, last = aliases
    end = last.with_changes(comma=node.names[-1].comma)
    between = node.names[0].comma
    separated = [
        each if each.comma is not cst.MaybeSentinel.DEFAULT else each.with_changes(comma=between)
        for each in before
    ]
    return node.with_changes(names=[*separated, end])
