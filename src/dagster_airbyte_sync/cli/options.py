"""Options that several commands have, in the same words."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from dagster_airbyte_sync.cli.finding import EXAMPLE
from dagster_airbyte_sync.cli.times import when

Decorated = TypeVar("Decorated", bound=Callable[..., object])


def workspace_option(command: Decorated) -> Decorated:
    """`--workspace`, which becomes the argument `workspace`, a text or None."""
    return click.option(
        "--workspace",
        metavar="MODULE:NAME",
        help=f"The AirbyteWorkspace in your code, for example {EXAMPLE}.",
    )(command)


def definitions_option(
    what_for: str = "", *, required: bool = False
) -> Callable[[Decorated], Decorated]:
    """`--definitions`, which becomes the argument `definitions`, a text or None."""
    return click.option(
        "--definitions",
        required=required,
        metavar="MODULE[:NAME]",
        help=f"Your Dagster definitions, for example {EXAMPLE.partition(':')[0]}.{what_for}",
    )


def workspace_options(command: Decorated) -> Decorated:
    """`--workspace` and `--definitions`, of which one says what Airbyte a command is about."""
    definitions = definitions_option(" Their workspace is used if --workspace is not given.")
    return workspace_option(definitions(command))


def connection_option(command: Decorated) -> Decorated:
    """`--connection`, which becomes the argument `patterns`, texts."""
    return click.option(
        "--connection",
        "patterns",
        multiple=True,
        metavar="NAME",
        help="Only connections with this name or ID; * matches any text. Can be repeated.",
    )(command)


def since_option(usual: str | None = None) -> Callable[[Decorated], Decorated]:
    """`--since`, which becomes the argument `since`, a When; required without a usual one."""
    text = (
        "Only syncs that ended at this time or later: 12h, 7d or 2w (ago), 2026-11-01, or"
        " 2026-11-01T10:00 (UTC unless a zone is given)."
    )
    if usual is None:
        # Some versions of click take any default, also None, for a value that was given.
        return click.option("--since", type=when, required=True, metavar="TIME", help=text)
    return click.option(
        "--since", type=when, default=usual, show_default=True, metavar="TIME", help=text
    )


def until_option(command: Decorated) -> Decorated:
    """`--until`, which becomes the argument `until`, a When or None."""
    text = "Only syncs that ended before this time, written as in --since.  [default: now]"
    return click.option("--until", type=when, metavar="TIME", help=text)(command)


def json_option(command: Decorated) -> Decorated:
    """`--json`, which becomes the argument `as_json`."""
    text = "Print JSON: times in ISO 8601 with a zone, durations in seconds, null if unknown."
    return click.option("--json", "as_json", is_flag=True, help=text)(command)


def dry_run_option(command: Decorated) -> Decorated:
    """`--dry-run`, which becomes the argument `dry_run`."""
    text = "Show what would change, and change nothing."
    return click.option("--dry-run", is_flag=True, help=text)(command)


def yes_option(command: Decorated) -> Decorated:
    """`--yes`, which becomes the argument `yes`."""
    return click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")(command)


def file_option(name: str, help: str) -> Callable[[Decorated], Decorated]:
    """An option for a file that need not be there, as a Path."""
    kind = click.Path(dir_okay=False, path_type=Path)
    return click.option(name, required=True, metavar="FILE", type=kind, help=help)
