"""Finds calls that have a successor: with replaced arguments, or of a workspace's client."""

import libcst as cst
from libcst.helpers import get_full_name_for_node

from dagster_airbyte_sync.cli.migrate.changes import Change
from dagster_airbyte_sync.cli.migrate.fates import (
    CALLS_WITH_REPLACED_ARGUMENTS,
    IS_GONE,
    REPLACED_ARGUMENTS,
    REPLACED_METHODS,
    SYNC_BY_ID,
    is_ours,
    is_theirs,
)
from dagster_airbyte_sync.cli.migrate.python.located import Located

_AN_ARGUMENT = "its successor has no such argument"
# Names that clients of others may have, too: whose they are must be seen.
_OF_ANYTHING = {
    "cancel_job",
    "get_connection_details",
    "get_connections",
    "get_destination_details",
    "get_job_details",
    "get_job_status",
    "make_request",
}


class Calls(Located):
    """`changes` are complete once a whole module was visited."""

    def __init__(self) -> None:
        super().__init__()
        self._is_of_either = False
        # What `get_client()` was given to, as `client` and `self.client`.
        self._clients: set[str] = set()
        self._methods: list[tuple[cst.Attribute, Change]] = []

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        if node.module and not node.relative:
            self._note_import(node.module)

    def visit_Import(self, node: cst.Import) -> None:
        for alias in node.names:
            self._note_import(alias.name)

    def _note_import(self, node: cst.BaseExpression) -> None:
        module = get_full_name_for_node(node) or ""
        self._is_of_either = self._is_of_either or is_theirs(module) or is_ours(module)

    def visit_Assign(self, node: cst.Assign) -> None:
        if _is_client(node.value):
            self._clients.update(get_full_name_for_node(each.target) or "" for each in node.targets)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        if node.value is not None and _is_client(node.value):
            self._clients.add(get_full_name_for_node(node.target) or "")

    def visit_Call(self, node: cst.Call) -> None:
        keywords = {each.keyword.value: each for each in node.args if each.keyword}
        called = {origin.rpartition(".")[2] for origin in self.origins(node.func)}
        if called & set(CALLS_WITH_REPLACED_ARGUMENTS):
            for name in keywords.keys() & REPLACED_ARGUMENTS.keys():
                self.by_hand(keywords[name], f"{name}=", _AN_ARGUMENT, REPLACED_ARGUMENTS[name])
        if isinstance(node.func, cst.Attribute):
            self._note_method(node.func, "connection_id" in keywords)

    def _note_method(self, func: cst.Attribute, names_connection: bool) -> None:
        name = func.attr.value
        if name in REPLACED_METHODS:
            instead, why = REPLACED_METHODS[name]
            self._methods.append((func, Change(self.line(func), f"{name}(...)", why, instead)))
        elif name == "sync_and_poll" and names_connection:
            what = "sync_and_poll(connection_id=...)"
            self._methods.append((func, Change(self.line(func), what, IS_GONE, SYNC_BY_ID)))

    def leave_Module(self, original_node: cst.Module) -> None:
        if self._is_of_either:
            self.changes.extend(change for func, change in self._methods if self._is_meant(func))

    def _is_meant(self, func: cst.Attribute) -> bool:
        of_client = _is_client(func.value) or get_full_name_for_node(func.value) in self._clients
        return of_client or func.attr.value not in _OF_ANYTHING


def _is_client(node: cst.BaseExpression) -> bool:
    """Whether it is `workspace.get_client()`."""
    func = node.func if isinstance(node, cst.Call) else None
    return isinstance(func, cst.Attribute) and func.attr.value == "get_client"
