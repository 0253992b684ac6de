"""`status`: one line for each connection, the worst first."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click
from rich.console import Group, RenderableType
from rich.live import Live

from dagster_airbyte_sync.cli.health.event_log import event_log
from dagster_airbyte_sync.cli.health.notes import down_note
from dagster_airbyte_sync.cli.health.options import subject_options, taken_over_option
from dagster_airbyte_sync.cli.health.status.reader import Status, StatusReader
from dagster_airbyte_sync.cli.health.status.view import (
    heading,
    status_json,
    status_table,
    summary,
)
from dagster_airbyte_sync.cli.health.subject import subject_of
from dagster_airbyte_sync.cli.mistakes import Interrupted, complain, without_secrets
from dagster_airbyte_sync.cli.options import json_option
from dagster_airbyte_sync.cli.tables import console, plain, show, show_json

_EVERY = 30.0


@click.command(short_help="Show the state of each connection, and if its last sync was reported.")
@subject_options
@taken_over_option
@click.option(
    "--watch",
    type=click.FloatRange(min=1),
    is_flag=False,
    flag_value=_EVERY,
    metavar="[SECONDS]",
    help=f"Refresh every SECONDS seconds (default: {_EVERY:.0f}) until Ctrl-C.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Exit with 1 if a last sync failed or was cancelled, or if a connection is late.",
)
@json_option
def status(
    workspace: str | None,
    definitions: str | None,
    patterns: Sequence[str],
    no_dagster: bool,
    taken_over: Path | None,
    watch: float | None,
    strict: bool,
    as_json: bool,
) -> int:
    """Show the state of each connection, and whether its last sync was reported to Dagster.

    One row per connection, the worst first: failed, partial (it failed, but some tables are
    complete), cancelled, late (by its schedule), warning (no rows, or cleared), running, never
    synced, unknown, paused, good. "reported" says whether the event log in DAGSTER_HOME has the
    last sync. If Airbyte does not answer, shows what was last reported to Dagster; a connection
    that was good is unknown once its next sync should have ended. Changes nothing.

    Exit code: 0 even if syncs failed, unless --strict is given; 1 if Airbyte does not answer.
    """
    if watch is not None and as_json:
        raise click.UsageError("Give --watch or --json, not both.")
    with (
        subject_of(workspace, definitions, taken_over) as subject,
        event_log(wanted=not no_dagster) as events,
    ):
        reader = StatusReader(subject, events, patterns)
        if watch is not None:
            return watched(reader.read, watch)
        found = reader.read()
    if as_json:
        is_answered = found.error is None
        show_json(status_json(found.rows, found.now, found.notes, is_answered=is_answered))
    else:
        show(*_parts(found))
    if found.error is not None:
        return complain(down_note(found.error))
    return int(strict and any(row.state.is_bad for row in found.rows))


def _parts(found: Status) -> Sequence[RenderableType]:
    return [
        status_table(found.rows, found.now, console().width),
        "",
        summary(found.rows),
        *found.notes,
    ]


def watched(
    read: Callable[[], Status], seconds: float, sleep: Callable[[float], None] = time.sleep
) -> int:
    """Show what each look finds until Ctrl-C; in a pipe, one after the other."""
    screen = console()
    try:
        with Live(console=screen, auto_refresh=False, transient=False) as live:
            while True:
                found = read()
                if screen.is_terminal:
                    live.update(_page(found), refresh=True)
                else:
                    show(*_lines(found))
                sleep(seconds)
    except KeyboardInterrupt:
        return Interrupted.exit_code


def _lines(found: Status) -> Sequence[RenderableType]:
    """The same the other way round: of a table that is too long for a screen its end is cut."""
    error = [] if found.error is None else [without_secrets(down_note(found.error))]
    made = status_table(found.rows, found.now, console().width)
    return [heading(found.now), summary(found.rows), *error, *found.notes, "", made]


def _page(found: Status) -> Group:
    return Group(*(plain(part) if isinstance(part, str) else part for part in _lines(found)))
