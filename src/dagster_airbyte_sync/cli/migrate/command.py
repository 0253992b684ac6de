"""`migrate`: what a project that was written for dagster-airbyte has to change."""

from pathlib import Path

import click

from dagster_airbyte_sync.cli.migrate.project import project_changes
from dagster_airbyte_sync.cli.migrate.report import as_json as _as_json
from dagster_airbyte_sync.cli.migrate.report import exit_code, show_report
from dagster_airbyte_sync.cli.mistakes import Mistake
from dagster_airbyte_sync.cli.options import json_option
from dagster_airbyte_sync.cli.tables import console, show_json


@click.command(short_help="Move a project over from dagster-airbyte.")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--write", is_flag=True, help="Change the files: imports, and the types in YAML.")
@json_option
def migrate(path: Path, write: bool, as_json: bool) -> int:
    """Move a project over from dagster-airbyte.

    Reads the Python and YAML files below PATH, and those that name dependencies. Lists what to
    change, line by line, and shows what --write would change: what only has another name or place
    now. The rest you change yourself. Nothing is imported or run.

    Exit code: 0 if nothing is left to do by hand, 1 if something is, or a file cannot be read.
    """
    try:
        files = project_changes(path)
        if write:
            for file in files:
                if file.is_changed:
                    Path(file.path).write_bytes(file.after)
    except OSError as error:
        raise Mistake(f"{error.filename}: {error.strerror}.") from None
    if as_json:
        show_json(_as_json(files, written=write))
    else:
        show_report(files, written=write, width=console().width)
    return exit_code(files)
