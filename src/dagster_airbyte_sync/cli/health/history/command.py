"""`history`: the syncs of a time, the newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import click

from dagster_airbyte_sync.assets.events.job_details import started_by
from dagster_airbyte_sync.cli.health.event_log import event_log
from dagster_airbyte_sync.cli.health.history.rows import DAGSTER, HistoryRow, totals
from dagster_airbyte_sync.cli.health.history.view import (
    history_json,
    history_table,
    totals_lines,
)
from dagster_airbyte_sync.cli.health.notes import down_note
from dagster_airbyte_sync.cli.health.options import subject_options
from dagster_airbyte_sync.cli.health.past import Past, read_past
from dagster_airbyte_sync.cli.health.subject import subject_of
from dagster_airbyte_sync.cli.mistakes import complain
from dagster_airbyte_sync.cli.options import json_option, since_option, until_option
from dagster_airbyte_sync.cli.tables import console, show, show_json
from dagster_airbyte_sync.cli.times import When
from dagster_airbyte_sync.resources import AirbyteClient, Connection


@click.command(short_help="List past syncs: how they ended, what they moved, who started them.")
@subject_options
@since_option("7d")
@until_option
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    default=50,
    show_default=True,
    help="Show only this many syncs, the newest. Totals include all.",
)
@click.option(
    "--who",
    is_flag=True,
    help="Ask Airbyte who started each sync shown, with one request each.",
)
@json_option
def history(
    workspace: str | None,
    definitions: str | None,
    patterns: Sequence[str],
    no_dagster: bool,
    since: When,
    until: When | None,
    limit: int,
    who: bool,
    as_json: bool,
) -> int:
    """List past syncs: how they ended, what they moved, who started them.

    The newest first, with totals, including refreshes and clears. Who started a sync is read from
    its event in Dagster, or from Airbyte with --who; narrow terminals show it only with --who.
    "reported" is unknown where the event log is not read that far back, or names no job. If Airbyte
    does not answer, shows what was reported to Dagster. Changes nothing.

    Exit code: 0 even if syncs failed; 1 if Airbyte does not answer.
    """
    with (
        subject_of(workspace, definitions) as subject,
        event_log(wanted=not no_dagster) as events,
    ):
        past = read_past(subject, events, patterns, since, until)
        shown = list(reversed(past.rows))[:limit]
        if who and past.error is None:
            shown = [_with_starter(subject.client, row, past.connections) for row in shown]
    _show(past, shown, who=who, as_json=as_json)
    return 0 if past.error is None else complain(down_note(past.error))


def _show(past: Past, shown: Sequence[HistoryRow], *, who: bool, as_json: bool) -> None:
    all_of_them = totals(past.rows)
    if as_json:
        is_answered = past.error is None
        times = past.since, past.until
        show_json(history_json(shown, all_of_them, *times, past.notes, is_answered=is_answered))
        return
    if shown:
        show(history_table(shown, console().width, who=who), "")
    show(*totals_lines(len(shown), all_of_them), *past.notes)


def _with_starter(
    client: AirbyteClient, row: HistoryRow, connections: Mapping[str, Connection]
) -> HistoryRow:
    if row.started_by == DAGSTER:
        # For Airbyte, Dagster is one of its users.
        return row
    connection = connections.get(row.job.connection_id)
    schedule = connection.schedule if connection else None
    words = started_by(client.who_started(row.job), schedule)
    return replace(row, started_by=words or row.started_by)
