"""The command line: `dagster-airbyte-sync`."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync.resources import (
    AirbyteError,
    AirbyteSettingsError,
    BaseAirbyteWorkspace,
    Catalog,
    as_workspace,
    load_catalog,
    read_snapshot_file,
    without_snapshots,
    write_snapshot_file,
)

_EXAMPLE = "my_project.definitions:airbyte"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors are one sentence on stderr."""
    options = _parser().parse_args(arguments)
    try:
        print(write_snapshot(options.workspace, options.out, force=options.force))
    except (AirbyteError, dg.DagsterError) as error:
        print(f"dagster-airbyte-sync: {error}", file=sys.stderr)
        return 1
    return 0


def write_snapshot(workspace: str, out: Path, *, force: bool = False) -> str:
    """Write the snapshot of a workspace, named as `module:name`; returns what was written.

    The module may itself load definitions from the file that is about to be written: while it is
    imported here, they load from Airbyte. Raises PoorerCatalog, unless `force` is given, rather
    than lose columns or namespaces because the Configuration API is closed.
    """
    with without_snapshots():
        source = workspace_named(workspace)
    catalog = load_catalog(source)
    before = _age_of_what_is_there(out, catalog)
    write_snapshot_file(catalog, out, force=force, to_force="give --force to write it anyway")
    return f"{_described(catalog, out)}\n{before}"


def workspace_named(named: str) -> BaseAirbyteWorkspace:
    """The workspace that `module:name` names, ours or dagster-airbyte's.

    Raises AirbyteSettingsError if there is none, or no such module.
    """
    module_name, _, name = named.partition(":")
    if not (module_name and name):
        raise AirbyteSettingsError(
            f"--workspace is {named!r}, but it is a module and a name: {_EXAMPLE}"
        )
    workspace = getattr(_import(module_name), name, None)
    if workspace is None:
        raise AirbyteSettingsError(
            f"{module_name} has no {name!r}: write {name} = AirbyteWorkspace(...) in that module,"
            " at its outermost level."
        )
    return as_workspace(workspace, named)


def _import(module_name: str) -> object:
    # As `python -m` does; for a script, Python puts the script's folder there.
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as missing:
        if missing.name is None or not f"{module_name}.".startswith(f"{missing.name}."):
            raise
        raise AirbyteSettingsError(
            f"There is no module {missing.name!r}: run this in your project's folder, in the"
            f" environment in which it is installed, with --workspace like {_EXAMPLE}"
        ) from None


def _age_of_what_is_there(out: Path, catalog: Catalog) -> str:
    if not out.exists():
        return "It is the first snapshot there."
    try:
        old = read_snapshot_file(out, catalog.workspace_id)
    except AirbyteSettingsError as reason:
        return f"It replaces what could not be used. {reason}"
    age = catalog.read_at - old.read_at
    hours, minutes = divmod(age.seconds // 60, 60)
    return (
        f"It replaces a snapshot that was {age.days} days, {hours} hours and {minutes} minutes old."
    )


def _described(catalog: Catalog, out: Path) -> str:
    connections = catalog.connections.values()
    selected = sum(len(each.selected_streams) for each in connections)
    return (
        f"{out}: {len(connections)} connections with {selected} selected streams, and"
        f" {len(catalog.destinations)} destinations, of workspace {catalog.workspace_id}, read at"
        f" {catalog.read_at.isoformat(' ', 'seconds')}."
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dagster-airbyte-sync", description="Dagster knows every Airbyte sync."
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    snapshot = commands.add_parser(
        "snapshot",
        help="write what a workspace contains to a file, from which definitions load",
        description=(
            "Ask Airbyte for the connections, streams and destinations of a workspace, and write"
            " them to a file. Builders load from it with snapshot=Path(FILE), without Airbyte, and"
            " only this command renews it. The file holds no credentials: commit it, or write it"
            " when you build your image."
        ),
    )
    snapshot.add_argument(
        "--workspace",
        required=True,
        metavar="MODULE:NAME",
        help=f"the AirbyteWorkspace in your code, such as {_EXAMPLE}",
    )
    snapshot.add_argument("--out", required=True, type=Path, metavar="FILE", help="where to write")
    snapshot.add_argument(
        "--force",
        action="store_true",
        help=(
            "replace a file that has columns or namespaces of tables also if Airbyte's"
            " Configuration API, which alone knows them, is closed now"
        ),
    )
    return parser
