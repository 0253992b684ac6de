"""The fields of an AirbyteResource, as those of an AirbyteWorkspace. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import dagster as dg

from dagster_airbyte_sync.resources import AirbyteSettingsError
from dagster_airbyte_sync.workspace import AirbyteWorkspace

# Dagster does not export the type of `EnvVar.int(...)`.
_VARIABLES = (dg.EnvVar, type(dg.EnvVar.int("ANY")))


class _Parameter(NamedTuple):
    """One argument of `requests`: the fields that replace it, and what it must be."""

    fields: str
    kind: str
    fits: Callable[[object], bool]


def _are_texts(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(text, str) for text in (*value.keys(), *value.values())
    )


_PARAMETERS = {
    "headers": _Parameter("request_headers", "a mapping of texts", _are_texts),
    "proxies": _Parameter("proxies", "a mapping of texts", _are_texts),
    "verify": _Parameter(
        "verify",
        "true, false or the path of a CA file",
        lambda value: isinstance(value, bool | str),
    ),
    "timeout": _Parameter(
        "request_timeout", "one number, in seconds", lambda value: type(value) in (int, float)
    ),
    "auth": _Parameter(
        "username and password",
        "a pair of user and password",
        lambda value: isinstance(value, list | tuple) and len(value) == 2,
    ),
}


def new_settings(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the AirbyteWorkspace that these fields describe.

    Raises AirbyteSettingsError for what an AirbyteWorkspace has no field for.
    """
    port = f":{fields['port']}" if fields["port"] else ""
    server = f"{'https' if fields['use_https'] else 'http'}://{fields['host']}{port}"
    return {
        **{name: fields[name] for name in AirbyteWorkspace.model_fields if name in fields},
        "rest_api_base_url": f"{server}/api/public/v1",
        "configuration_api_base_url": f"{server}/api/v1",
        **settings_for_requests(fields["request_additional_params"]),
    }


def settings_for_requests(params: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of an AirbyteWorkspace for those of `requests`; None counts as not given."""
    given = {name: value for name, value in params.items() if value is not None}
    unknown = sorted(given.keys() - _PARAMETERS.keys())
    if unknown:
        raise AirbyteSettingsError(
            f"request_additional_params has {' and '.join(map(repr, unknown))}, which an"
            f" AirbyteWorkspace has no field for. It has one for {', '.join(_PARAMETERS)}."
        )
    for name, value in given.items():
        _check(name, value)
    user = dict(zip(("username", "password"), given.pop("auth", ()), strict=False))
    return {**{_PARAMETERS[name].fields: value for name, value in given.items()}, **user}


def _check(name: str, value: Any) -> None:
    parameter = _PARAMETERS[name]
    parts = tuple(value.values()) if isinstance(value, Mapping) else value
    parts = parts if isinstance(parts, list | tuple) else [parts]
    if any(isinstance(part, _VARIABLES) for part in parts):
        raise AirbyteSettingsError(
            f"request_additional_params has an EnvVar in {name!r}, where Dagster does not read it:"
            f" give it to {parameter.fields} instead."
        )
    if not parameter.fits(value):
        raise AirbyteSettingsError(
            f"{name!r} of request_additional_params is not {parameter.kind}: set {parameter.fields}"
            " instead."
        )
