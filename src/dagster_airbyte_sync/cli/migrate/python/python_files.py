"""What a Python file has of dagster-airbyte, and the file with what is only renamed."""

import libcst as cst
from libcst.metadata import MetadataWrapper

from dagster_airbyte_sync.cli.migrate.changes import FileChanges
from dagster_airbyte_sync.cli.migrate.python.calls import Calls
from dagster_airbyte_sync.cli.migrate.python.look import Look, Rewrite


def python_changes(path: str, content: bytes) -> FileChanges:
    """What a file has to change. One that is not Python is said to be unreadable."""
    try:
        module = cst.parse_module(content)
        wrapper = MetadataWrapper(module)
        look, calls = Look(), Calls()
        for each in (look, calls):
            wrapper.visit(each)
        after = wrapper.module.visit(_Rewriting(look.rewrites))
    except cst.ParserSyntaxError as error:
        return FileChanges.unreadable(path, f"line {error.raw_line} is not Python")
    except (UnicodeDecodeError, LookupError) as error:
        return FileChanges.unreadable(path, f"it is not text: {error}")
    except RecursionError:
        return FileChanges.unreadable(path, "it is nested too deeply")
    return FileChanges.of(path, content, after.bytes, [*look.changes, *calls.changes])


class _Rewriting(cst.CSTTransformer):
    def __init__(self, rewrites: dict[cst.CSTNode, Rewrite]) -> None:
        super().__init__()
        self._rewrites = rewrites

    def on_leave(
        self, original_node: cst.CSTNodeT, updated_node: cst.CSTNodeT
    ) -> "cst.CSTNodeT | cst.RemovalSentinel | cst.FlattenSentinel[cst.CSTNodeT]":
        rewrite = self._rewrites.get(original_node)
        left = super().on_leave(original_node, updated_node)
        return left if rewrite is None else rewrite(updated_node)
