"""Which connections and tables a trigger waits for. Pure: the tables say themselves what they are.

Of a table that no definition here has, a trigger knows nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import dagster as dg

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import (
    Table,
    group_by_connection,
    table_of_spec,
)
from dagster_airbyte_sync.resources import AirbyteSettingsError, StreamId
from dagster_airbyte_sync.sensors.run_requests.arrival import name_of_connection
from dagster_airbyte_sync.sensors.run_requests.jobs_in_tags import Mark, mark_of
from dagster_airbyte_sync.sensors.run_requests.runnable import names_of
from dagster_airbyte_sync.sensors.when_all.when_all import TAG_PREFIX, WhenAll

_TABLE = "the table"
# So many names help whoever has mistyped one.
_MOST_NAMED = 30


@dataclass(frozen=True)
class Member:
    """A connection that a trigger waits for, and those of its tables that must be reported."""

    connection_id: str
    name: str
    tables: tuple[Table, ...]

    @cached_property
    def mark(self) -> Mark:
        return mark_of(self.connection_id)


@dataclass(frozen=True)
class Members:
    """All members, by name, and what was written but stands for nothing here."""

    known: tuple[Member, ...]
    unknown: tuple[str, ...] = ()

    @property
    def tables(self) -> list[Table]:
        return list(chain.from_iterable(member.tables for member in self.known))

    @property
    def count(self) -> int:
        return len(self.known) + len(self.unknown)


def members_of(wanted: Iterable[str | dg.AssetKey], tables: Iterable[Table]) -> Members:
    """The members that were asked for, of a code location with these tables."""
    connections = group_by_connection(tables)
    found: dict[str, dict[dg.AssetKey, Table]] = {}
    unknown: dict[str, None] = {}
    for each in wanted:
        own = _tables_of(each, connections)
        for table in own:
            found.setdefault(table.connection_id, {})[table.key] = table
        if not own:
            unknown[words_of(each)] = None
    known = (
        Member(each, _name(connections[each], own), tuple(own.values()))
        for each, own in found.items()
    )
    by_name = sorted(known, key=lambda member: (member.name, member.connection_id))
    return Members(tuple(by_name), tuple(unknown))


def _name(connection: Sequence[Table], own: Mapping[dg.AssetKey, Table]) -> str:
    """The connection's name, and of which of its tables, if not of all."""
    name = name_of_connection(connection, connection[0].connection_id)
    return name if len(own) == len(connection) else f"{name} ({names_of(own)})"


def _tables_of(
    wanted: str | dg.AssetKey, connections: Mapping[str, Sequence[Table]]
) -> list[Table]:
    if isinstance(wanted, dg.AssetKey):
        return [each for each in chain.from_iterable(connections.values()) if each.key == wanted]
    fits = (own for own in connections.values() if _is_meant(wanted, own[0]))
    return list(chain.from_iterable(fits))


def _is_meant(wanted: str, table: Table) -> bool:
    """Whether the table is of a connection that is meant by its name, id or tag."""
    if wanted.startswith(TAG_PREFIX):
        tags = keys.texts_in(table.spec.metadata, keys.CONNECTION_TAGS)
        return wanted.removeprefix(TAG_PREFIX) in tags
    name = keys.text_in(table.spec.metadata, keys.CONNECTION_NAME)
    return wanted in (table.connection_id, name)


def tables_in(repository: dg.RepositoryDefinition) -> list[Table]:
    """All tables of Airbyte that a code location defines, also assets of dagster-airbyte."""
    specs = (assets.get_asset_spec(key) for key, assets in repository.assets_defs_by_key.items())
    tables = (_table_of(spec) for spec in specs)
    return [table for table in tables if table is not None]


def _table_of(spec: dg.AssetSpec) -> Table | None:
    connection_id = keys.text_in(spec.metadata, keys.CONNECTION_ID)
    if connection_id is None:
        return None
    # dagster-airbyte does not say which stream it is; nothing here depends on that.
    return table_of_spec(spec) or Table(connection_id, StreamId(spec.key.path[-1]), spec)


def words_of(member: str | dg.AssetKey) -> str:
    """The member as it was written, for people."""
    return member if isinstance(member, str) else f"{_TABLE} {member.to_user_string()!r}"


def refuse_unknown(when_all: WhenAll, tables: Iterable[Table]) -> None:
    """Raise AirbyteSettingsError if no member stands for any of these tables.

    A single one may have been renamed or deleted in Airbyte, which must not stop the code location
    from loading: the sensor says so.
    """
    tables = list(tables)
    members = members_of(when_all.members, tables)
    if not members.known:
        raise AirbyteSettingsError(
            f"when_all {when_all.name!r}: {not_found(members.unknown, tables)} For members that are"
            " defined elsewhere in the code location, use build_airbyte_when_all_sensor."
        )


def refuse_same_names(triggers: Iterable[WhenAll]) -> None:
    """Raise AirbyteSettingsError if two triggers have one name."""
    uses = Counter(trigger.name for trigger in triggers)
    taken = [name for name, count in uses.items() if count > 1]
    if taken:
        raise AirbyteSettingsError(
            f"when_all has several named {', '.join(taken)}: give each a name of its own."
        )


def not_found(unknown: Iterable[str], tables: Iterable[Table]) -> str:
    """What was not found, and what there is."""
    connections = group_by_connection(tables)
    names = sorted({name_of_connection(own, each) for each, own in connections.items()})
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    known = ", ".join(map(repr, names[:_MOST_NAMED])) + more
    named = ", ".join(each if each.startswith(_TABLE) else repr(each) for each in unknown)
    return f"nothing here matches {named}. The connections are: {known or 'none'}."
