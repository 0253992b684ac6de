"""`check`: a doctor for everything between Dagster and Airbyte."""

from collections.abc import Iterator, Sequence

import click
import dagster as dg

from dagster_airbyte_sync.cli.check.about_definitions import definitions_lines
from dagster_airbyte_sync.cli.check.examine import examine
from dagster_airbyte_sync.cli.check.loading import load, only_workspace_in
from dagster_airbyte_sync.cli.check.report import as_json, exit_code, show_report
from dagster_airbyte_sync.cli.check.seen import Line, Loaded
from dagster_airbyte_sync.cli.finding import NotImported, workspace_in, workspace_named
from dagster_airbyte_sync.cli.mistakes import Mistake, sentence_of
from dagster_airbyte_sync.cli.options import definitions_option, json_option, workspace_option
from dagster_airbyte_sync.cli.tables import show_json
from dagster_airbyte_sync.resources import BaseAirbyteWorkspace


@click.command(short_help="Find out what is wrong between Dagster and Airbyte.")
@workspace_option
@definitions_option(" Their loading time and sensors are checked, too.")
@click.option("--strict", is_flag=True, help="Also exit with 1 if there are warnings.")
@json_option
def check(workspace: str | None, definitions: str | None, strict: bool, as_json: bool) -> int:
    """Find out what is wrong between Dagster and Airbyte, and what to do about it.

    Pass --workspace, or --definitions whose resources include a workspace (a component's do), or
    both. Changes nothing in Airbyte or Dagster.

    Exit code: 0 if nothing is wrong, 1 if there is a problem. Warnings count only with --strict.
    """
    if workspace is None and definitions is None:
        raise click.UsageError("Give --workspace MODULE:NAME, or --definitions MODULE, or both.")
    lines = list(_all_lines(workspace, definitions))
    if as_json:
        show_json(_as_json(lines))
    else:
        show_report(lines, timed=definitions is not None)
    return exit_code(lines, strict=strict)


_as_json = as_json


def _all_lines(workspace: str | None, definitions: str | None) -> Iterator[Line]:
    loaded, made = load(definitions) if definitions else (None, None)
    try:
        found, problem = _workspace(workspace, made)
    except Mistake as mistake:
        if loaded is None:
            raise
        yield from definitions_lines(loaded)
        if workspace is not None or loaded.error is None:
            yield Line("problem", "workspace", sentence_of(mistake), code="no_workspace")
        return
    yield from examine(found)
    yield from _loading_lines(loaded, problem)


def _loading_lines(loaded: Loaded | None, problem: Line | None) -> Sequence[Line]:
    if loaded is not None:
        return list(definitions_lines(loaded))
    return [] if problem is None else [problem]


def _workspace(
    named: str | None, made: dg.Definitions | None
) -> tuple[BaseAirbyteWorkspace, Line | None]:
    """The workspace to look at, and a problem of its module if that did not load to its end.

    A module often makes its workspace and then loads definitions with it, which fails for just what
    is to be found out here.
    """
    if named is None:
        return only_workspace_in(made), None
    try:
        return workspace_named(named), None
    except NotImported as failure:
        name = named.partition(":")[2]
        if name not in failure.made:
            raise
        step = "Fix the first problem above: it may be the cause of this one."
        line = Line("problem", "definitions", sentence_of(failure), step, "definitions")
        return workspace_in(failure.made, named), line
