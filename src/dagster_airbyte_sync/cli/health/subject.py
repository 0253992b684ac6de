"""What a command is about: a workspace, its connections, and the assets that stand for them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
import dagster as dg

from dagster_airbyte_sync.assets import DuplicateAssetKey, Table, TakenOver
from dagster_airbyte_sync.assets.checks.check_settings import SYNC_CHECK, checks_in
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import (
    as_synced_by,
    group_by_connection,
    selected_tables,
    table_of_spec,
)
from dagster_airbyte_sync.cli.check.loading import loaded_definitions, only_workspace_in
from dagster_airbyte_sync.cli.finding import workspace_named
from dagster_airbyte_sync.cli.health.notes import down_note
from dagster_airbyte_sync.cli.mistakes import quietly
from dagster_airbyte_sync.cli.schedules.chosen import Chosen
from dagster_airbyte_sync.cli.schedules.record import read_record
from dagster_airbyte_sync.resources import AirbyteClient, BaseAirbyteWorkspace, Catalog, Connection


@dataclass(frozen=True)
class Assets:
    """The tables of each connection, by its id; `checked` are those with a check of syncs, None if
    that is not known. `note` says why there are none, if there is a reason."""

    tables: Mapping[str, Sequence[Table]]
    checked: frozenset[dg.AssetKey] | None = None
    note: str | None = None

    @property
    def all_tables(self) -> list[Table]:
        return [table for own in self.tables.values() for table in own]

    def of(self, connection_ids: Mapping[str, object]) -> "Assets":
        """Those of some connections."""
        own = {each: tables for each, tables in self.tables.items() if each in connection_ids}
        return Assets(own, self.checked, self.note)

    def as_synced_now(self, catalog: Catalog) -> "Assets":
        """With what only the connections say of their tables, for those that are there."""
        now = catalog.connections
        synced = {
            each: as_synced_by(now[each], tables) if each in now else tables
            for each, tables in self.tables.items()
        }
        return Assets(synced, self.checked, self.note)


@dataclass(frozen=True)
class Subject:
    """A workspace, ready to be asked, and the user's definitions, if they were given."""

    client: AirbyteClient
    definitions: dg.Definitions | None
    taken_over: TakenOver = field(default_factory=TakenOver)

    def chosen(
        self,
        connections: Mapping[str, Connection],
        patterns: Sequence[str],
        error: str | None = None,
    ) -> dict[str, Connection]:
        """Those that the patterns fit, by id, with the schedules that Dagster has taken over.

        With `error`, why Airbyte cannot be asked, they are those of the definitions. Raises Mistake
        if a pattern fits none.
        """
        selector = Chosen(patterns)
        found = [each for each in connections.values() if selector(each)]
        selector.refuse_unused(
            "Airbyte has" if error is None else f"{down_note(error)} The definitions have"
        )
        return {each.id: self.taken_over.before(each) for each in found}

    def assets(self, catalog: Catalog | None) -> Assets:
        """The assets of the definitions, or those that the catalog has by default."""
        if self.definitions is not None:
            made = _of_definitions(self.definitions)
            return made if catalog is None else made.as_synced_now(catalog)
        try:
            return Assets(group_by_connection(selected_tables(catalog)) if catalog else {})
        except DuplicateAssetKey:
            return Assets({}, note="tables share asset keys, so give --definitions")


@contextmanager
def subject_of(
    workspace: str | None, definitions: str | None, taken_over: Path | None = None
) -> Iterator[Subject]:
    """What the options name. Raises UsageError, Mistake or AirbyteError if it cannot be used."""
    if workspace is None and definitions is None:
        raise click.UsageError("Give --workspace MODULE:NAME, or --definitions MODULE, or both.")
    taken = TakenOver() if taken_over is None else read_record(taken_over, must_be_there=True)
    made = None if definitions is None else loaded_definitions(definitions)
    found = _workspace(workspace, made)
    with found.resolved() as ready, quietly():
        yield Subject(ready.get_client(), made, taken)


def _workspace(named: str | None, made: dg.Definitions | None) -> BaseAirbyteWorkspace:
    return only_workspace_in(made) if named is None else workspace_named(named)


def _of_definitions(definitions: dg.Definitions) -> Assets:
    repository = definitions.get_repository_def()
    tables = filter(None, map(table_of_spec, definitions.resolve_all_asset_specs()))
    checks = checks_in(repository)
    checked = frozenset(each.asset_key for each in checks if each.name == SYNC_CHECK)
    return Assets(group_by_connection(tables), checked)


def connections_of(assets: Assets) -> dict[str, Connection]:
    """The connections as their assets know them, for when Airbyte does not answer."""
    return {each: _connection(each, tables[0].spec) for each, tables in assets.tables.items()}


def _connection(connection_id: str, spec: dg.AssetSpec) -> Connection:
    return Connection(
        id=connection_id,
        name=keys.text_in(spec.metadata, keys.CONNECTION_NAME) or connection_id,
        destination_id="",
        status=spec.tags.get(keys.CONNECTION_STATUS, "active"),
        created_at=keys.time_in(spec.metadata, keys.CONNECTION_CREATED_AT),
    )
