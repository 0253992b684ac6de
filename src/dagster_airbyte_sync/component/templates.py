"""Template variables in attributes: those of the environment and those that a project defines."""

import re
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

import dagster as dg

from dagster_airbyte_sync.resources import AirbyteSettingsError

Written = TypeVar("Written")
Meant = TypeVar("Meant")

# Dagster's {{ env.X }} and {{ env('X') }}. One with a default cannot become an EnvVar.
_VARIABLE = re.compile(
    r"""\s*\{\{-?\s*env(?:\.(?P<dotted>\w+)|\(\s*(['"])(?P<quoted>\w+)\2\s*\))\s*-?\}\}\s*"""
)


class Attributes(dg.Model):
    """What Dagster calls the place of a mistake in its text."""


def in_one_sentence(
    resolve: Callable[[dg.ResolutionContext, Written], Meant],
) -> Callable[[dg.ResolutionContext, Written], Meant]:
    """A resolver whose mistakes are shown with their place in the YAML, and not with a traceback,
    which Dagster puts into the text of any error but its own."""

    @wraps(resolve)
    def resolved(context: dg.ResolutionContext, written: Written) -> Meant:
        try:
            return resolve(context, written)
        except AirbyteSettingsError as mistake:
            place = str(context.path[-1]) if context.path else ""
            error = context.build_resolve_fn_exc([f"{mistake}\n"], place, Attributes())
        raise error

    return resolved


def rendered(context: dg.ResolutionContext, value: object) -> object:
    """The value with its templates filled in; text without a template stays as it is.

    Dagster itself would turn an id or a password that looks like a number into one.
    """
    if isinstance(value, dict):
        return {key: rendered(context.at_path(key), one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [rendered(context.at_path(place), one) for place, one in enumerate(value)]
    if isinstance(value, str) and ("{{" in value or "{%" in value):
        return context.resolve_value(value, as_type=object)
    return value


def rendered_later(context: dg.ResolutionContext, value: object) -> object:
    """The same, but a variable alone becomes a `dg.EnvVar`, which is read when it is needed.

    So definitions load where the variable is not set, and Dagster's UI shows its name, not the
    secret in it.
    """
    if isinstance(value, dict):
        return {key: rendered_later(context.at_path(key), one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [rendered_later(context.at_path(place), one) for place, one in enumerate(value)]
    variable = _VARIABLE.fullmatch(value) if isinstance(value, str) else None
    if variable is None:
        return rendered(context, value)
    return dg.EnvVar(variable["dotted"] or variable["quoted"])


def shown_secrets(template: object, value: object) -> bool:
    """Whether a template was filled in with plain text, which Dagster's UI would show."""
    if isinstance(value, dict):
        parts = template if isinstance(template, dict) else {}
        return any(shown_secrets(parts.get(name), one) for name, one in value.items())
    return template != value and type(value) is str


def is_template(value: str) -> bool:
    """Whether it is one template and nothing else."""
    return value.strip().startswith("{{") and value.strip().endswith("}}")
