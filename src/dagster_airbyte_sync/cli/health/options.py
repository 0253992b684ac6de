"""What `status`, `history` and `report` are asked alike."""

from pathlib import Path

import click

from dagster_airbyte_sync.cli.options import (
    Decorated,
    connection_option,
    definitions_option,
    workspace_option,
)

_WHAT_FOR = (
    " They say which assets each connection has; without them, the default asset keys are assumed."
)


def subject_options(command: Decorated) -> Decorated:
    """`workspace`, `definitions`, `patterns` and `no_dagster`."""
    text = "Do not read Dagster's event log."
    command = click.option("--no-dagster", is_flag=True, help=text)(command)
    return workspace_option(definitions_option(_WHAT_FOR)(connection_option(command)))


def taken_over_option(command: Decorated) -> Decorated:
    """`--taken-over`, which becomes the argument `taken_over`, a Path."""
    return click.option(
        "--taken-over",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="The file written by take-over, to judge lateness by its schedules.",
    )(command)
