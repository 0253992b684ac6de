"""Which commands there are, and what a call of one comes to."""

import importlib
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import dagster as dg

from dagster_airbyte_sync import __version__
from dagster_airbyte_sync.cli.env_file import load_env_file
from dagster_airbyte_sync.cli.mistakes import (
    PROGRAM,
    Interrupted,
    Mistake,
    complain,
    sentence_of,
)
from dagster_airbyte_sync.cli.tables import print_no_more
from dagster_airbyte_sync.resources import AirbyteError

# Each is imported when it is called, or listed: no command pays for what others need.
COMMANDS = {
    "check": "dagster_airbyte_sync.cli.check.command:check",
    "status": "dagster_airbyte_sync.cli.health.status.command:status",
    "history": "dagster_airbyte_sync.cli.health.history.command:history",
    "report": "dagster_airbyte_sync.cli.health.report.command:report",
    "backfill": "dagster_airbyte_sync.cli.past.backfill:backfill",
    "cursor": "dagster_airbyte_sync.cli.past.cursor:cursor",
    "snapshot": "dagster_airbyte_sync.cli.snapshot:snapshot",
    "take-over": "dagster_airbyte_sync.cli.schedules.take_over:take_over",
    "put-back": "dagster_airbyte_sync.cli.schedules.put_back:put_back",
    "migrate": "dagster_airbyte_sync.cli.migrate.command:migrate",
}

_EXIT_CODES = """
Exit codes: 0 for success, 1 if a problem was found or the command failed, 2 for wrong usage,
130 after Ctrl-C.
"""


class Commands(click.Group):
    """The commands of the table above, in its order."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), name)
        return command if isinstance(command, click.Command) else None


@click.group(
    cls=Commands,
    epilog=_EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name=PROGRAM)
def commands() -> None:
    """Inspect Airbyte's syncs, and what Dagster knows of them.

    Run it in your project's folder, in the same Python environment as Dagster. Environment
    variables that are not set are read from the folder's .env file, if there is one.
    """
    load_env_file(Path.cwd())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a user's mistake is a sentence on stderr."""
    _let_any_letter_be_printed()
    try:
        code: object = commands.main(arguments, prog_name=PROGRAM, standalone_mode=False)
        _flush()
    except click.ClickException as usage:
        usage.show()
        return usage.exit_code
    except (KeyboardInterrupt, click.Abort):
        return complain("Interrupted.", Interrupted.exit_code)
    except BrokenPipeError:
        print_no_more()
        return 1
    except SystemExit as end:
        # Click ends like this if nobody reads the output any more.
        return int(end.code or 0)
    except Mistake as mistake:
        return complain(sentence_of(mistake), mistake.exit_code)
    except (AirbyteError, dg.DagsterError) as error:
        return complain(sentence_of(error))
    return code if isinstance(code, int) else 0


def _let_any_letter_be_printed() -> None:
    """Names in Airbyte have letters that a terminal's encoding may lack."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _flush() -> None:
    # There is none if it was closed before the start.
    if sys.stdout is not None:
        sys.stdout.flush()
