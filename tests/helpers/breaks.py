"""A line of the product made wrong on purpose, to see that a test notices.

The line is found by its shape: other names in it do no harm, another structure does.
"""

import ast
import builtins
from dataclasses import dataclass
from difflib import get_close_matches

from helpers.code_shapes import Fragment, names, nodes_by_scope, replaced


@dataclass(frozen=True)
class Break:
    """One line of the product made wrong, and what notices.

    `place` is a file and what has the line there, such as `sensors/reading/scan.py:HistoryScan`,
    or the file alone for its top level. `line` and `broken` are an expression, a statement, or the
    first line of a block, such as `if job.is_running:`. `noticed_by` is what pytest is to run.
    """

    invariant: str
    place: str
    line: str
    broken: str
    noticed_by: str
    # Whether the tests that notice it take so long that only `make test-deep` runs them.
    is_slow: bool = False

    @property
    def file(self) -> str:
        return self.place.partition(":")[0]

    @property
    def scope(self) -> str:
        """A qualified name, or "" for the top level."""
        return self.place.partition(":")[2]

    def apply(self, source: str) -> str:
        """The file's text with the line broken; the rest is as it was.

        Of lines that differ only in their names, the one with the fewest other names is meant.
        """
        tree, line = ast.parse(source), Fragment.parse(self.line)
        here = [node for scope, node in nodes_by_scope(tree) if scope == self.scope]
        alike = [(node, renames) for node in here if (renames := line.renames_in(node)) is not None]
        fewest = min((len(renames) for _, renames in alike), default=0)
        found = [(node, renames) for node, renames in alike if len(renames) == fewest]
        if len(found) != 1:
            raise self._stale(source, f"there {len(found)} times")
        [(node, renames)] = found
        broken = Fragment.parse(self.broken).renamed(renames)
        if unknown := names(*broken.parts) - names(tree) - set(dir(builtins)):
            raise self._stale(source, f"broken by names its file has not: {sorted(unknown)}")
        result = replaced(source, Fragment(node, line.is_header), broken)
        compile(result, self.file, "exec")
        return result

    def _stale(self, source: str, problem: str) -> AssertionError:
        """Names the row, and shows where its file has such lines, or else what is most like it."""
        lines = [f"{number}: {text.strip()}" for number, text in enumerate(source.split("\n"), 1)]
        line = Fragment.parse(self.line)
        alike = [
            f"{lines[node.lineno - 1]} (in {scope or 'the top level'})"
            for scope, node in nodes_by_scope(ast.parse(source))
            if line.renames_in(node) is not None
        ]
        shown = alike or get_close_matches(self.line, lines, n=3, cutoff=0.4)
        return AssertionError(
            f"{self.invariant!r} is stale: in {self.place} the line {self.line!r} is {problem}."
            + "".join(f"\n  {text}" for text in shown)
        )
