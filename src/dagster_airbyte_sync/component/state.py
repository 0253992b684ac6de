"""The state of a component: a snapshot of the workspace, from which definitions are made."""

import logging
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync.assets import ConnectionSelector, accepts
from dagster_airbyte_sync.component.selector import Chosen
from dagster_airbyte_sync.resources import (
    AirbyteSettingsError,
    AirbyteUnavailable,
    AllWorkspaces,
    BaseAirbyteWorkspace,
    Catalog,
    NotLoaded,
    load_catalog,
    write_snapshot_file,
)

REFRESH = "Run `dg utils refresh-defs-state`, in the build of your image or by hand."

# Of each of several ids.
_LETTERS = 8

log = logging.getLogger("dagster_airbyte_sync")


class NoState(AirbyteSettingsError):
    """Raised if a component was never refreshed: without a state it would have no assets."""


def write_state(workspace: BaseAirbyteWorkspace, path: Path) -> None:
    """Ask Airbyte and write a new state; if that fails, the old one stays.

    Raises PoorerCatalog rather than lose columns or namespaces, on which keys may depend.
    """
    with workspace.resolved() as ready:
        catalog = ready.get_client().described_catalog(fresh=True)
    write_snapshot_file(catalog, path, to_force="delete that file first to do without them")


def read_state(workspace: BaseAirbyteWorkspace, path: Path | None, key: str) -> Catalog:
    """What Airbyte had at the last refresh; AirbyteSettingsError if that cannot be used."""
    if path is None:
        raise NoState(
            f"The component {key} has no state yet, so it does not know which connections and"
            f" tables there are. {REFRESH}"
        )
    try:
        return load_catalog(workspace, path)
    except AirbyteSettingsError as reason:
        raise AirbyteSettingsError(
            f"The state of the component {key} cannot be used. {REFRESH} ({reason})"
        ) from None


def without_state(down: AirbyteUnavailable) -> NotLoaded:
    """The error for an Airbyte that gives no answer to a component that was never refreshed."""
    return NotLoaded.because_of(
        down, f"The component has no state to load from in its place. Once it answers: {REFRESH}"
    )


def check_selected(catalog: Catalog, selector: ConnectionSelector | None) -> None:
    """Raise AirbyteSettingsError if nothing is selected; warn of what selects no connection."""
    connections = catalog.connections.values()
    # A workspace that is new has none yet, and loads.
    if selector is None or not connections:
        return
    if not any(accepts(selector, each) for each in connections):
        names = ", ".join(sorted(repr(each.name) for each in connections))
        raise AirbyteSettingsError(
            f"connection_selector selects no connection ({selector}). Those of the workspace, as"
            f" of {catalog.read_at:%Y-%m-%d %H:%M} UTC: {names}. For newer ones:"
            " `dg utils refresh-defs-state`."
        )
    if isinstance(selector, Chosen) and (missing := selector.without_connection(connections)):
        log.warning(
            "connection_selector.%s: there is no connection for %s in the state of %s UTC",
            selector.how,
            ", ".join(missing),
            f"{catalog.read_at:%Y-%m-%d %H:%M}",
        )


def _shown(value: str | None) -> str | None:
    return value.env_var_name if isinstance(value, dg.EnvVar) else value


def key_of(workspace: BaseAirbyteWorkspace, component: str) -> str:
    """The key of the state: with a variable's name, not its content, as it may not be set later."""
    name = _shown(workspace.named_workspace)
    if isinstance(workspace, AllWorkspaces):
        ids = workspace.workspace_ids
        name = "all" if ids is None else "+".join(str(_shown(each))[:_LETTERS] for each in ids)
    # An AirbyteResource may have no workspace_id.
    return f"{component}[{name}]" if name else component
