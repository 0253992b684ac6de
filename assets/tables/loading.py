"""The tables of a workspace, from Airbyte or from a snapshot."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.freshness import with_freshness
from dagster_airbyte_sync.assets.tables.new_tables import KnownStreams
from dagster_airbyte_sync.assets.tables.table import (
    ConnectionSelector,
    Table,
    accepts,
    only_active,
    selected_tables,
)
from dagster_airbyte_sync.assets.tables.translator import (
    DEFAULT_TRANSLATOR,
    DagsterAirbyteTranslator,
    calling,
)
from dagster_airbyte_sync.resources import (
    AirbyteSettingsError,
    BaseAirbyteWorkspace,
    Catalog,
    Connection,
    catalog_for_definitions,
    no_garbage_collected,
)
from dagster_airbyte_sync.resources.schedules.taken_over import TakenOver, as_taken_over

# The name of a pool, or a function of the connection that returns one, or None for none.
Pool = str | Callable[[Connection], str | None]

# A line names so many connections.
_MOST_NAMES = 20

_log = logging.getLogger("dagster_airbyte_sync")
_said: set[str] = set()


def load_tables(
    workspace: BaseAirbyteWorkspace,
    dagster_airbyte_translator: DagsterAirbyteTranslator | None = None,
    connection_selector_fn: ConnectionSelector | None = None,
    *,
    include_inactive: bool = True,
    freshness_from_airbyte_schedule: bool | TakenOver | str = False,
    snapshot: Path | None = None,
    warns_of_none: bool = True,
    pool: Pool | None = None,
) -> list[Table]:
    """The selected tables of a workspace whose EnvVars need not be resolved yet.

    If there are none the log says why, unless the caller does. Raises AirbyteSettingsError that
    names the connection if the `pool` is a function that raises, or returns something else.
    """
    catalog = catalog_for_definitions(workspace, snapshot)
    selector = connection_selector_fn if include_inactive else only_active(connection_selector_fn)
    translator = dagster_airbyte_translator or DEFAULT_TRANSLATOR
    made_by: dict[str, object] = {keys.TRANSLATOR: translator}
    if snapshot is not None:
        read_at = catalog.read_at.timestamp()
        made_by[keys.CATALOG_READ_AT] = dg.TimestampMetadataValue(read_at)

    def made_from(connection: Connection) -> Mapping[str, object]:
        return {**made_by, keys.KNOWN_STREAMS: KnownStreams.of(connection)}

    with no_garbage_collected():
        tables = selected_tables(catalog, translator, selector, made_from)
    if not tables and warns_of_none:
        _warn_once(why_no_tables(catalog, connection_selector_fn))
    if pool is not None:
        used = dict.fromkeys(table.connection_id for table in tables)
        pools = {each: pool_of(catalog.connections[each], pool) for each in used}
        tables = [replace(table, pool=pools[table.connection_id]) for table in tables]
    wanted = freshness_from_airbyte_schedule
    if not wanted and not isinstance(wanted, str):
        return tables
    taken = as_taken_over(None if isinstance(wanted, bool) else wanted)
    return [
        with_freshness(table, taken.before(catalog.connections[table.connection_id]))
        for table in tables
    ]


def pool_of(connection: Connection, pool: Pool) -> str | None:
    """The pool of the connection's syncs. Raises AirbyteSettingsError that names the connection."""
    named = f"connection {connection.name!r} ({connection.id})"
    with calling("The function given as pool", named):
        name: object = pool(connection) if callable(pool) else pool
    if name is None:
        return None
    if not isinstance(name, str) or not name or any(map(str.isspace, name)):
        given = (
            f"The function given as pool returned {name!r}"
            if callable(pool)
            else f"pool is {name!r}"
        )
        raise AirbyteSettingsError(
            f"{given} for {named}: a pool is a name without spaces, such as"
            " connection.source_id, or None for no pool."
        )
    return name


def why_no_tables(catalog: Catalog, selector: ConnectionSelector | None = None) -> str:
    """Why none of the workspace's tables is selected, and what to change. Pure."""
    listed = sorted(catalog.connections.values(), key=lambda each: each.name)
    chosen = [each for each in listed if accepts(selector, each)]
    workspace, setting = catalog.where, "workspace_ids" if catalog.workspaces else "workspace_id"
    if not listed:
        return (
            f"There are no connections in {workspace}, so it has no assets here. Once there are"
            f" some, reload the code location; if there are some now, check {setting}."
        )
    names = ", ".join(repr(each.name) for each in (chosen or listed)[:_MOST_NAMES])
    if len(chosen or listed) > _MOST_NAMES:
        names += f" and {len(chosen or listed) - _MOST_NAMES} more"
    if not chosen:
        return (
            f"connection_selector_fn accepts none of the connections in {workspace}, so it has no"
            f" assets here. They are: {names}."
        )
    if any(each.selected_streams for each in chosen):
        return (
            f"All selected connections in {workspace} are paused, and include_inactive=False leaves"
            f" them out, so it has no assets here: {names}."
        )
    return (
        f"No stream is enabled in Airbyte in any selected connection of {workspace}, so it"
        f" has no assets here: {names}."
    )


def _warn_once(text: str) -> None:
    """Definitions are loaded in parts, each of which finds the same."""
    if text not in _said:
        _said.add(text)
        _log.warning("%s", text)


def refuse_two_groups(tables: Sequence[Table], group_name: str | None) -> None:
    """Raise AirbyteSettingsError if the tables are in groups already."""
    grouped = [table for table in tables if table.spec.group_name is not None]
    if group_name is not None and grouped:
        first = grouped[0]
        raise AirbyteSettingsError(
            f"group_name is {group_name!r}, but the translator puts {first.key.to_user_string()!r}"
            f" into the group {first.spec.group_name!r}: leave group_name out, or the groups of the"
            " translator."
        )
