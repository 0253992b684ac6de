"""`put-back`: Airbyte has its schedules again."""

from collections.abc import Sequence
from pathlib import Path

import click

from dagster_airbyte_sync.assets import (
    PutBackResult,
    PutBackStep,
    TakenOver,
    plan_put_back,
    put_back_schedules,
)
from dagster_airbyte_sync.cli.asking import may_go_on
from dagster_airbyte_sync.cli.check.loading import workspace_of
from dagster_airbyte_sync.cli.options import (
    dry_run_option,
    file_option,
    json_option,
    workspace_options,
    yes_option,
)
from dagster_airbyte_sync.cli.schedules.changing import Progress, reported
from dagster_airbyte_sync.cli.schedules.record import read_record
from dagster_airbyte_sync.cli.schedules.summary import put_back_json, put_back_table
from dagster_airbyte_sync.cli.tables import console, counted, show, show_if_read, show_json
from dagster_airbyte_sync.resources import BaseAirbyteWorkspace


@click.command("put-back", short_help="Give Airbyte back the schedules that Dagster took over.")
@workspace_options
@file_option("--file", "The file that take-over wrote.")
@dry_run_option
@yes_option
@json_option
def put_back(
    workspace: str | None,
    definitions: str | None,
    file: Path,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Give Airbyte back the schedules that Dagster took over.

    Shows what would change, and asks. A connection that was given another schedule in the meantime
    keeps that one. If it is interrupted, run it again. Airbyte starts an overdue sync of an
    interval schedule at once.

    Exit code: 0 if everything was changed, or nothing was left to change; 1 if you answered no, or
    it failed.
    """
    taken = read_record(file, must_be_there=True)
    found = workspace_of(workspace, definitions)
    steps = plan_put_back(found, taken)
    see = show_if_read if yes else show
    if not as_json:
        see(put_back_table(steps, console().width) if steps else f"{file} has no schedules.")
    to_do = [each for each in steps if each.result is PutBackResult.RESTORED]
    may = bool(to_do) and not dry_run
    may = may and may_go_on(f"\nSet {counted(len(to_do), 'schedule')} in Airbyte?", yes=yes)
    if may:
        _put_back(found, to_do, quiet=as_json)
    if as_json:
        show_json(put_back_json(steps, changed=may))
    else:
        see("", _end(to_do, file, changed=may))
    return 0 if may or dry_run or not to_do else 1


def _put_back(
    workspace: BaseAirbyteWorkspace, to_do: Sequence[PutBackStep], *, quiet: bool
) -> None:
    taken = TakenOver({each.taken.connection_id: each.taken for each in to_do})
    progress = Progress(len(to_do), quiet=quiet)
    with reported(progress, lambda begun, _: _half_way(begun, len(to_do))):
        put_back_schedules(workspace, taken, say=progress.say)


def _half_way(done: int, total: int) -> str:
    return f"{done} of {total} schedules are back. Run the same command again for the rest."


def _end(to_do: Sequence[PutBackStep], file: Path, *, changed: bool) -> str:
    if not changed:
        return "Nothing was changed."
    count = counted(len(to_do), "connection")
    has = "has its schedule" if len(to_do) == 1 else "have their schedules"
    return (
        f"{count} {has} again. Remove {file} and reload your code location, so that Dagster does"
        " not start the same syncs."
    )
