"""`take-over`: connections become manual in Airbyte, and Dagster starts their syncs."""

from collections.abc import Sequence
from pathlib import Path

import click

from dagster_airbyte_sync.assets import TakenOver, TakeOverPlan, plan_take_over, take_over_schedules
from dagster_airbyte_sync.cli.asking import may_go_on
from dagster_airbyte_sync.cli.check.loading import workspace_of
from dagster_airbyte_sync.cli.mistakes import Mistake
from dagster_airbyte_sync.cli.options import (
    connection_option,
    dry_run_option,
    file_option,
    json_option,
    workspace_options,
    yes_option,
)
from dagster_airbyte_sync.cli.schedules.changing import Progress, reported
from dagster_airbyte_sync.cli.schedules.chosen import Chosen
from dagster_airbyte_sync.cli.schedules.record import (
    read_record,
    recording,
    refuse_other_workspace,
)
from dagster_airbyte_sync.cli.schedules.summary import take_over_json, take_over_table
from dagster_airbyte_sync.cli.tables import console, counted, show, show_if_read, show_json
from dagster_airbyte_sync.resources import AirbyteError, BaseAirbyteWorkspace
from dagster_airbyte_sync.resources.schedules.schedule_words import schedule_words

_NOTHING = "Nothing is left to take over: no connection that was chosen has a schedule in Airbyte."


@click.command("take-over", short_help="Let Dagster run the schedules that Airbyte runs now.")
@workspace_options
@file_option("--file", "The file to which the schedules are added. Keep it with your code.")
@connection_option
@click.option(
    "--leave-out",
    multiple=True,
    metavar="NAME",
    help="Leave out connections with this name or ID, written as in --connection.",
)
@dry_run_option
@yes_option
@json_option
def take_over(
    workspace: str | None,
    definitions: str | None,
    file: Path,
    patterns: Sequence[str],
    leave_out: Sequence[str],
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Let Dagster run the schedules that Airbyte runs now.

    Makes the connections manual in Airbyte. Each schedule is first saved to FILE: your definitions
    need it (build_schedules_from_airbyte(taken_over=...)), and put-back restores it. Shows what
    would change, and asks. If it is interrupted, nothing is lost: run it again, and it continues.

    Exit code: 0 if everything was changed, or nothing was left to change; 1 if you answered no, or
    it failed.
    """
    found = workspace_of(workspace, definitions)
    plan = _plan(found, patterns, leave_out, file)
    see = show_if_read if yes else show
    if not as_json:
        see(take_over_table(plan, console().width) if _rows(plan) else _NOTHING)
    _refuse_impossible(plan)
    may = bool(plan.connections) and not dry_run
    may = may and may_go_on(_question(plan), yes=yes)
    if may:
        _take_over(found, plan, file, quiet=as_json)
    if as_json:
        show_json(take_over_json(plan, changed=may))
    else:
        see("", _end(plan, file, changed=may))
    return 0 if may or dry_run or not plan.connections else 1


def _rows(plan: TakeOverPlan) -> int:
    return len(plan.connections) + len(plan.paused)


def _plan(
    workspace: BaseAirbyteWorkspace, wanted: Sequence[str], left_out: Sequence[str], file: Path
) -> TakeOverPlan:
    chosen = Chosen(wanted, left_out)
    before = read_record(file)
    plan = plan_take_over(workspace, chosen)
    chosen.refuse_unused()
    refuse_other_workspace(file, before, plan.workspaces)
    return plan


def _refuse_impossible(plan: TakeOverPlan) -> None:
    names = [each.name for each in plan.connections if each.id in plan.reasons]
    if names:
        listed = " ".join(f"--leave-out {name!r}" for name in names)
        raise Mistake(
            f"{counted(len(names), 'connection')} cannot be taken over, so nothing was changed."
            f" Change the schedule in Airbyte, or add {listed}"
        )


def _question(plan: TakeOverPlan) -> str:
    return f"\nMake {counted(len(plan.connections), 'connection')} manual in Airbyte?"


def _take_over(
    workspace: BaseAirbyteWorkspace, plan: TakeOverPlan, file: Path, *, quiet: bool
) -> None:
    # Just those that were shown: another may have been given a schedule since.
    shown = {each.id for each in plan.connections}
    progress = Progress(len(shown), quiet=quiet)
    with recording(file) as record:

        def say(line: str) -> None:
            record.write(line)
            (taken,) = TakenOver.from_text(line).schedules.values()
            progress.say(f"{taken.connection_name}, {schedule_words(taken.schedule)}")

        with reported(progress, lambda begun, failed: _half_way(begun, failed, len(shown), file)):
            take_over_schedules(workspace, lambda each: each.id in shown, say=say)


def _half_way(begun: int, failed: AirbyteError | None, total: int, file: Path) -> str:
    if not begun:
        return "Nothing was changed."
    # After a refusal, the others are still changed.
    which = "the last of these connections may have kept its own"
    which = "of these connections, those named above may have kept their own" if failed else which
    return (
        f"{begun} of {total} schedules are written to {file}; {which}. Run the same command again"
        " to continue, or put-back to return."
    )


def _end(plan: TakeOverPlan, file: Path, *, changed: bool) -> str:
    if not changed:
        return "Nothing was changed."
    one = len(plan.connections) == 1
    return (
        f"{counted(len(plan.connections), 'connection')} {'is' if one else 'are'} manual in Airbyte"
        f" now. Nothing starts {'its' if one else 'their'} syncs until your code location is"
        f" reloaded with build_schedules_from_airbyte(taken_over=...) of {file}: reload it now."
    )
