"""`snapshot`: what a workspace contains, in a file from which definitions load."""

from datetime import timedelta
from pathlib import Path

import click

from dagster_airbyte_sync.cli.check.loading import workspace_of
from dagster_airbyte_sync.cli.options import file_option, workspace_options
from dagster_airbyte_sync.cli.tables import counted, duration
from dagster_airbyte_sync.resources import (
    AirbyteSettingsError,
    BaseAirbyteWorkspace,
    Catalog,
    load_catalog,
    read_snapshot_file,
    without_snapshots,
    write_snapshot_file,
)


@click.command(short_help="Save a workspace to a file from which definitions load.")
@workspace_options
@file_option("--out", "The file to write.")
@click.option(
    "--force",
    is_flag=True,
    help=(
        "Overwrite the file even if its columns or namespaces would be lost, because Airbyte's"
        " Configuration API, the only one that has them, is closed now."
    ),
)
def snapshot(workspace: str | None, definitions: str | None, out: Path, force: bool) -> int:
    """Save a workspace to a file from which definitions load.

    Asks Airbyte for its connections, streams and destinations. With snapshot=Path(FILE), builders
    load from the file instead of from Airbyte; only this command updates it. The file holds no
    credentials: commit it, or write it when you build your image.
    """
    with without_snapshots():
        # The module may load definitions from the file that is about to be written.
        source = workspace_of(workspace, definitions)
    click.echo(write_snapshot(source, out, force=force))
    return 0


def write_snapshot(source: BaseAirbyteWorkspace, out: Path, *, force: bool = False) -> str:
    """Write the snapshot of a workspace; returns what was written.

    Raises PoorerCatalog, unless `force` is given, rather than lose columns or namespaces because
    the Configuration API is closed.
    """
    catalog = load_catalog(source)
    before = _age_of_what_is_there(out, catalog)
    write_snapshot_file(catalog, out, force=force, to_force="give --force to write it anyway")
    return f"{_described(catalog, out)}\n{before}"


def _age_of_what_is_there(out: Path, catalog: Catalog) -> str:
    if not out.exists():
        return "It is the first snapshot there."
    try:
        old = read_snapshot_file(out, catalog.workspace_id)
    except AirbyteSettingsError:
        return "It replaces a file from which this workspace could not be loaded."
    age = catalog.read_at - old.read_at
    old_age = duration(age) if age >= timedelta(minutes=1) else "less than a minute"
    return f"It replaces a snapshot that was {old_age} old."


def _described(catalog: Catalog, out: Path) -> str:
    connections = catalog.connections.values()
    selected = sum(len(each.selected_streams) for each in connections)
    return (
        f"{out}: {counted(len(connections), 'connection')} with"
        f" {counted(selected, 'selected stream')}, and"
        f" {counted(len(catalog.destinations), 'destination')}, of"
        f" {catalog.where.removeprefix('the Airbyte ')}, read at"
        f" {catalog.read_at.isoformat(' ', 'seconds')}."
    )
