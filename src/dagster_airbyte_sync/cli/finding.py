"""Finds the workspace and the definitions that a user names as `module:name`."""

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import TracebackType

import click
import dagster as dg

from dagster_airbyte_sync.cli.mistakes import Mistake, sentence_of, unset_variables
from dagster_airbyte_sync.resources import AirbyteError, BaseAirbyteWorkspace, as_workspace

EXAMPLE = "my_project.definitions:airbyte"


class NotImported(Mistake):
    """Raised if the user's module raises; `made` is what it had made until then."""

    def __init__(self, text: str, made: Mapping[str, object]) -> None:
        super().__init__(text)
        self.made = made


def workspace_named(named: str) -> BaseAirbyteWorkspace:
    """The workspace that `module:name` names, ours or dagster-airbyte's, and ready to be used.

    Raises Mistake if there is none, or no such module, or its variables are not set, UsageError if
    it is written otherwise, and AirbyteSettingsError if it is something else.
    """
    module_name, _, name = named.partition(":")
    if not (module_name and name.isidentifier()):
        raise click.UsageError(f"--workspace must be a module and a name, for example {EXAMPLE}")
    return workspace_in(imported(module_name), named)


def workspace_in(made: Mapping[str, object], named: str) -> BaseAirbyteWorkspace:
    """The workspace of that name among what a module has made; see `workspace_named`."""
    module_name, _, name = named.partition(":")
    if name not in made:
        there = [each for each in made if isinstance(made[each], BaseAirbyteWorkspace)]
        raise Mistake(f"{module_name} has no {name!r}: {_instead(module_name, name, there)}.")
    if isinstance(made[name], dg.Definitions):
        raise Mistake(f"{named} is a Definitions: give --definitions {module_name} instead.")
    return checked(as_workspace(made[name], named))


def _instead(module_name: str, name: str, there: Sequence[str]) -> str:
    if not there:
        return f"write {name} = AirbyteWorkspace(...) at the top level of that module"
    if len(there) == 1:
        return f"give --workspace {module_name}:{there[0]}"
    return f"give one of its workspaces, which are {', '.join(there)}"


def checked(workspace: BaseAirbyteWorkspace) -> BaseAirbyteWorkspace:
    """The workspace. Raises Mistake that names all its variables that are not set."""
    values = [getattr(workspace, name) for name in type(workspace).model_fields]
    variables = [value for value in values if isinstance(value, dg.EnvVar)]
    unset = [each.env_var_name for each in variables if each.get_value() is None]
    if unset:
        raise Mistake(unset_variables(set(unset)))
    return workspace


def imported(module_name: str, option: str = f"--workspace like {EXAMPLE}") -> Mapping[str, object]:
    """What a module has made at its outermost level; `option` is how to name one rightly.

    Raises Mistake if there is no such module, NotImported if it raises, and UsageError if no module
    can have that name.
    """
    if not all(part.isidentifier() for part in module_name.split(".")):
        raise click.UsageError(
            f"{module_name!r} is not the name of a module: for my_project/definitions.py, write"
            f" {EXAMPLE.partition(':')[0]}"
        )
    if module_name.endswith(".py"):
        right = module_name.removesuffix(".py")
        raise click.UsageError(f"{module_name!r} is a file: leave out .py, and write {right}")
    # As `python -m` does; for a script, Python puts the script's folder there.
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    with code_of(module_name, f'python -c "import {module_name}"'):
        try:
            return vars(importlib.import_module(module_name))
        except ModuleNotFoundError as error:
            if _is_of(error, module_name):
                raise Mistake(_no_module(error, option)) from None
            raise


@contextmanager
def code_of(module_name: str, shows_all: str = "") -> Iterator[None]:
    """Runs code of a user's module; `shows_all` is a command that shows all of what it raises.

    What it prints goes to stderr, as it must not get among the lines, or the JSON, of a command.
    Raises NotImported if it raises.
    """
    with redirect_stdout(sys.stderr):
        try:
            yield
        except Mistake:
            raise
        except (Exception, SystemExit) as error:
            raise _not_imported(module_name, shows_all, error) from None


def _is_of(error: BaseException, module_name: str) -> bool:
    """Whether it is the named module, or a package it is in, that is not there."""
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    return missing is not None and f"{module_name}.".startswith(f"{missing}.")


def _no_module(error: BaseException, option: str) -> str:
    missing = error.name if isinstance(error, ModuleNotFoundError) else ""
    return (
        f"There is no module {missing!r}: run this in your project's folder, in the Python"
        f" environment where it is installed, with {option}"
    )


def _not_imported(module_name: str, shows_all: str, error: BaseException) -> NotImported:
    is_plain = isinstance(error, AirbyteError | dg.DagsterError)
    kind = "" if is_plain else f"{type(error).__name__}: "
    text = f"{module_name} could not be imported{_where(module_name, error)}. {kind}"
    hint = "" if is_plain or not shows_all else f" ({shows_all} shows all of it.)"
    return NotImported(f"{text}{sentence_of(error)}{hint}", _made_until(module_name, error))


def _where(module_name: str, error: BaseException) -> str:
    """The last line of the user's own that ran."""
    top = module_name.partition(".")[0]
    last = _last_frame(error, lambda name: name.partition(".")[0] == top)
    if last is None:
        return ""
    return f" ({Path(last.tb_frame.f_code.co_filename).name}, line {last.tb_lineno})"


def _made_until(module_name: str, error: BaseException) -> Mapping[str, object]:
    last = _last_frame(error, lambda name: name == module_name)
    return {} if last is None else dict(last.tb_frame.f_globals)


def _last_frame(error: BaseException, wanted: Callable[[str], bool]) -> TracebackType | None:
    found, each = None, error.__traceback__
    while each is not None:
        if wanted(str(each.tb_frame.f_globals.get("__name__"))):
            found = each
        each = each.tb_next
    return found
