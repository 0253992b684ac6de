"""Loads a user's definitions, and looks at what `check` reports of them."""

import time
from collections.abc import Mapping

import click
import dagster as dg

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.cli.check.seen import Loaded, SensorSeen
from dagster_airbyte_sync.cli.finding import (
    NotImported,
    checked,
    code_of,
    imported,
    workspace_named,
)
from dagster_airbyte_sync.cli.mistakes import Mistake, sentence_of
from dagster_airbyte_sync.resources import (
    AirbyteSettingsError,
    BaseAirbyteWorkspace,
    as_workspace,
)

_HOW = "--definitions like my_project.definitions"


def load(named: str) -> tuple[Loaded, dg.Definitions | None]:
    """The definitions that `module` or `module:name` names, timed as a code server loads them."""
    began = time.monotonic()
    try:
        made, repository = _definitions(named)
    except Mistake as error:
        seconds, is_theirs = time.monotonic() - began, isinstance(error, NotImported)
        return Loaded(named, seconds, error=sentence_of(error), is_named_wrong=not is_theirs), None
    seconds = time.monotonic() - began
    held = frozenset(made.resources or {})
    return (
        Loaded(
            named,
            seconds,
            tables=_tables(made),
            keys=frozenset(workspaces_in(made)),
            sensors=[_sensor(each, held) for each in repository.sensor_defs],
        ),
        made,
    )


def workspaces_in(definitions: dg.Definitions) -> Mapping[str, BaseAirbyteWorkspace]:
    """The Airbyte workspaces among the resources, by their keys."""
    found: dict[str, BaseAirbyteWorkspace] = {}
    for key, resource in (definitions.resources or {}).items():
        try:
            found[key] = as_workspace(resource)
        except AirbyteSettingsError:
            continue
    return found


def only_workspace_in(definitions: dg.Definitions | None) -> BaseAirbyteWorkspace:
    """The one workspace among the resources, ready to be used.

    Raises Mistake if there is none or there are several, or its variables are not set.
    """
    found = {} if definitions is None else workspaces_in(definitions)
    if len(found) != 1:
        keys = ", ".join(sorted(found))
        raise Mistake(
            f"The definitions have {len(found) or 'no'} Airbyte workspace{'' if not found else 's'}"
            f" among their resources{f' ({keys})' if keys else ''}: name one with --workspace."
        )
    return checked(next(iter(found.values())))


def loaded_definitions(named: str) -> dg.Definitions:
    """The same without a clock. Raises Mistake that says why they do not load."""
    made, _ = _definitions(named)
    return made


def workspace_of(workspace: str | None, definitions: str | None) -> BaseAirbyteWorkspace:
    """The one that `--workspace` names, or else the only one in the definitions.

    Raises UsageError if neither is given; see `workspace_named` and `only_workspace_in`.
    """
    if workspace is not None:
        return workspace_named(workspace)
    if definitions is None:
        raise click.UsageError("Give --workspace MODULE:NAME, or --definitions MODULE.")
    return only_workspace_in(loaded_definitions(definitions))


def _definitions(named: str) -> tuple[dg.Definitions, dg.RepositoryDefinition]:
    module_name, _, name = named.partition(":")
    made = imported(module_name, _HOW)
    value = made.get(name) if name else _the_definitions(made)
    with code_of(module_name):
        if callable(value) and not isinstance(value, dg.Definitions):
            # A function with @dg.definitions.
            value = value()
        if not isinstance(value, dg.Definitions):
            what = f"no definitions {name!r}" if name else "no Definitions"
            raise Mistake(f"{module_name} has {what} at its top level: give MODULE:NAME")
        return value, value.get_repository_def()


def _the_definitions(made: Mapping[str, object]) -> object:
    """Those called `defs`, or the only ones, as Dagster finds them."""
    lazy = type(dg.definitions(lambda: dg.Definitions()))
    found = [each for each in made.values() if isinstance(each, dg.Definitions | lazy)]
    return made.get("defs") or (found[0] if len(found) == 1 else None)


def _tables(definitions: dg.Definitions) -> int:
    specs = definitions.resolve_all_asset_specs()
    return sum(keys.CONNECTION_ID in each.metadata for each in specs)


def _sensor(sensor: dg.SensorDefinition, held: frozenset[str]) -> SensorSeen:
    required = frozenset(sensor.required_resource_keys)
    return SensorSeen(sensor.name, required, required - held)
