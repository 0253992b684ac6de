"""Finds a piece of Python by its shape, and puts another one in its place."""

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass

# What ast calls the name in a node: of a variable, an attribute, an argument, a function.
_NAME_FIELDS = ("id", "attr", "arg", "name")
# They have no other name: `max` is not `min` renamed.
_FIXED = {*dir(builtins), "self", "cls"}
# Of each name that is a different one now: its field and what it was, to what it is.
Renames = dict[tuple[str, str], str]


# What has a place in the source.
Located = ast.expr | ast.stmt | ast.excepthandler


@dataclass(frozen=True)
class Fragment:
    """An expression, a statement, or the first line of a block (`is_header`)."""

    node: ast.AST
    is_header: bool = False

    @classmethod
    def parse(cls, text: str) -> "Fragment":
        is_header = text.endswith(":")
        code = f"{text}\n    pass" if is_header else text
        if text.startswith("except"):
            code = f"try:\n    pass\n{code}"
        node: ast.AST = ast.parse(code).body[0]
        if isinstance(node, ast.Try):
            node = node.handlers[0]
        return cls(node.value if isinstance(node, ast.Expr) else node, is_header)

    @property
    def parts(self) -> list[ast.AST]:
        """What is compared and replaced: of a block what stands in its first line."""
        if not self.is_header:
            return [self.node]
        return [part for part in ast.iter_child_nodes(self.node) if not isinstance(part, ast.stmt)]

    def renames_in(self, node: ast.AST) -> Renames | None:
        """Empty if the node is the same but for its layout, None if it has another shape.

        One name has one other name, and of several names not all are others.
        """
        pairs: set[tuple[str, str, str]] = set()
        if type(node) is not type(self.node):
            return None
        if not _are_alike(self.parts, Fragment(node, self.is_header).parts, pairs):
            return None
        renames = {(field, old): new for field, old, new in pairs if old != new}
        olds = {(field, old) for field, old, _ in pairs}
        news = {(field, new) for field, _, new in pairs}
        if not len(olds) == len(news) == len(pairs):
            return None
        if any(old in _FIXED or new in _FIXED for (_, old), new in renames.items()):
            return None
        free = [old for _, old in olds if old not in _FIXED]
        return None if 1 < len(free) == len(renames) else renames

    def renamed(self, renames: Renames) -> "Fragment":
        """This one with the new names; it changes this one's nodes."""
        for node in ast.walk(self.node):
            for field, name in _names_of(node):
                setattr(node, field, renames.get((field, name), name))
        return self


def names(*trees: ast.AST) -> set[str]:
    return {name for tree in trees for node in ast.walk(tree) for _, name in _names_of(node)}


def _names_of(node: ast.AST) -> list[tuple[str, str]]:
    named = [(field, getattr(node, field, None)) for field in _NAME_FIELDS]
    return [(field, name) for field, name in named if isinstance(name, str)]


def _are_alike(a: object, b: object, pairs: set[tuple[str, str, str]]) -> bool:
    """Adds each name of `a` and what it is in `b`, with the field that holds them."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_are_alike(x, y, pairs) for x, y in zip(a, b, strict=True))
    if not isinstance(a, ast.AST):
        return a == b
    for field in a._fields:
        x, y = getattr(a, field, None), getattr(b, field, None)
        if field in _NAME_FIELDS and isinstance(x, str) and isinstance(y, str):
            pairs.add((field, x, y))
        elif not _are_alike(x, y, pairs):
            return False
    return True


def nodes_by_scope(tree: ast.AST, scope: str = "") -> Iterator[tuple[str, Located]]:
    """Every expression, statement and handler, with the function or class it is in.

    That is its qualified name, such as `HistoryScan.go_on`, or "" at the top level.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Located):
            yield scope, node
        inner = scope
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = f"{scope}.{node.name}".lstrip(".")
        yield from nodes_by_scope(node, inner)


def replaced(source: str, old: Fragment, new: Fragment) -> str:
    """The source with what `new` says in the place of `old`."""
    for part, other in reversed([*zip(old.parts, new.parts, strict=True)]):
        text = ast.unparse(other)
        if isinstance(other, ast.expr):
            text = f"({text})"
        source = _spliced(source, part, text)
    return source


def _spliced(source: str, node: ast.AST, text: str) -> str:
    """ast counts lines from 1 and columns in bytes."""
    assert isinstance(node, Located)
    assert node.end_lineno
    lines = source.encode().split(b"\n")
    before = [*lines[: node.lineno - 1], lines[node.lineno - 1][: node.col_offset]]
    after = [lines[node.end_lineno - 1][node.end_col_offset :], *lines[node.end_lineno :]]
    return (b"\n".join(before) + text.encode() + b"\n".join(after)).decode()
