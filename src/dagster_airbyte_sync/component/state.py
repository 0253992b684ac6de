"""The state of a component: a snapshot of the workspace, from which definitions are made."""

import hashlib
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

# Of each of several ids; and of all that a key says of several workspaces.
_LETTERS, _LONGEST = 8, 100

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
        down, f"The component has no state to load from instead. Once it answers: {REFRESH}"
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


def key_of(workspace: BaseAirbyteWorkspace, component: str) -> str:
    """The key of the state: with a variable's name, not its content, as it may not be set later."""
    name = _shown(workspace.named_workspace)
    if isinstance(workspace, AllWorkspaces):
        name = _name_of_several(workspace)
    # An AirbyteResource may have no workspace_id.
    return f"{component}[{name}]" if name else component


def _name_of_several(workspace: AllWorkspaces) -> str:
    """Where they are, and which: their ids, or whose they all are. It becomes a folder's name."""
    address = _shown(getattr(workspace, "rest_api_base_url", None)) or ""
    host = address.partition("://")[2].partition("/api/")[0]
    if workspace.workspace_ids is None:
        users = (getattr(workspace, field, None) for field in ("client_id", "username"))
        which = ["all", *(_short(user) for user in users if user)]
    else:
        which = [_short(each) for each in workspace.workspace_ids]
    name = f"{host or address}/{'+'.join(which)}"
    if len(name) <= _LONGEST:
        return name
    return f"{name[:_LONGEST]}-{hashlib.sha256(name.encode()).hexdigest()[:_LETTERS]}"


def _shown(value: str | None) -> str | None:
    return value.env_var_name if isinstance(value, dg.EnvVar) else value


def _short(value: str) -> str:
    """A variable's name, or the beginning of an id."""
    return value.env_var_name if isinstance(value, dg.EnvVar) else value.strip().lower()[:_LETTERS]
