"""A user's mistake in one or two sentences, without secrets and without a stack trace."""

import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import dagster as dg

from dagster_airbyte_sync.cli.tables import listed
from dagster_airbyte_sync.resources import Redactor

PROGRAM = "dagster-airbyte-sync"

_LONGEST = 800
_UNSET = re.compile(r'environment variable "(\w+)" which is not set')
# Dagster puts the frames of what it has caught into its own text.
_FRAMES = "Stack Trace:"
_SECRET_NAMES = re.compile("SECRET|PASSWORD|PASSWD|TOKEN|API_?KEY|CREDENTIAL", re.IGNORECASE)

_PLACES = re.compile("(URL|URI|FILE|PATH|DIR|GOOGLE_APPLICATION_CREDENTIALS)$", re.IGNORECASE)


class Mistake(Exception):
    """Raised for what a user can mend: the text says what is wrong, and what to do."""

    exit_code = 1


class Interrupted(Mistake):
    """Raised after a Ctrl-C, where there is something to say of what was done until then."""

    # As shells have it: 128, and the number of the signal.
    exit_code = 130


def complain(sentence: str, exit_code: int = Mistake.exit_code) -> int:
    """Say on stderr why the command failed; returns the exit code for that."""
    print(f"{PROGRAM}: {without_secrets(sentence)}", file=sys.stderr)
    return exit_code


def unreadable(error: Exception) -> str:
    """Why what was reported is not known; what is in secret variables is not in it."""
    said = without_secrets(sentence_of(error))
    return f"Dagster's event log cannot be read: {type(error).__name__}: {said}"


def sentence_of(error: BaseException) -> str:
    """What an error says, on one line; of Dagster's errors without the frames in their texts."""
    text = str(error)
    if isinstance(error, dg.DagsterError):
        unset = list(dict.fromkeys(_UNSET.findall(text)))
        text = unset_variables(unset) if unset else text.partition(_FRAMES)[0]
    words = " ".join(text.split())
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 3]}..."


def unset_variables(names: Iterable[str]) -> str:
    """The sentence for environment variables that are not set."""
    unset = sorted(names)
    one = len(unset) == 1
    return (
        f"The environment variable{'' if one else 's'} {listed(unset)}"
        f" {'is' if one else 'are'} not set: set {'it' if one else 'them'} where this runs, as"
        " where Dagster runs."
    )


@contextmanager
def quietly() -> Iterator[None]:
    """What the package would log of a server, the command itself says."""
    log = logging.getLogger("dagster_airbyte_sync")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


def without_secrets(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """The text without the content of variables that are secrets by their names.

    An error of the user's own module may quote anything.
    """
    secrets = (value for name, value in environ.items() if _is_secret(name))
    return Redactor(secrets).hidden(text)


def _is_secret(name: str) -> bool:
    # Addresses and files are worth reading, and are no secrets.
    return bool(_SECRET_NAMES.search(name)) and not _PLACES.search(name)
