"""The fields of an AirbyteResource, as those of an AirbyteWorkspace. Pure."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import dagster as dg

from dagster_airbyte_sync.resources import AirbyteSettingsError

# Fields that both have, with one meaning.
_KEPT = (
    *("workspace_id", "username", "password", "client_id", "client_secret"),
    *("request_max_retries", "request_retry_delay", "request_timeout", "max_items_per_page"),
    *("poll_interval", "poll_timeout", "cancel_on_termination", "on_active_sync"),
    *("poll_previous_running_sync", "request_headers", "proxies", "catalog_ttl", "verify"),
)
# What was said to `requests`, and the field that says it now.
_OF_REQUESTS = {
    "headers": "request_headers",
    "proxies": "proxies",
    "verify": "verify",
    "timeout": "request_timeout",
    "auth": "username and password",
}
# Dagster does not export the type of `EnvVar.int(...)`.
_VARIABLES = (dg.EnvVar, type(dg.EnvVar.int("ANY")))


def new_settings(given: Mapping[str, object]) -> dict[str, object]:
    """The arguments of the AirbyteWorkspace that is meant by these fields.

    An address with an EnvVar in it stays unread, as an EnvVar. Raises AirbyteSettingsError for
    what cannot be said any more.
    """
    kept = {name: given[name] for name in _KEPT if name in given}
    return {
        "rest_api_base_url": _address(given, "/api/public/v1", "AIRBYTE_REST_API_BASE_URL"),
        "configuration_api_base_url": _address(
            given, "/api/v1", "AIRBYTE_CONFIGURATION_API_BASE_URL"
        ),
        **kept,
        **_said_to_requests(given.get("request_additional_params")),
    }


def _address(given: Mapping[str, object], path: str, variable: str) -> object:
    if any(isinstance(given[part], dg.EnvVar) for part in ("host", "port")):
        return dg.EnvVar(variable)
    return address_of(given, path)


def address_of(given: Mapping[str, object], path: str) -> str:
    """The address, with the names of variables in place of what is not read yet."""
    scheme = "https" if given.get("use_https") else "http"
    host, port = (_as_text(given[part]) for part in ("host", "port"))
    return f"{scheme}://{host}{':' if port else ''}{port}{path}"


def _as_text(value: object) -> str:
    return f"<{value.env_var_name}>" if isinstance(value, dg.EnvVar) else str(value)


def _said_to_requests(params: object) -> dict[str, object]:
    given = params.items() if isinstance(params, Mapping) else ()
    said = {name: value for name, value in given if value is not None}
    unknown = sorted(said.keys() - _OF_REQUESTS.keys())
    if unknown:
        raise AirbyteSettingsError(
            f"request_additional_params has {' and '.join(map(repr, unknown))}, which cannot be"
            f" said any more. What can: {', '.join(_OF_REQUESTS)}."
        )
    user = _user_and_password(said.pop("auth")) if "auth" in said else {}
    for name, value in said.items():
        _CHECKS[name](value)
    return {**{_OF_REQUESTS[name]: value for name, value in said.items()}, **user}


def _user_and_password(auth: object) -> dict[str, object]:
    if not isinstance(auth, Sequence) or isinstance(auth, str) or len(auth) != 2:
        raise AirbyteSettingsError(
            "request_additional_params has an 'auth' that is no pair of user and password: set"
            " username and password, or client_id and client_secret, instead."
        )
    _check_is_read("auth", *auth)
    return {"username": auth[0], "password": auth[1]}


def _check_timeout(value: object) -> None:
    _check_is_read("timeout", value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise AirbyteSettingsError(
            "request_additional_params has a 'timeout' that is no number of seconds: set"
            " request_timeout, one number for connecting and for each wait, instead."
        )


def _check_verify(value: object) -> None:
    _check_is_read("verify", value)
    if not isinstance(value, bool | str):
        raise AirbyteSettingsError(
            "request_additional_params has a 'verify' that is neither true or false nor the path of"
            " a CA file: set verify instead."
        )


def _check_texts(name: str, value: object) -> None:
    texts = value if isinstance(value, Mapping) else {"": None}
    _check_is_read(name, *texts.values())
    if not all(isinstance(text, str) for text in (*texts, *texts.values())):
        raise AirbyteSettingsError(
            f"request_additional_params has {name!r} that are not texts by their names: set"
            f" {_OF_REQUESTS[name]} instead."
        )


def _check_is_read(name: str, *values: object) -> None:
    """Dagster reads no variable that lies so deep in a resource."""
    if any(isinstance(value, _VARIABLES) for value in values):
        raise AirbyteSettingsError(
            f"request_additional_params has an EnvVar in {name!r}, where Dagster does not read it:"
            f" give it to {_OF_REQUESTS[name]} instead."
        )


_CHECKS: Mapping[str, Callable[[object], None]] = {
    "headers": partial(_check_texts, "headers"),
    "proxies": partial(_check_texts, "proxies"),
    "verify": _check_verify,
    "timeout": _check_timeout,
}
