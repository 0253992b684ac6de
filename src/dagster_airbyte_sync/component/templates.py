"""Template variables in attributes: `{{ env.X }}` and those that a project defines."""

import re

import dagster as dg

_VARIABLE = re.compile(r"\s*\{\{\s*env\.(\w+)\s*\}\}\s*")


def rendered(context: dg.ResolutionContext, value: object) -> object:
    """The value with its templates filled in; text without one stays as it is written.

    Dagster itself would make a number of an id or a password that looks like one.
    """
    if isinstance(value, dict):
        return {key: rendered(context.at_path(key), one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [rendered(context.at_path(place), one) for place, one in enumerate(value)]
    if isinstance(value, str) and ("{{" in value or "{%" in value):
        return context.resolve_value(value, as_type=object)
    return value


def rendered_later(context: dg.ResolutionContext, value: object) -> object:
    """The same, but plain `{{ env.X }}` becomes a `dg.EnvVar`, which is read when it is needed.

    So definitions load where the variable is not set, and Dagster's UI shows its name instead of
    the secret in it.
    """
    if isinstance(value, dict):
        return {key: rendered_later(context.at_path(key), one) for key, one in value.items()}
    variable = _VARIABLE.fullmatch(value) if isinstance(value, str) else None
    return dg.EnvVar(variable[1]) if variable else rendered(context, value)
