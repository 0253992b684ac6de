"""Settings that come from environment variables, as Dagster's EnvVars stand for them."""

from collections.abc import Mapping
from typing import get_args

import dagster as dg
from pydantic.fields import FieldInfo

from dagster_airbyte_sync.resources.errors import AirbyteSettingsError

# Dagster does not export the type of `EnvVar.int(...)`.
_VARIABLES = (dg.EnvVar, type(dg.EnvVar.int("ANY")))


def read_now(fields: Mapping[str, FieldInfo], name: str, value: object) -> object:
    """The content of a variable for a number or a switch; all other values as they are."""
    field = fields.get(name)
    takes_text = field is None or str in (field.annotation, *get_args(field.annotation))
    if takes_text or not isinstance(value, dg.EnvVar):
        return value
    held = value.get_value()
    if held is None:
        raise AirbyteSettingsError(
            f"{name} comes from the environment variable {value.env_var_name}, which is not set."
        )
    return held


def as_read(value: object) -> object:
    """The value of a field, with the content of variables; None if one of them has none."""
    if isinstance(value, Mapping):
        read = {key: as_read(each) for key, each in value.items()}
        return None if None in read.values() else read
    if isinstance(value, list):
        every = [as_read(each) for each in value]
        return None if None in every else every
    if isinstance(value, dg.EnvVar):
        return value.get_value()
    return None if isinstance(value, _VARIABLES) else value


def is_unread(value: object) -> bool:
    values = value.values() if isinstance(value, Mapping) else (value,)
    if isinstance(value, list):
        values = tuple(value)
    return any(isinstance(one, _VARIABLES) for one in values)
