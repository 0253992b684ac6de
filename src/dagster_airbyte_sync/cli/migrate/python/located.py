"""A look at a syntax tree that knows lines, and where names were imported from."""

import libcst as cst
from libcst.metadata import PositionProvider, QualifiedNameProvider, QualifiedNameSource

from dagster_airbyte_sync.cli.migrate.changes import Change


class Located(cst.CSTVisitor):
    """Collects `changes`."""

    METADATA_DEPENDENCIES = (PositionProvider, QualifiedNameProvider)

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[Change] = []

    def line(self, node: cst.CSTNode) -> int:
        return int(self.get_metadata(PositionProvider, node).start.line)

    def origins(self, node: cst.CSTNode) -> set[str]:
        """What was imported under the name, dotted."""
        found = self.get_metadata(QualifiedNameProvider, node, set())
        return {each.name for each in found if each.source is QualifiedNameSource.IMPORT}

    def by_hand(self, node: cst.CSTNode, what: str, why: str, instead: str) -> None:
        self.changes.append(Change(self.line(node), what, why, instead))

    def renamed(self, node: cst.CSTNode, what: str, why: str, instead: str) -> None:
        self.changes.append(Change(self.line(node), what, why, instead, "rename"))
