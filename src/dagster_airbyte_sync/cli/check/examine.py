"""Everything that `check` says of one workspace."""

import dagster as dg

from dagster_airbyte_sync.cli.check.causes import settings_problem
from dagster_airbyte_sync.cli.check.gather import look_at
from dagster_airbyte_sync.cli.check.lines import lines_of
from dagster_airbyte_sync.cli.check.seen import Line
from dagster_airbyte_sync.resources import AirbyteSettingsError, BaseAirbyteWorkspace


def examine(workspace: BaseAirbyteWorkspace) -> list[Line]:
    """The lines of a workspace whose variables are set."""
    try:
        return lines_of(look_at(workspace))
    except AirbyteSettingsError as error:
        rest, own = _value(workspace, "rest_api"), _value(workspace, "configuration_api")
        return [settings_problem(rest, own, error)]


def _value(workspace: BaseAirbyteWorkspace, api: str) -> str:
    """The base URL that the settings have, without a slash at its end."""
    value = getattr(workspace, f"{api}_base_url", "")
    read = value.get_value() if isinstance(value, dg.EnvVar) else value
    return str(read or "").strip().rstrip("/")
