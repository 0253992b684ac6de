"""The question before anything is changed."""

import sys

import click


def may_go_on(question: str, *, yes: bool) -> bool:
    """Whether the user says so, or has said so with `--yes`.

    Raises UsageError if there is nobody to ask.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise click.UsageError(
            "There is no terminal to ask in, and nothing was changed: look with --dry-run, then"
            " give --yes."
        )
    # On stderr, so that output can be piped and the question is still seen.
    return click.confirm(question, err=True)
