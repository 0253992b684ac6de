"""`report`: how reliable each connection was, for a review."""

from collections.abc import Sequence
from pathlib import Path

import click

from dagster_airbyte_sync.cli.health.event_log import event_log
from dagster_airbyte_sync.cli.health.notes import down_note
from dagster_airbyte_sync.cli.health.options import subject_options, taken_over_option
from dagster_airbyte_sync.cli.health.past import Past, read_past
from dagster_airbyte_sync.cli.health.report.statistics import left_out_of, reports_of
from dagster_airbyte_sync.cli.health.report.view import (
    markdown,
    report_json,
    report_lines,
    report_table,
)
from dagster_airbyte_sync.cli.health.subject import subject_of
from dagster_airbyte_sync.cli.mistakes import complain
from dagster_airbyte_sync.cli.options import json_option, since_option, until_option
from dagster_airbyte_sync.cli.tables import console, show, show_json
from dagster_airbyte_sync.cli.times import When


@click.command(short_help="Summarize reliability: success rate, duration, lateness and gaps.")
@subject_options
@taken_over_option
@since_option("30d")
@until_option
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown.")
@json_option
def report(
    workspace: str | None,
    definitions: str | None,
    patterns: Sequence[str],
    no_dagster: bool,
    taken_over: Path | None,
    since: When,
    until: When | None,
    as_markdown: bool,
    as_json: bool,
) -> int:
    """Summarize how reliable each connection was: success rate, duration, lateness and gaps.

    The worst first. "success" is the share of syncs that succeeded, not counting cancelled ones;
    "p95" is the time within which 19 of 20 successful syncs finished; "late" is how often two
    successes were further apart than the current schedule allows; "gap" is the longest time between
    two successes. Wider terminals, --markdown and --json add p50, rows, time in the queue, and how
    many syncs are missing from Dagster's event log. Clears and syncs of deleted connections are
    left out, and a line says how many; history has them. If Airbyte does not answer, summarizes the
    syncs reported to Dagster. Changes nothing.

    Exit code: 0 even if syncs failed; 1 if Airbyte does not answer.
    """
    if as_json and as_markdown:
        raise click.UsageError("Give --json or --markdown, not both.")
    with (
        subject_of(workspace, definitions, taken_over) as subject,
        event_log(wanted=not no_dagster) as events,
    ):
        past = read_past(subject, events, patterns, since, until)
    _show(past, as_json=as_json, as_markdown=as_markdown)
    return 0 if past.error is None else complain(down_note(past.error))


def _show(past: Past, *, as_json: bool, as_markdown: bool) -> None:
    reports = reports_of(past.rows, past.connections, past.since, past.until)
    left_out = left_out_of(past.rows, past.connections)
    if as_json:
        is_answered = past.error is None
        times = past.since, past.until
        show_json(report_json(reports, left_out, *times, past.notes, is_answered=is_answered))
    elif as_markdown:
        # Not through a table, which would break its lines.
        click.echo(markdown(reports, left_out, past.since, past.until, past.notes))
    else:
        lines = report_lines(reports, left_out, past.since, past.until)
        show(report_table(reports, console().width), "", *lines, *past.notes)
